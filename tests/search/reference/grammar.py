r"""https://hl7.org/fhir/R4/search.html#escaping: `\,` `\$` `\|` and `\\` stand for the characters."""

from tests.search.reference import Refused


def parts(text: str, separator: str) -> list[str]:
    """Between separators that no backslash stands before; escapes stay as they are."""
    found = [""]
    characters = iter(text)
    for character in characters:
        if character == "\\":
            found[-1] += character + next(characters, "")
        elif character == separator:
            found.append("")
        else:
            found[-1] += character
    return found


def plain(text: str) -> str:
    found = ""
    characters = iter(text)
    for character in characters:
        if character == "\\":
            following = next(characters, "")
            found += following if following and following in ",$|\\" else character + following
        else:
            found += character
    return found


def written(text: str) -> str:
    """The inverse of `plain`."""
    return "".join(f"\\{character}" if character in ",$|\\" else character for character in text)


def alternatives(text: str) -> list[str]:
    """ "multiple values separated by commas … express OR" """
    found = parts(text, ",")
    if not all(found):
        raise Refused(f"an empty value in {text!r}")
    return found

r"""The grammar of parameter values: `,` for OR, `$` for composites, `|` for systems, `\` before any of them.

https://hl7.org/fhir/R4/search.html#escaping
"""

import re

from fhir_server.outcome import bad_value

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPABLE = frozenset("\\,$|")


def split(text: str, separator: str) -> list[str]:
    """The parts between separators that are not escaped; escapes stay in the parts."""
    if "\\" not in text:
        return text.split(separator)
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == separator:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return parts


def unescape(text: str) -> str:
    r"""`a\,b` means `a,b`. A `\` before anything else is taken as it stands."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda found: found[1] if found[1] in _ESCAPABLE else found[0], text)


def system_and_code(text: str) -> tuple[str | None, str]:
    """(system, code). System None: any; "": without one. Code "": any code of the system."""
    parts = [unescape(part) for part in split(text, "|")]
    match parts:
        case [code]:
            return None, code
        case ["", ""]:
            raise bad_value("'|' names neither a system nor a code")
        case [system, code]:
            return system, code
        case _:
            raise bad_value(rf"{text!r} has more than one '|'; one that is part of a code is written '\|'")


def alternatives(text: str) -> list[str]:
    """The values of an OR, still escaped; raises 400 when one of them is empty."""
    if not text:
        raise bad_value("the value is empty")
    found = split(text, ",")
    if not all(found):
        raise bad_value(f"{text!r} has an empty value before or after a comma")
    return found

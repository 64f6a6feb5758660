"""https://hl7.org/fhir/R4/search.html#string

"By default, a field matches a string query if the value of the field equals or starts with the supplied
parameter value, after both have been normalized by case and accent."
"""

import unicodedata
from collections.abc import Iterator
from typing import Any

from tests.search.reference import Refused
from tests.search.reference.grammar import plain

_PRIMITIVES = ("string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid")
# blocks "Combining Diacritical Marks", Extended, Supplement, for Symbols, and Half Marks
_MARKS = ((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))
_IDEOGRAPHS = (
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF),
)  # fmt: skip


def _is_in(character: str, blocks: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(character) <= last for first, last in blocks)


def is_chinese(character: str) -> bool:
    return _is_in(character, _IDEOGRAPHS)


def folded(text: str) -> str:
    """Without case, accents, width; one space for many, and none between Chinese characters."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    bare = "".join(character for character in apart if not _is_in(character, _MARKS))
    whole = unicodedata.normalize("NFKC", bare)
    for dot in "•‧・∙⋅":
        whole = whole.replace(dot, "·")
    words = whole.split()
    found = ""
    for word in words:
        tight = found and all(is_chinese(each) or each == "·" for each in (found[-1], word[0]))
        found += word if not found or tight else f" {word}"
    return found


def texts(type_name: str, value: Any) -> Iterator[str]:
    """ "a string parameter … on HumanName: any of the string fields, including family, give, prefix, suffix,
    suffix and/or text"; of an Address "any of the string fields … including line, city, state, country,
    postalCode, and/or text"
    """
    match type_name:
        case "HumanName":
            yield from _members(value, "family", "given", "prefix", "suffix", "text")
        case "Address":
            yield from _members(value, "text", "line", "city", "district", "state", "postalCode", "country")
        case "CodeableConcept":
            yield from _members(value, "text")
            for coding in value.get("coding", ()):
                yield from _members(coding, "display")
        case "Coding":
            yield from _members(value, "display")
        case "ContactPoint":
            yield from _members(value, "value")
        case "Annotation":
            yield from _members(value, "text")
        case _ if type_name in _PRIMITIVES:
            yield value


def _members(value: Any, *names: str) -> Iterator[str]:
    for name in names:
        found = value.get(name)
        if isinstance(found, str):
            yield found
        else:
            yield from (each for each in found or () if each is not None)


def more_texts(type_name: str, value: Any, *, family: bool) -> Iterator[str]:
    """Texts that a resource does not have so: later words of a family name, a Chinese name put together."""
    surname = value if family and type_name == "string" else None
    if type_name == "HumanName":
        surname = value.get("family")
    words = folded(surname or "").split(" ")
    yield from (" ".join(words[start:]) for start in range(1, len(words)))
    if type_name == "HumanName" and surname and not value.get("text") and any(map(is_chinese, surname)):
        yield surname + "".join(each for each in value.get("given", ()) if each)


def matches(type_name: str, value: Any, text: str, modifier: str, *, family: bool) -> bool:
    """By what is written; names are found by more, see `names.py`."""
    wanted = plain(text)
    own = list(texts(type_name, value))
    if modifier == "exact":
        return wanted in own
    more = list(more_texts(type_name, value, family=family))
    have = [folded(each) for each in [*own, *more]]
    if modifier == "contains":
        return any(folded(wanted) in each for each in have)
    return any(each.startswith(folded(wanted)) for each in have)


def require(text: str) -> None:
    if not folded(plain(text)):
        raise Refused(f"nothing to compare in {text!r}")

"""`_text` and `_content`: https://hl7.org/fhir/R4/search.html#text, and what `docs/search.md` says of words.

"Case, width and accents do not count, nor does punctuation". A word is a run of letters of one kind and
digits, or a run of Chinese characters and kana, of which any part can be asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from typing import Any

from fhir_server.definitions.registry import Definitions
from tests.search.reference import Refused
from tests.search.reference.strings import folded, is_chinese

PARAMETERS = ("_text", "_content")
_MINUS = "\0"
"""Before what must not occur; a minus that stands alone is punctuation."""
WORDS = 100
DEPTH = 20
_TEXTS = ("string", "markdown", "code")
_OTHERS = ("date", "dateTime", "instant", "time", "uri", "url", "canonical", "oid", "uuid")
"""Of these it can be doubted that they are texts."""
_INLINE = ("a", "abbr", "b", "big", "code", "em", "i", "small", "span", "strong", "sub", "sup", "tt")
_NO_TEXT = ("id", "reference", "data", "hash")
_URIS = ("http:", "https:", "urn:")


@dataclass(frozen=True)
class Query:
    """A phrase ("words"), a negation ("not"), several that are joined ("and", "or"); "": nothing is asked."""

    kind: str
    terms: "tuple[Query, ...]" = ()
    words: tuple[str, ...] = ()
    goes_on: bool = False  # whether the last word is the beginning of one


@cache
def words(text: str) -> list[str]:
    """In their order; Chinese runs whole."""
    found, kind = list[str](), ""
    for character in folded(text):
        now = _kind(character)
        if now and now == kind:
            found[-1] += character
        elif now:
            found.append(character)
        kind = now
    return found


@cache
def _kind(character: str) -> str:
    """ "": it separates words."""
    if is_chinese(character) or "\u3040" <= character <= "\u30ff":
        return "run"
    if not character.isalnum():
        return ""
    return "ascii" if character.isascii() else "letters"


def fits(definitions: Definitions, resource: Any, name: str, query: Query, *, generous: bool) -> bool:
    match query.kind:
        case "":
            return True
        case "not":
            return not fits(definitions, resource, name, query.terms[0], generous=not generous)
        case "and":
            return all(fits(definitions, resource, name, each, generous=generous) for each in query.terms)
        case "or":
            return any(fits(definitions, resource, name, each, generous=generous) for each in query.terms)
    have = narrative(resource) if name == "_text" else texts(definitions, resource, generous=generous)
    return any(_stands_in(query, words(text)) for text in have)


def _stands_in(query: Query, text: list[str]) -> bool:
    wanted = query.words
    places = range(len(text) - len(wanted) + 1)
    return any(
        all(_is_word(query, number, text[place + number]) for number in range(len(wanted)))
        for place in places
    )


def _is_word(query: Query, number: int, have: str) -> bool:
    """Of Chinese runs the first may be the end of one, the last the beginning, a single one any part."""
    wanted, last = query.words[number], number == len(query.words) - 1
    if _kind(wanted[0]) != "run":
        return have.startswith(wanted) if last and query.goes_on else have == wanted
    if _kind(have[0]) != "run":
        return False
    if number and last:
        return have.startswith(wanted)
    if number:
        return have == wanted
    return wanted in have if last else have.endswith(wanted)


def narrative(resource: Any) -> list[str]:
    text = resource.get("text")
    return [_plain(text["div"])] if isinstance(text, dict) and "div" in text else []


class _Reading(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found += "" if tag in _INLINE else " "

    def handle_endtag(self, tag: str) -> None:
        self.found += "" if tag in _INLINE else " "

    def handle_comment(self, data: str) -> None:
        self.found += " "

    def handle_data(self, data: str) -> None:
        self.found += data


@cache
def _plain(html: str) -> str:
    reading = _Reading()
    reading.feed(html)
    reading.close()
    return reading.found


def texts(definitions: Definitions, resource: Any, *, generous: bool = False) -> Iterator[str]:
    """ "the whole resource": strings of any element but ids, references, URIs, times and binary data."""
    yield from narrative(resource)
    rest = resource if generous else {name: part for name, part in resource.items() if name != "text"}
    yield from _below(definitions, rest if narrative(resource) else resource, "Resource", generous)


def _below(definitions: Definitions, value: Any, type_name: str, generous: bool) -> Iterator[str]:
    if type_name == "Resource":
        type_name = value["resourceType"]
    properties = definitions.type(type_name).properties
    for name, part in value.items():
        element_type = properties[name.removeprefix("_")][1] if name != "resourceType" else ""
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, dict):
                below = "Element" if name.startswith("_") else element_type
                yield from _below(definitions, each, below, generous)
            elif isinstance(each, str):
                yield from _of_string(name, each, element_type, generous)


def _of_string(name: str, value: str, type_name: str, generous: bool) -> Iterator[str]:
    is_text = type_name in _TEXTS and name not in _NO_TEXT and not value.lower().startswith(_URIS)
    is_doubtful = type_name in (*_TEXTS, *_OTHERS) and name != "id"
    if type_name == "xhtml":
        yield _plain(value)
    elif is_text or (generous and is_doubtful):
        yield value


class _Parts:
    """Splits a question."""

    def __init__(self, text: str) -> None:
        self.parts: list[str] = []
        rest = text.strip()
        while rest:
            rest = self._take(rest).lstrip()

    def _take(self, rest: str) -> str:
        if rest[0] in "()":
            self.parts.append(rest[0])
            return rest[1:]
        if rest[0] == '"':
            phrase, closed, left = rest[1:].partition('"')
            if not closed:
                raise Refused("a quotation mark is not closed")
            self.parts.append(f'"{phrase}')
            return left
        if rest[0] == "-" and rest[1:2] and not rest[1].isspace() and rest[1] not in ")-":
            self.parts.append(_MINUS)
            return rest[1:]
        end = next((place for place, each in enumerate(rest) if each.isspace() or each in '()"'), len(rest))
        self.parts.append(rest[:end])
        return rest[end:]


def parse(text: str) -> Query:
    """Raises Refused for what is no question."""
    parts = _Parts(text).parts
    found, left = _either(parts, 0)
    if left:
        raise Refused(f"{left} closes nothing")
    if not found.kind:
        raise Refused("no word")
    if _count(found) > WORDS:
        raise Refused("too many words")
    return found


def _count(query: Query) -> int:
    return len(query.words) + sum(_count(each) for each in query.terms)


def _either(parts: list[str], depth: int) -> tuple[Query, list[str]]:
    """ "and binds stronger" """
    found, left = _together(parts, depth)
    terms = [found]
    while left and left[0].lower() == "or":
        found, left = _together(left[1:], depth)
        terms.append(found)
    return _joined("or", terms), left


def _together(parts: list[str], depth: int) -> tuple[Query, list[str]]:
    found, left = _one(parts, depth)
    terms = [found]
    while left and left[0] != ")" and left[0].lower() != "or":
        found, left = _one(left[1:] if left[0].lower() == "and" else left, depth)
        terms.append(found)
    return _joined("and", terms), left


def _joined(kind: str, terms: list[Query]) -> Query:
    said = [each for each in terms if each.kind]
    if len(said) < 2:
        return said[0] if said else Query("")
    return Query(kind, tuple(said))


def _one(parts: list[str], depth: int) -> tuple[Query, list[str]]:
    if depth > DEPTH or not parts or parts[0] == ")" or parts[0].lower() in ("and", "or"):
        raise Refused("a word is wanted")
    first, *left = parts
    if first == "(":
        found, left = _either(left, depth + 1)
        if not left:
            raise Refused("a parenthesis is not closed")
        return found, left[1:]
    if first == _MINUS or first.lower() == "not":
        found, left = _one(left, depth + 1)
        return (Query("not", (found,)) if found.kind else found), left
    return _phrase(first), left


def _phrase(text: str) -> Query:
    goes_on = text.endswith("*") and not text.startswith('"')
    found = tuple(words(text))
    if goes_on and found and found[-1].isascii() and len(found[-1]) < 2:
        raise Refused("two characters at least")
    return Query("words", words=found, goes_on=goes_on) if found else Query("")

"""`_text` and `_content`: the words of the narrative, or of the whole resource.

https://hl7.org/fhir/R4/search.html#text: "words … and logical conditions such as AND, OR", as in the example
`_text=(bone OR liver) and metastases`. Words stand for AND; besides there are `"phrases"`, `-` and `not`
before what must not occur, `*` behind the beginning of a word. Any other character separates words.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from fhir_server.outcome import FhirError, bad_value, too_costly
from fhir_server.search.column import Scope
from fhir_server.search.combine import all_of, any_of, none_of
from fhir_server.search.values import unescape
from fhir_server.search.words import asked
from fhir_server.store.algebra import FullText, Node

DEPTH = 20  # of parentheses
WORDS = 100  # of one query
PREFIX = 2  # characters before a `*`

_PART = re.compile(
    r"""\s*(?:(?P<mark>[()])|(?P<minus>-)(?=[^\s)-])|"(?P<phrase>[^"]*)"|(?P<word>[^\s()"]+))"""
)
_OPERATORS = frozenset(("and", "or", "not"))

Where = Literal["narrative", "anywhere"]


def full_text(where: Where) -> Callable[[Sequence[str], Scope], Node]:
    return lambda values, _scope: any_of(parse(unescape(value), where) for value in values)


def parse(text: str, where: Where) -> Node:
    """Raises 400 with the position of what is not understood."""
    reading = _Reading(text, where)
    found = reading.either(0)
    if reading.at < len(reading.parts):
        raise reading.error(f"{reading.parts[reading.at][1]!r} closes nothing")
    if found is None:
        raise bad_value(f"{text!r} has no word to search for")
    return found


def _combined(combine: Callable[[Iterable[Node]], Node], nodes: Sequence[Node | None]) -> Node | None:
    found = [node for node in nodes if node is not None]
    return combine(found) if found else None


class _Reading:
    """One query, read from the left."""

    def __init__(self, text: str, where: Where) -> None:
        self.text = text
        self.where = where
        self.at = 0  # the next of the parts
        self.words = 0
        self.parts = self._parts()

    def _parts(self) -> list[tuple[str, str, int]]:
        """(kind, text, position) of each."""
        found, position = [], 0
        text = self.text.rstrip()
        while position < len(text):
            part = _PART.match(text, position)
            if part is None:
                place = len(text) - len(text[position:].lstrip()) + 1
                raise bad_value(f"{self.text!r}: a quotation mark is not closed, at {place}")
            kind = part.lastgroup or ""
            if kind == "word" and part[kind].lower() in _OPERATORS:
                kind = part[kind].lower()
            found.append((kind, part[part.lastgroup or ""], part.start(part.lastgroup or "") + 1))
            position = part.end()
        return found

    def error(self, what: str) -> FhirError:
        place = self.parts[self.at][2] if self.at < len(self.parts) else len(self.text) + 1
        return bad_value(
            f"{self.text!r}: {what}, at {place}; write words such as and, or, not in quotation marks"
        )

    def _next(self) -> tuple[str, str]:
        """(kind, text); ("end", "") behind the last one."""
        return self.parts[self.at][:2] if self.at < len(self.parts) else ("end", "")

    def either(self, depth: int) -> Node | None:
        """None: nothing but punctuation, which says nothing."""
        found = [self._together(depth)]
        while self._next()[0] == "or":
            self.at += 1
            found.append(self._together(depth))
        return _combined(any_of, found)

    def _together(self, depth: int) -> Node | None:
        found = [self._one(depth)]
        while self._next()[0] != "or" and self._next() not in (("end", ""), ("mark", ")")):
            if self._next()[0] == "and":
                self.at += 1
            found.append(self._one(depth))
        return _combined(all_of, found)

    def _one(self, depth: int) -> Node | None:
        kind, text = self._next()
        if depth > DEPTH:
            raise too_costly(f"a query has parentheses and negations within each other {DEPTH} deep at most")
        match kind, text:
            case ("mark", "("):
                self.at += 1
                found = self.either(depth + 1)
                if self._next() != ("mark", ")"):
                    raise self.error("a parenthesis is not closed")
                self.at += 1
                return found
            case (("minus" | "not"), _):
                self.at += 1
                found = self._one(depth + 1)
                return None if found is None else none_of(found)
            case (("phrase" | "word"), _):
                self.at += 1
                return self._phrase(text, kind == "word" and text.endswith("*"))
        raise self.error(f"{text!r} stands where a word is wanted" if text else "a word is wanted")

    def _phrase(self, text: str, prefix: bool) -> Node | None:
        """What is written without spaces, `HbA1c` or `8302-2`, is a phrase too."""
        words, goes_on = asked(text, prefix=prefix)
        if not words:
            return None
        self.words += len(words)
        if self.words > WORDS:
            raise too_costly(f"a query has {WORDS} words at most")
        if prefix and len(words[-1]) < PREFIX and words[-1].isascii():
            raise bad_value(f"{text!r}: at least {PREFIX} characters must stand before a *")
        return FullText(self.where, words, goes_on)

"""String parameters: text that starts with, contains, or exactly is.

https://hl7.org/fhir/R4/search.html#string
"""

from collections.abc import Callable, Sequence
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.text import has_ideographs, normalise
from fhir_server.search.values import unescape
from fhir_server.store.algebra import Node, Present, StringContains, StringIs, StringStarts
from fhir_server.store.rows import Rows, hash64

MODIFIERS = frozenset(("exact", "contains"))
PARTS = "[parts]"
"""Texts that are searched with the column and are not written so in the resource: each later word of a
family name, a Chinese name put together. `:exact` and `_sort` must not see them: they are a column apart."""

FAMILY = "HumanName.family"
"""What `columns.py` calls the type of a family name."""

_TEXTS = frozenset(("string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"))
_ADDRESS = ("text", "city", "district", "state", "postalCode", "country")


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    if value_type in _TEXTS:
        return _text(column)
    build = _STRUCTURES.get(value_type)
    return None if build is None else build(column)


def _text(column: str) -> Emit:
    def emit(value: Any, rows: Rows) -> None:
        if text := normalise(value):
            rows.strings.add((column, text, hash64(value)))

    return emit


def family(column: str) -> Emit:
    """A family name, also by each of its later words: `Carreno Quinones` is found by `Quinones`."""
    whole, parts = _text(column), column + PARTS

    def emit(value: Any, rows: Rows) -> None:
        whole(value, rows)
        words = normalise(value).split(" ")
        for start in range(1, len(words)):
            rows.strings.add((parts, " ".join(words[start:]), 0))

    return emit


def _human_name(column: str) -> Emit:
    part, family_part, parts = _text(column), family(column), column + PARTS

    def emit(value: Any, rows: Rows) -> None:
        surname = value.get("family")
        if surname:
            family_part(surname, rows)
        for name in ("given", "prefix", "suffix"):
            for text in value.get(name, ()):
                if text:
                    part(text, rows)
        if text := value.get("text"):
            part(text, rows)
        elif surname and has_ideographs(surname):
            given = "".join(text for text in value.get("given", ()) if text)
            rows.strings.add((parts, normalise(surname + given), 0))

    return emit


def _address(column: str) -> Emit:
    part = _text(column)

    def emit(value: Any, rows: Rows) -> None:
        for name in _ADDRESS:
            if text := value.get(name):
                part(text, rows)
        for text in value.get("line", ()):
            if text:
                part(text, rows)

    return emit


def _members(*names: str) -> Callable[[str], Emit]:
    def build(column: str) -> Emit:
        part = _text(column)

        def emit(value: Any, rows: Rows) -> None:
            for name in names:
                if text := value.get(name):
                    part(text, rows)

        return emit

    return build


def _codeable_concept(column: str) -> Emit:
    part = _text(column)

    def emit(value: Any, rows: Rows) -> None:
        if text := value.get("text"):
            part(text, rows)
        for coding in value.get("coding", ()):
            if text := coding.get("display"):
                part(text, rows)

    return emit


_STRUCTURES: dict[str, Callable[[str], Emit]] = {
    "HumanName": _human_name,
    FAMILY: family,
    "Address": _address,
    "CodeableConcept": _codeable_concept,
    "Coding": _members("display"),
    "ContactPoint": _members("value"),
    "Annotation": _members("text"),
}


def has_parts(column: Column) -> bool:
    return "HumanName" in column.value_types or FAMILY in column.value_types


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    terms: list[Node] = []
    for value in values:
        written = unescape(value)
        text = normalise(written)
        if not text:
            raise bad_value(f"{written!r} has no character that a search could compare")
        if modifier == "exact":
            terms.append(StringIs(column.name, text, hash64(written)))
            continue
        comparison = StringContains if modifier == "contains" else StringStarts
        terms.append(comparison(column.name, text))
        if has_parts(column):
            terms.append(comparison(column.name + PARTS, text))
    return any_of(terms)


def present(column: Column) -> Node:
    return Present("string", column.name)

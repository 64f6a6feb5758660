"""String parameters: text that starts with, contains, or exactly is.

https://hl7.org/fhir/R4/search.html#string
"""

from collections.abc import Callable, Sequence
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search import pinyin, sound
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import all_of, any_of
from fhir_server.search.text import DOT, has_ideographs, normalise
from fhir_server.search.values import unescape
from fhir_server.store.algebra import Node, Present, StringContains, StringIs, StringStarts
from fhir_server.store.rows import Rows, hash64

MODIFIERS = frozenset(("exact", "contains"))
PARTS = "[parts]"
"""Texts that are searched with the column and are not written so in the resource: each later word of a
family name, a Chinese name put together, its pinyin. `:exact` and `_sort` must not see them: they are a
column apart."""
SOUNDS = "[sounds]"
"""Phonetic keys of the words of names, another column: two names that differ have the same key."""

FAMILY, NAME, PHONETIC_NAME = "HumanName.family", "name", "name that has a phonetic parameter"
NAMES = {
    ("HumanName", "family"): FAMILY,
    ("HumanName", "given"): NAME,
    ("Organization", "name"): PHONETIC_NAME,
    ("Organization", "alias"): NAME,
    ("Location", "name"): NAME,
    ("Location", "alias"): NAME,
    ("HealthcareService", "name"): NAME,
}
"""What `columns.py` calls the types of texts that are names, by owner and element."""

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


def _name(column: str) -> Emit:
    """A text that may be Chinese."""
    parts = column + PARTS

    def emit(value: Any, rows: Rows) -> None:
        if text := normalise(value):
            rows.strings.add((column, text, hash64(value)))
            if not text.isascii():
                _read(parts, text, rows)

    return emit


def _phonetic_name(column: str) -> Emit:
    part, sounds = _name(column), column + SOUNDS

    def emit(value: Any, rows: Rows) -> None:
        part(value, rows)
        for key in sound.keys(normalise(value)):
            rows.strings.add((sounds, key, 0))

    return emit


def _words(column: str) -> Emit:
    """A family name, also by each of its later words: `Carreno Quinones` is found by `Quinones`."""
    parts = column + PARTS

    def emit(value: Any, rows: Rows) -> None:
        if text := normalise(value):
            rows.strings.add((column, text, hash64(value)))
            if " " in text:
                words = text.split(" ")
                for start in range(1, len(words)):
                    rows.strings.add((parts, " ".join(words[start:]), 0))

    return emit


def _family(column: str) -> Emit:
    words, parts = _words(column), column + PARTS

    def emit(value: Any, rows: Rows) -> None:
        words(value, rows)
        if not value.isascii():
            _read(parts, normalise(value), rows, surname=True)

    return emit


def _human_name(column: str) -> Emit:
    words, part = _words(column), _text(column)
    parts, sounds = column + PARTS, column + SOUNDS

    def emit(value: Any, rows: Rows) -> None:
        surname, text = value.get("family") or "", value.get("text") or ""
        given = [name for name in value.get("given", ()) if name]
        if surname:
            words(surname, rows)
        for name in given:
            part(name, rows)
        for kind in ("prefix", "suffix"):
            for name in value.get(kind, ()):
                if name:
                    part(name, rows)
        if text:
            part(text, rows)
        spoken = " ".join((surname, *given)) if surname or given else text
        if not (spoken.isascii() and text.isascii()):
            _chinese(parts, normalise(surname), normalise("".join(given)), normalise(text), rows)
        for key in sound.keys(normalise(spoken)):
            rows.strings.add((sounds, key, 0))

    return emit


def _chinese(parts: str, surname: str, given: str, text: str, rows: Rows) -> None:
    """A name as one text, and what is found by pinyin of it."""
    joined = normalise(surname + given) if has_ideographs(surname) else ""
    if joined and not text:
        rows.strings.add((parts, joined, 0))
    for whole in {text, joined}:
        _read(parts, whole, rows, surname=True)
    for found in pinyin.readings(given):
        rows.strings.add((parts, found, 0))
    _without_dots(parts, given, rows)
    if not (text or joined).startswith(surname):
        _read(parts, surname, rows, surname=True)


def _read(parts: str, text: str, rows: Rows, *, surname: bool = False) -> None:
    """The pinyin of a text and of what follows its dots, which are left out."""
    for found in pinyin.readings(text, surname=surname):
        rows.strings.add((parts, found, 0))
    for found in pinyin.initials(text, surname=surname):
        rows.strings.add((parts, found, 0))
    _without_dots(parts, text, rows)


def _without_dots(parts: str, text: str, rows: Rows) -> None:
    if DOT in text and has_ideographs(text):
        rows.strings.add((parts, text.replace(DOT, ""), 0))
        _, _, later = text.partition(DOT)
        rows.strings.add((parts, later, 0))
        _read(parts, later, rows)


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
    FAMILY: _family,
    NAME: _name,
    PHONETIC_NAME: _phonetic_name,
    "Address": _address,
    "CodeableConcept": _codeable_concept,
    "Coding": _members("display"),
    "ContactPoint": _members("value"),
    "Annotation": _members("text"),
}


_WITH_PARTS = frozenset(("HumanName", FAMILY, NAME, PHONETIC_NAME))


def has_parts(column: Column) -> bool:
    return not _WITH_PARTS.isdisjoint(column.value_types)


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    return any_of(_where(column, unescape(value), modifier) for value in values)


def _where(column: Column, written: str, modifier: str) -> Node:
    text = normalise(written)
    if not text:
        raise bad_value(f"{written!r} has no character that a search could compare")
    if modifier == "exact":
        return StringIs(column.name, text, hash64(written))
    comparison = StringContains if modifier == "contains" else StringStarts
    terms: list[Node] = [comparison(column.name, text)]
    if has_parts(column):
        dotless = text.replace(DOT, "")
        if dotless not in (text, ""):
            terms.append(comparison(column.name, dotless))
        found = dict.fromkeys((text, dotless, pinyin.typed(written) or text))
        terms += [comparison(column.name + PARTS, part) for part in found if part]
    if column.by_sound and not modifier:
        terms += _sounding(column.name, text)
    return any_of(terms)


def _sounding(column: str, text: str) -> list[Node]:
    """Names that are spoken like `text`: all its words occur, in any order; Chinese ones begin with it."""
    terms: list[Node] = [StringStarts(column + PARTS, each) for each in pinyin.readings(text, surname=True)]
    if keys := sound.keys(text):
        terms.append(all_of(StringIs(column + SOUNDS, key) for key in keys))
    return terms


def present(column: Column) -> Node:
    return Present("string", column.name)

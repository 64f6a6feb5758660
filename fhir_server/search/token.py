"""Token parameters: codes, identifiers, booleans and other texts that match as a whole.

https://hl7.org/fhir/R4/search.html#token

A Coding makes one row, the hash of `system|code`; the lexicon, which is kept once for all resources, knows
the hashes that a code alone or a system alone stands for. An Identifier makes a row for each form it can be
searched by, because its values are too many for a lexicon. A primitive makes one row, the hash of its text.
Sorting goes by the texts of the lexicon, so codes and booleans have theirs in it too.

Codes are compared without case unless their system is known to need it; identifiers, ids and URIs exactly.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.values import split, unescape
from fhir_server.store.algebra import LexiconIn, Node, Present, TokenIn
from fhir_server.store.rows import Rows, hash64

MODIFIERS = frozenset(("not",))
SYSTEM = "[system]"
"""Where the lexicon has the systems of a column's codes."""
SORTABLE = frozenset(("Coding", "CodeableConcept", "code", "boolean", "string"))

CASE_SENSITIVE_SYSTEMS = frozenset(("http://unitsofmeasure.org", "http://varnomen.hgvs.org"))
"""Systems in which codes differ by case alone: UCUM's `m` and `M`, HGVS's `c.` and `C`."""

BOOLEAN_SYSTEMS = frozenset(
    ("http://hl7.org/fhir/special-values", "http://terminology.hl7.org/CodeSystem/special-values")
)

_FOLDED = frozenset(("code", "boolean", "string", "markdown"))
_EXACT = frozenset(("id", "uri", "url", "canonical", "oid", "uuid"))
_NUMBERS = frozenset(("integer", "positiveInt", "unsignedInt", "decimal"))
_CODED = frozenset(("Coding", "CodeableConcept"))
_NOT_OF_A_NUMBER = re.compile(r"[\s()./-]")


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    if value_type in _FOLDED or value_type in _EXACT or value_type in _NUMBERS:
        return _primitive(column, folded=value_type in _FOLDED)
    build = _STRUCTURES.get(value_type)
    return None if build is None else build(column)


def code_hash(system: str | None, code: str | None) -> int:
    """The hash of a Coding. No system: `|code`; no code: `system|`."""
    system, code = system or "", code or ""
    return hash64(f"{system}|{code if system in CASE_SENSITIVE_SYSTEMS else code.casefold()}")


def _primitive(column: str, *, folded: bool) -> Emit:
    @lru_cache(maxsize=512)
    def rows_of(value: Any) -> tuple[tuple[str, int], tuple[str, str, int]]:
        text = value if isinstance(value, str) else str(value)
        text = text.casefold() if folded else text
        hashed = hash64(text)
        return (column, hashed), (column, text, hashed)

    def emit(value: Any, rows: Rows) -> None:
        row, text = rows_of(value)
        rows.tokens.add(row)
        if folded:
            rows.lexicon.add(text)

    return emit


def _coding(column: str) -> Emit:
    systems = column + SYSTEM

    @lru_cache(maxsize=1024)
    def rows_of(system: str | None, code: str | None) -> tuple[tuple[str, int], list[tuple[str, str, int]]]:
        hashed = code_hash(system, code)
        texts = [(systems, system, hashed)] if system else []
        if code:
            texts.append((column, code.casefold(), hashed))
        return (column, hashed), texts

    def emit(value: Any, rows: Rows) -> None:
        system, code = value.get("system"), value.get("code")
        if system or code:
            row, texts = rows_of(system, code)
            rows.tokens.add(row)
            rows.lexicon.update(texts)

    return emit


def _codeable_concept(column: str) -> Emit:
    coding = _coding(column)

    def emit(value: Any, rows: Rows) -> None:
        for item in value.get("coding", ()):
            coding(item, rows)

    return emit


def _identifier(column: str) -> Emit:
    def emit(value: Any, rows: Rows) -> None:
        system, text, add = value.get("system"), value.get("value"), rows.tokens.add
        if text:
            add((column, hash64(text)))
            add((column, hash64(f"{system or ''}|{text}")))
        if system:
            add((column, hash64(f"{system}|")))

    return emit


def _contact_point(column: str) -> Emit:
    def emit(value: Any, rows: Rows) -> None:
        if text := value.get("value"):
            comparable = contact(text)
            rows.tokens.add((column, hash64(comparable)))
            if system := value.get("system"):
                rows.tokens.add((column, hash64(f"{system}|{comparable}")))

    return emit


def contact(text: str) -> str:
    """A ContactPoint's value as it is compared: `(0555) 12-34` is `05551234`, other values without case."""
    bare = _NOT_OF_A_NUMBER.sub("", text)
    return bare if bare.lstrip("+").isdigit() else text.casefold().strip()


_STRUCTURES: dict[str, Callable[[str], Emit]] = {
    "Coding": _coding,
    "CodeableConcept": _codeable_concept,
    "Identifier": _identifier,
    "ContactPoint": _contact_point,
}


def parse(text: str) -> tuple[str | None, str]:
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


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    hashes: dict[int, None] = {}
    codes: list[str] = []
    systems: list[str] = []
    everything = False
    coded = not _CODED.isdisjoint(column.value_types)
    for value in values:
        system, code = parse(value)
        hashes |= dict.fromkeys(_hashes(column, system, code))
        if coded and system is None:
            codes.append(code.casefold())
        elif coded and system and not code:
            systems.append(system)
        everything = everything or (code == "" and system in column.systems)
    terms: list[Node] = [Present("token", column.name)] if everything else []
    if hashes:
        terms.append(TokenIn(column.name, tuple(hashes)))
    if codes:
        terms.append(LexiconIn(column.name, tuple(codes)))
    if systems:
        terms.append(LexiconIn(column.name, tuple(systems), lexicon=column.name + SYSTEM))
    return any_of(terms)


def _hashes(column: Column, system: str | None, code: str) -> list[int]:
    """Hashes that are known without the lexicon, by each of the types that the column holds."""
    found: list[int] = []
    for value_type in column.value_types:
        if value_type in _CODED:
            if system is not None and code:
                found.append(code_hash(system, code))
        elif value_type == "Identifier":
            found.append(hash64(code if system is None else f"{system}|{code}"))
        elif value_type == "ContactPoint":
            comparable = contact(code)
            found.append(hash64(f"{system}|{comparable}" if system else comparable))
        elif code and (not system or system in column.systems):
            found.append(hash64(code.casefold() if value_type in _FOLDED else code))
    return found


def present(column: Column) -> Node:
    return Present("token", column.name)

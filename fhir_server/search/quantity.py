"""Quantity parameters: a number with a unit.

https://hl7.org/fhir/R4/search.html#quantity

The unit of a row is the hash of `system|code`; the lexicon knows the hashes that a code or a written unit
alone stands for. Values are compared in the unit they are written in; a conversion to canonical UCUM units
belongs in `_unit` and `_units`, where rows and searches get their unit.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.number import compare_number, limits
from fhir_server.search.values import split, unescape
from fhir_server.store.algebra import Node, Present
from fhir_server.store.rows import Rows, hash64

MODIFIERS: frozenset[str] = frozenset()

CURRENCY = "urn:iso:std:iso:4217"
QUANTITIES = frozenset(("Quantity", "Age", "Count", "Distance", "Duration"))


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    unit = _unit(column)

    def emit_quantity(value: Any, rows: Rows) -> None:
        number = value.get("value")
        if number is not None:
            hashed, texts = unit(value.get("system"), value.get("code"), value.get("unit"))
            low, high = _limits(float(number), value.get("comparator"))
            rows.numbers.add((column, hashed, low, high))
            rows.lexicon.update(texts)

    def emit_money(value: Any, rows: Rows) -> None:
        emit_quantity({"value": value.get("value"), "system": CURRENCY, "code": value.get("currency")}, rows)

    def emit_range(value: Any, rows: Rows) -> None:
        low, high = value.get("low", {}), value.get("high", {})
        ends = low.get("value"), high.get("value")
        if ends != (None, None):
            end = low or high
            hashed, texts = unit(end.get("system"), end.get("code"), end.get("unit"))
            rows.numbers.add((column, hashed, *limits(*ends)))
            rows.lexicon.update(texts)

    if value_type in QUANTITIES:
        return emit_quantity
    return {"Money": emit_money, "Range": emit_range}.get(value_type)


def _unit(column: str) -> Any:
    @lru_cache(maxsize=512)
    def unit(
        system: str | None, code: str | None, written: str | None
    ) -> tuple[int, list[tuple[str, str, int]]]:
        """The hash of a unit, and its rows of the lexicon. Without system and code: of what is written."""
        hashed = hash64(f"{system or ''}|{code or written or ''}")
        return hashed, [(column, text, hashed) for text in {code, written} if text]

    return unit


def _limits(number: float, comparator: str | None) -> tuple[float, float]:
    """`< 5` is any value below 5."""
    match comparator:
        case "<":
            return -math.inf, math.nextafter(number, -math.inf)
        case "<=":
            return -math.inf, number
        case ">=":
            return number, math.inf
        case ">":
            return math.nextafter(number, math.inf), math.inf
        case _:
            return number, number


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    terms: list[Node] = []
    for value in values:
        parts = split(value, "|")
        if len(parts) not in (1, 3):
            raise bad_value(f"{value!r} is not written number, number|system|code or number||code")
        units, texts = _units(*(unescape(part) for part in parts[1:]))
        terms.append(compare_number(column, parts[0], units, points=False, texts=texts))
    return any_of(terms)


def _units(system: str = "", code: str = "") -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """(hashes of units, texts of units for the lexicon); None and (): any unit."""
    if system and code:
        return (hash64(f"{system}|{code}"),), ()
    if system:
        raise bad_value("a quantity with a system needs a code, number|system|code")
    return (None, ()) if not code else ((), (code,))


def present(column: Column) -> Node:
    return Present("number", column.name)

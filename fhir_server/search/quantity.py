"""Quantity parameters: a number with a unit.

https://hl7.org/fhir/R4/search.html#quantity

A quantity makes two rows. The one is as it is written: its unit is the hash of system, code and unit, and the
lexicon knows the hashes that a code or a written unit alone stands for. The other, in a column of its own, is
in the canonical unit of UCUM where there is one, and else the same again. By it a quantity with a system and
a code is found, `5.4 mg` as `0.0054 g`, and by it quantities are sorted.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from fhir_server import ucum
from fhir_server.outcome import bad_value
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.number import Convert, compare_number, to_float
from fhir_server.search.values import split, unescape
from fhir_server.store.algebra import Node, Present
from fhir_server.store.rows import Rows, hash64

MODIFIERS: frozenset[str] = frozenset()

CANONICAL = "[canonical]"
"""Where a column has its quantities in canonical units."""
CURRENCY = "urn:iso:std:iso:4217"
QUANTITIES = frozenset(("Quantity", "Age", "Count", "Distance", "Duration"))


class _Unit(NamedTuple):
    written: int  # hash
    canonical: int  # hash
    convert: Convert  # to the canonical unit
    texts: tuple[tuple[str, str, int], ...]  # of the lexicon


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    canonical, unit = column + CANONICAL, _units(column)

    def emit_quantity(value: Any, rows: Rows) -> None:
        number = value.get("value")
        if number is not None:
            found = unit(value.get("system"), value.get("code"), value.get("unit"))
            comparator = value.get("comparator")
            rows.numbers.add((column, found.written, *_limits(to_float(number), comparator)))
            rows.numbers.add((canonical, found.canonical, *_limits(found.convert(number), comparator)))
            rows.lexicon.update(found.texts)

    def emit_money(value: Any, rows: Rows) -> None:
        emit_quantity({"value": value.get("value"), "system": CURRENCY, "code": value.get("currency")}, rows)

    def emit_range(value: Any, rows: Rows) -> None:
        low, high = value.get("low", {}), value.get("high", {})
        ends = low.get("value"), high.get("value")
        if ends == (None, None):
            return
        units = [
            unit(end.get("system"), end.get("code"), end.get("unit")) for end in (low or high, high or low)
        ]
        first, second = units
        rows.numbers.add((column, first.written, *_ends(ends, to_float, to_float)))
        rows.lexicon.update(first.texts)
        if first.canonical == second.canonical:
            rows.numbers.add((canonical, first.canonical, *_ends(ends, first.convert, second.convert)))

    if value_type in QUANTITIES:
        return emit_quantity
    return {"Money": emit_money, "Range": emit_range}.get(value_type)


def _units(column: str) -> Callable[[str | None, str | None, str | None], _Unit]:
    @lru_cache(maxsize=512)
    def unit(system: str | None, code: str | None, written: str | None) -> _Unit:
        """Without system and code: the unit that is written."""
        name = code or written or ""
        hashed = hash64(written or "", system or "", code or "")
        texts = tuple((column, text, hashed) for text in {code, written} if text)
        return _Unit(hashed, *_canonical(system or "", name), texts)

    return unit


def _canonical(system: str, code: str) -> tuple[int, Convert]:
    """The hash of the unit in which quantities of a unit are compared, and how they are brought there."""
    unit = ucum.unit(code) if system == ucum.SYSTEM else None
    if unit is None:
        return hash64(code, system), to_float
    hashed = hash64(unit.canonical, system)
    return hashed, to_float if unit == ucum.Unit(unit.canonical, Fraction(1)) else unit.number


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


def _ends(
    ends: tuple[Decimal | int | None, Decimal | int | None], of_low: Convert, of_high: Convert
) -> tuple[float, float]:
    """Of a Range, whose ends may be open."""
    low, high = ends
    return -math.inf if low is None else of_low(low), math.inf if high is None else of_high(high)


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    terms: list[Node] = []
    for value in values:
        number, *unit = split(value, "|")
        if len(unit) not in (0, 2):
            raise bad_value(f"{value!r} is not written number, number|system|code or number||code")
        terms.append(_where(column.name, number, *(unescape(part) for part in unit)))
    return any_of(terms)


def _where(column: str, number: str, system: str = "", code: str = "") -> Node:
    if system and not code:
        raise bad_value("a quantity with a system needs a code, number|system|code")
    if system:
        hashed, convert = _canonical(system, code)
        return compare_number(column + CANONICAL, number, units=(hashed,), convert=convert)
    if code:  # "where the unit - either the code or the stated human unit - is" this: as it is written
        return compare_number(column, number, units=(), texts=(code,))
    return compare_number(column, number)


def present(column: Column) -> Node:
    return Present("number", column.name)

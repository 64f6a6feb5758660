"""https://hl7.org/fhir/R4/search.html#number, https://hl7.org/fhir/R4/search.html#quantity

Numbers are compared as the nearest binary floating-point number of 64 bits.
"""

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from tests.search.reference import Refused, units
from tests.search.reference.grammar import parts, plain
from tests.search.reference.ranges import compare, split
from tests.search.reference.units import Convert, Kind

_NUMBER = re.compile(r"[+\- ]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+\- ]?[0-9]{1,3})?")
_QUANTITIES = ("Quantity", "Age", "Count", "Distance", "Duration")
CURRENCY = "urn:iso:std:iso:4217"


class Range(NamedTuple):
    low: float
    high: float


class Unit(NamedTuple):
    system: str
    code: str
    written: str

    @property
    def kind(self) -> Kind:
        return units.unit(self.system, self.code or self.written)[0]


def number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise Refused(f"{text!r} is no number")
    found = Decimal(text.replace(" ", "+"))
    if math.isinf(float(found)):
        raise Refused(f"{text!r} is too large")
    return found


def wanted(text: str, convert: Convert = lambda number: number) -> tuple[str, Range]:
    """With gt, lt, ge, le, sa, eb "the implicit precision of the number is ignored"; otherwise `100` is
    [99.5 … 100.5), `1e2` is [95 … 105), in the unit that it is written in.
    """
    prefix, digits = split(text)
    found = number(digits)

    def converted(exact: Decimal) -> float:
        return nearest(convert(Fraction(exact)))

    if prefix not in ("eq", "ne", "ap"):
        return prefix, Range(converted(found), converted(found))
    half = _half(found)
    if prefix == "ap":  # "the recommended value for the approximation is 10% of the stated value"
        around = max(half, abs(found) / 10)
        return prefix, Range(converted(found - around), converted(found + around))
    below_end = math.nextafter(converted(found + half), -math.inf)
    return prefix, Range(converted(found - half), max(converted(found), below_end))


def _half(found: Decimal) -> Decimal:
    """Half of the unit of the last digit that is written."""
    _, digits, exponent = found.as_tuple()
    assert isinstance(exponent, int)
    if exponent > 0 and len(digits) == 1:
        exponent -= 1  # as the specification reads 1e2
    return Decimal(10) ** exponent / 2


def numbers(type_name: str, value: Any) -> Iterator[Range]:
    match type_name:
        case "decimal" | "integer" | "positiveInt" | "unsignedInt":
            yield Range(float(value), float(value))
        case "Range":
            yield from _ends(value)


def _ends(value: Any) -> Iterator[Range]:
    low, high = value.get("low", {}).get("value"), value.get("high", {}).get("value")
    if low is not None or high is not None:
        yield Range(
            -math.inf if low is None else float(low),
            math.inf if high is None else float(high),
        )


def quantities(type_name: str, value: Any) -> Iterator[tuple[Range, Unit]]:
    """As they are written."""
    if type_name in _QUANTITIES and value.get("value") is not None:
        yield _compared(float(value["value"]), value.get("comparator")), _unit(value)
    elif type_name == "Money" and value.get("value") is not None:
        amount = float(value["value"])
        yield Range(amount, amount), Unit(CURRENCY, value.get("currency", ""), "")
    elif type_name == "Range":
        for ends in _ends(value):
            yield ends, _unit(value.get("low") or value.get("high"))


def canonical(type_name: str, value: Any) -> Iterator[tuple[Range, Kind]]:
    """In the base units of their kind: "5.4 mg" and "0.0054 g" are the same."""
    if type_name == "Range":
        ends = [value.get(name) or {} for name in ("low", "high")]
        kinds = {_unit(end).kind for end in ends if end}
        if len(kinds) == 1 and any("value" in end for end in ends):
            low, high = (_in_base(end) for end in ends)
            yield Range(-math.inf if low is None else low, math.inf if high is None else high), kinds.pop()
        return
    for _, unit in quantities(type_name, value):
        code = unit.code or unit.written
        found = _in_base({"value": value["value"], "system": unit.system, "code": code})
        assert found is not None
        yield _compared(found, value.get("comparator")), unit.kind


def _in_base(value: Any) -> float | None:
    if value.get("value") is None:
        return None
    found = _unit(value)
    return nearest(units.unit(found.system, found.code or found.written)[1](Fraction(value["value"])))


def nearest(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


def _unit(value: Any) -> Unit:
    return Unit(value.get("system", ""), value.get("code", ""), value.get("unit", ""))


def _compared(value: float, comparator: str | None) -> Range:
    """A Quantity with a comparator may be any value on that side."""
    match comparator:
        case "<":
            return Range(-math.inf, math.nextafter(value, -math.inf))
        case "<=":
            return Range(-math.inf, value)
        case ">=":
            return Range(value, math.inf)
        case ">":
            return Range(math.nextafter(value, math.inf), math.inf)
    return Range(value, value)


def matches_number(type_name: str, value: Any, text: str) -> bool:
    prefix, range_ = wanted(plain(text))
    return any(compare(prefix, *found, *range_) for found in numbers(type_name, value))


def matches_quantity(type_name: str, value: Any, text: str) -> bool:
    """`[number]|[system]|[code]` in any unit of the kind, `[number]||[code]` "where the
    unit - either the code or the stated human unit" is this, `[number]`.
    """
    number_text, system, code = quantity(text)
    if system:
        kind, convert = units.unit(system, code)
        prefix, range_ = wanted(number_text, convert)
        return any(
            own == kind and compare(prefix, *found, *range_) for found, own in canonical(type_name, value)
        )
    prefix, range_ = wanted(number_text)
    return any(
        compare(prefix, *found, *range_) and (not code or code in (unit.code, unit.written))
        for found, unit in quantities(type_name, value)
    )


def quantity(text: str) -> tuple[str, str, str]:
    """(number with its prefix, system, code)"""
    given = [plain(part) for part in parts(text, "|")]
    if len(given) not in (1, 3):
        raise Refused(f"{text!r} is no quantity")
    system, code = given[1:] or ["", ""]
    if system and not code:
        raise Refused(f"{text!r} names a system without a code")
    wanted(given[0])
    return given[0], system, code

"""Numbers with a unit.

https://hl7.org/fhirpath/N1/#quantity, https://hl7.org/fhir/R4/fhirpath.html#quantity

Units are converted by UCUM; values in units of different dimensions neither equal nor compare, the answer is
empty. A calendar year or month is no definite duration, so it compares with the other alone; to `~` it is
the definite one. Other words (`1 week`) mean UCUM's units.
"""

import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Literal

from fhir_server import ucum

UCUM = ucum.SYSTEM
CALENDAR = "http://hl7.org/fhirpath/CodeSystem/calendar-units"

# calendar durations and the UCUM units that mean the same; years and months only mean the same to `~`
_SAME_UNIT = {
    "week": "wk",
    "day": "d",
    "hour": "h",
    "minute": "min",
    "second": "s",
    "millisecond": "ms",
}
_EQUIVALENT_UNIT = _SAME_UNIT | {"year": "a", "month": "mo"}
_MONTHS = {"year": 12, "month": 1}
# https://hl7.org/fhirpath/#unit-conversions: of calendar durations a year has 365 days and a month 30
_CALENDAR_S: dict[str, int | Fraction] = {
    "year": 31_536_000,
    "month": 2_592_000,
    "week": 604_800,
    "day": 86_400,
    "hour": 3600,
    "minute": 60,
    "second": 1,
    "millisecond": Fraction(1, 1000),
}
_CALENDAR_OF = {code: word for word, code in _EQUIVALENT_UNIT.items()}
_INCOMPARABLE = {"month", "s"}
_CONTEXT = Context(prec=34)
_TEXT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quantity:
    value: Decimal
    unit: str  # UCUM code, or a calendar duration in the singular; "1": without a unit

    def __str__(self) -> str:
        unit = self.unit if self.unit in _EQUIVALENT_UNIT else f"'{self.unit}'"
        return f"{self.value:f} {unit}"


def from_fhir(item: dict[str, Any]) -> Quantity | None:
    """The System.Quantity of a FHIR Quantity; None: it has no value, or a comparator leaves it open."""
    number = item.get("value")
    if number is None or "comparator" in item or isinstance(number, bool | dict | list):
        return None
    try:
        value = Decimal(str(number))
    except InvalidOperation:
        return None
    return Quantity(value, item.get("code") or item.get("unit") or "1")


def to_fhir(quantity: Quantity) -> dict[str, Any]:
    """Words of the calendar have a code system of their own, https://hl7.org/fhirpath/#time-valued-quantities."""
    system = CALENDAR if quantity.unit in _EQUIVALENT_UNIT else UCUM
    return {"value": quantity.value, "unit": quantity.unit, "system": system, "code": quantity.unit}


def parse_quantity(text: str) -> Quantity | None:
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    number, unit, word = match.groups()
    if word is not None:
        unit = _calendar(word)
        if unit is None:
            return None
    return Quantity(Decimal(number), unit or "1")


def _calendar(word: str) -> str | None:
    """The singular of a calendar duration; None: it is none."""
    return next((each for each in (word, word.removesuffix("s")) if each in _EQUIVALENT_UNIT), None)


def in_unit(quantity: Quantity, wanted: str) -> Quantity | None:
    """The same quantity in another unit; None: that is no unit, or they do not go together.

    https://hl7.org/fhirpath/#unit-conversions: a number without a unit takes the one that is wanted. Between
    calendar durations and UCUM the units of the source are calculated with: `182.5 days` are `0.5 'a'`.
    """
    target = _calendar(wanted) or wanted
    if target not in _EQUIVALENT_UNIT and ucum.unit(target) is None:
        return None
    if quantity.unit in ("1", target):
        return Quantity(quantity.value, target)
    if quantity.unit in _EQUIVALENT_UNIT:
        word = _CALENDAR_OF.get(target, target)
        if word in _EQUIVALENT_UNIT:
            return Quantity(_converted(quantity.value, _calendar_factor(quantity.unit, word)), target)
        seconds = _converted(quantity.value, Fraction(1) * _CALENDAR_S[quantity.unit])
        found = ucum.convert(seconds, "s", target)
    else:
        found = ucum.convert(quantity.value, quantity.unit, _EQUIVALENT_UNIT.get(target, target))
    return None if found is None else Quantity(found, target)


def _calendar_factor(source: str, target: str) -> Fraction:
    if source in _MONTHS and target in _MONTHS:
        return Fraction(_MONTHS[source], _MONTHS[target])
    return Fraction(1) * _CALENDAR_S[source] / _CALENDAR_S[target]


def _converted(value: Decimal, factor: Fraction) -> Decimal:
    return _CONTEXT.divide(_CONTEXT.multiply(value, factor.numerator), Decimal(factor.denominator))


def base(quantity: Quantity, units: dict[str, str] = _SAME_UNIT) -> tuple[str, Fraction]:
    """The value in a unit that is the same for all that it compares with."""
    unit = units.get(quantity.unit, quantity.unit)
    if unit in _MONTHS:
        return "month", Fraction(quantity.value) * _MONTHS[unit]
    known = ucum.unit(unit)
    exact = None if known is None else known.in_canonical(quantity.value)
    if known is None or exact is None:
        return f"'{unit}'", Fraction(quantity.value)
    return known.canonical, exact


def compare(one: Quantity, other: Quantity, units: dict[str, str] = _SAME_UNIT) -> int | None:
    """Negative, zero or positive; None: the units do not compare."""
    if one.unit == other.unit:
        return (one.value > other.value) - (one.value < other.value)
    (left, a), (right, b) = base(one, units), base(other, units)
    return (a > b) - (a < b) if left == right else None


def equal(one: Quantity, other: Quantity) -> bool | None:
    """None: one is a calendar year or month, the other a definite duration."""
    (left, a), (right, b) = base(one), base(other)
    if left == right:
        return a == b
    return None if {left, right} == _INCOMPARABLE else False


def equivalent(one: Quantity, other: Quantity) -> bool:
    return compare(one, other, _EQUIVALENT_UNIT) == 0


def add(one: Quantity, other: Quantity, sign: Literal[1, -1]) -> Quantity | None:
    """The sum in the finer of the two units; None: they do not go together."""
    left, right = (_SAME_UNIT.get(each.unit, each.unit) for each in (one, other))
    if left == right:
        return Quantity(_CONTEXT.add(one.value, sign * other.value), one.unit)
    first, second = ucum.unit(left), ucum.unit(right)
    if first is None or second is None or first.canonical != second.canonical:
        return None
    if first.offset or second.offset:  # 20 °C and 20 K are a point and a difference
        return None
    if first.scale <= second.scale:
        addend = ucum.convert(other.value, right, left)
        return None if addend is None else Quantity(_CONTEXT.add(one.value, sign * addend), one.unit)
    start = ucum.convert(one.value, left, right)
    return None if start is None else Quantity(_CONTEXT.add(start, sign * other.value), other.unit)


def multiply(one: Quantity, other: Quantity) -> Quantity | None:
    """The product; None: there is no unit for it."""
    if "1" in (one.unit, other.unit):
        unit = other.unit if one.unit == "1" else one.unit
        return Quantity(_CONTEXT.multiply(one.value, other.value), unit)
    squared = f"{one.unit}2"
    if one.unit == other.unit and ucum.comparable(squared, f"({one.unit}).({one.unit})"):
        return Quantity(_CONTEXT.multiply(one.value, other.value), squared)
    return _in_canonical(one, other, ".")


def divide(one: Quantity, other: Quantity) -> Quantity | None:
    """The quotient; None: there is no unit for it, or it divides by zero."""
    if other.value == 0:
        return None
    left, right = (_SAME_UNIT.get(each.unit, each.unit) for each in (one, other))
    if left == right or right == "1":
        return Quantity(_CONTEXT.divide(one.value, other.value), one.unit if right == "1" else "1")
    if left == f"{right}2":
        return Quantity(_CONTEXT.divide(one.value, other.value), right)
    return _in_canonical(one, other, "/")


def _in_canonical(one: Quantity, other: Quantity, operator: Literal[".", "/"]) -> Quantity | None:
    """The result in base units, as the parts have no unit in common."""
    left, right = (_SAME_UNIT.get(each.unit, each.unit) for each in (one, other))
    unit = ucum.unit(f"({left}){operator}({right})")
    if unit is None:
        return None
    value = (_CONTEXT.multiply if operator == "." else _CONTEXT.divide)(one.value, other.value)
    found = ucum.canonical(value, f"({left}){operator}({right})")
    return None if found is None else Quantity(*found)

"""Numbers with a unit.

https://hl7.org/fhirpath/N1/#quantity, https://hl7.org/fhir/R4/fhirpath.html#quantity

Units are respected and only durations are converted, which the specification allows ("recognizing when
units differ"): values in different units neither equal nor compare, the answer is empty.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

UCUM = "http://unitsofmeasure.org"

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
# by base unit: {unit: how many base units it is}
_FACTORS: tuple[dict[str, Decimal], ...] = (
    {
        "wk": Decimal(604_800),
        "d": Decimal(86_400),
        "h": Decimal(3600),
        "min": Decimal(60),
        "s": Decimal(1),
        "ms": Decimal("0.001"),
    },
    {"year": Decimal(12), "month": Decimal(1)},
    {"a": Decimal(12), "mo": Decimal(1)},
)
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


def parse_quantity(text: str) -> Quantity | None:
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    number, unit, word = match.groups()
    if word is not None:
        unit = word.removesuffix("s") if word not in _EQUIVALENT_UNIT else word
        if unit not in _EQUIVALENT_UNIT:
            return None
    return Quantity(Decimal(number), unit or "1")


def compare(one: Quantity, other: Quantity, units: dict[str, str] = _SAME_UNIT) -> int | None:
    """Negative, zero or positive; None: the units do not compare."""
    left, right = units.get(one.unit, one.unit), units.get(other.unit, other.unit)
    if left == right:
        return (one.value > other.value) - (one.value < other.value)
    for factors in _FACTORS:
        if left in factors and right in factors:
            a, b = one.value * factors[left], other.value * factors[right]
            return (a > b) - (a < b)
    return None


def equal(one: Quantity, other: Quantity) -> bool | None:
    found = compare(one, other)
    return None if found is None else found == 0


def equivalent(one: Quantity, other: Quantity) -> bool:
    return compare(one, other, _EQUIVALENT_UNIT) == 0


def base(quantity: Quantity) -> tuple[str, Decimal]:
    """The same for quantities that `compare` calls equal."""
    unit = _SAME_UNIT.get(quantity.unit, quantity.unit)
    for factors in _FACTORS:
        if unit in factors:
            return next(iter(factors)), quantity.value * factors[unit]
    return unit, quantity.value


def same_unit(one: Quantity, other: Quantity) -> bool:
    return _SAME_UNIT.get(one.unit, one.unit) == _SAME_UNIT.get(other.unit, other.unit)

"""Units of measure: UCUM codes, and quantities in their canonical units.

https://ucum.org/ucum

    canonical(Decimal("5.4"), "mg")     (Decimal("0.0054"), "g")
    canonical(Decimal("98.6"), "[degF]") (Decimal("310.15"), "K")
    comparable("mg/dL", "g/L")          True
    convert(Decimal(1), "h", "min")     Decimal("60")

A canonical unit is a product of powers of UCUM's base units m, s, g, rad, K, C and cd, in the order of the
alphabet, `1` where nothing is left. Numbers are exact fractions until they are handed out. Arbitrary units
(`[iU]`) are base units of their own, for they compare with nothing else, and so are units on logarithmic
scales (`[pH]`, `B`), whose conversion would not be exact. Annotations (`{beats}/min`) say nothing, as UCUM
wants it. What is no UCUM code has no unit.
"""

from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache

from fhir_server.ucum.expression import Unit, UnitError, parse

__all__ = ["SYSTEM", "Unit", "canonical", "comparable", "convert", "unit"]

SYSTEM = "http://unitsofmeasure.org"

# FHIR asks for 18 digits; more are kept, so that a value that has no end is the same in both directions
_DECIMAL = Context(prec=34)


@lru_cache(maxsize=4096)
def unit(code: str) -> Unit | None:
    """The unit of a code, with case; None: it is no UCUM code."""
    try:
        return parse(code)
    except UnitError:
        return None


def canonical(value: Decimal, code: str) -> tuple[Decimal, str] | None:
    """The same quantity in its canonical unit, to 34 digits; None: `code` is no UCUM code."""
    found = unit(code)
    exact = None if found is None else found.in_canonical(value)
    return None if found is None or exact is None else (_decimal(exact), found.canonical)


def comparable(one: str, other: str) -> bool:
    """Whether quantities in these units can be compared: False where either is no UCUM code."""
    first, second = unit(one), unit(other)
    return first is not None and second is not None and first.canonical == second.canonical


def convert(value: Decimal, source: str, target: str) -> Decimal | None:
    """The same quantity in another unit, to 34 digits; None: the units are not comparable."""
    first, second = unit(source), unit(target)
    if first is None or second is None or first.canonical != second.canonical:
        return None
    exact = first.in_canonical(value)
    return None if exact is None else _decimal((exact - second.offset) / second.scale)


def _decimal(value: Fraction) -> Decimal:
    return _DECIMAL.divide(Decimal(value.numerator), Decimal(value.denominator))

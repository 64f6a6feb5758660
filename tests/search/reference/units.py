"""The units of the worlds in base units, by hand from https://ucum.org/ucum."""

from collections.abc import Callable
from fractions import Fraction

UCUM = "http://unitsofmeasure.org"

Kind = tuple[str, ...]
"""What compares with each other."""
Convert = Callable[[Fraction], Fraction]

_AVOGADRO = 602214076 * 10**15
_INCH = Fraction("0.0254")  # m
_LITER = Fraction(1, 1000)  # m3
_OUNCE = Fraction(231, 128) * _INCH**3  # a gallon is 231 cubic inches and has 128 fluid ounces
_CALORIE = Fraction(4184)  # g.m2/s2

# annotations in braces say nothing
_FACTORS: dict[str, tuple[str, Fraction]] = {
    "%": ("1", Fraction(1, 100)),
    "{scoop}": ("1", Fraction(1)),
    "{score}": ("1", Fraction(1)),
    "mg/kg": ("1", Fraction(1, 1_000_000)),
    "meq": ("1", Fraction(_AVOGADRO, 1000)),
    "/min": ("/s", Fraction(1, 60)),
    "U": ("/s", Fraction(_AVOGADRO, 60 * 10**6)),
    "10*12/L": ("/m3", 10**12 / _LITER),
    "10*3/uL": ("/m3", 10**9 / _LITER),
    "10*6/uL": ("/m3", 10**12 / _LITER),
    "mmol/L": ("/m3", Fraction(_AVOGADRO, 1000) / _LITER),
    "[diop]": ("/m", Fraction(1)),
    "[in_i]": ("m", _INCH),
    "cm": ("m", Fraction(1, 100)),
    "a": ("s", Fraction(31_557_600)),
    "d": ("s", Fraction(86_400)),
    "h": ("s", Fraction(3600)),
    "min": ("s", Fraction(60)),
    "[foz_us]": ("m3", _OUNCE),
    "drop": ("m3", _LITER / 20_000),
    "fL": ("m3", _LITER / 10**15),
    "mL": ("m3", _LITER / 1000),
    "ml": ("m3", _LITER / 1000),
    "mL/d": ("m3/s", _LITER / 1000 / 86_400),
    "mL/h": ("m3/s", _LITER / 1000 / 3600),
    "mL/min/{1.73_m2}": ("m3/s", _LITER / 1000 / 60),
    "g": ("g", Fraction(1)),
    "kg": ("g", Fraction(1000)),
    "mg": ("g", Fraction(1, 1000)),
    "pg": ("g", Fraction(1, 10**12)),
    "[lb_av]": ("g", Fraction("453.59237")),
    "g/dL": ("g/m3", 10 / _LITER),
    "mg/dL": ("g/m3", Fraction(1, 100) / _LITER),
    "kg/m2": ("g/m2", Fraction(1000)),
    "mg/m2": ("g/m2", Fraction(1, 1000)),
    "g/cm-2": ("g.m2", Fraction(1, 10_000)),
    "kPa": ("g/m.s2", Fraction(1_000_000)),
    "mm[Hg]": ("g/m.s2", Fraction(133_322)),
    "cal/[foz_us]": ("g/m.s2", _CALORIE / _OUNCE),
    "cal/mL": ("g/m.s2", _CALORIE / _LITER * 1000),
}


def unit(system: str, code: str) -> tuple[Kind, Convert]:
    """The kind of a unit, and how a number of it is converted; one that is not UCUM's is its own kind."""
    if system == UCUM and code == "Cel":
        return ("K",), lambda number: number + Fraction("273.15")
    if system == UCUM and code in _FACTORS:
        kind, factor = _FACTORS[code]
        return (kind,), lambda number: number * factor
    return (system, code), lambda number: number

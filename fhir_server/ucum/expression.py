"""UCUM's grammar: `kg.m/s2`, `10*3/uL`, `{beats}/min`, `ug/(24.h)`.

https://ucum.org/ucum#section-Grammar-of-Units-and-Terms
"""

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from decimal import Context, Decimal
from fractions import Fraction

from fhir_server.ucum.table import AFFINE, Definition, definitions, prefixes

_LONGEST = 250  # characters; of parentheses one could nest thousands
_POWER = 99  # the highest there is
_FACTOR_DIGITS = 30
_WIDEST = 300  # powers of ten that a factor, or a value, may have: a float has 308

_COMPONENT = re.compile(r"((?:\[[^\[\]]*\]|[!#-'*,0-Z\\^-z|~+-])*)(\{[!-z|~]*\})?", re.ASCII)
_ANNOTATION = re.compile(r"\{[!-z|~]*\}", re.ASCII)
_POWERED = re.compile(r"(.*[^\d+-])([+-]?\d+)?", re.ASCII | re.DOTALL)
# digits beyond these can make no difference to a float
_ROUNDED = Context(prec=60, traps=[])
_ZERO = Decimal(0)


class UnitError(ValueError):
    """A text that is no UCUM code."""


@dataclass(frozen=True, slots=True)
class Unit:
    """`value * scale + offset` is the value in the canonical unit."""

    canonical: str
    scale: Fraction
    offset: Fraction = Fraction(0)
    # the same as `(n * times + d * plus) / (d * over)` for a value n/d
    _times: int = field(init=False, repr=False, compare=False)
    _plus: int = field(init=False, repr=False, compare=False)
    _over: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        scale, offset = self.scale, self.offset
        object.__setattr__(self, "_times", scale.numerator * offset.denominator)
        object.__setattr__(self, "_plus", offset.numerator * scale.denominator)
        object.__setattr__(self, "_over", scale.denominator * offset.denominator)

    def in_canonical(self, value: Decimal | int) -> Fraction | None:
        """The exact value; None: it is beyond what numbers are compared by."""
        rounded = _ROUNDED.create_decimal(value)
        if not rounded.is_finite() or (rounded and abs(rounded.adjusted()) > _WIDEST):
            return None
        return Fraction(rounded) * self.scale + self.offset

    def number(self, value: Decimal | int) -> float:
        """The float that is nearest to the exact value: the same for `5.4 mg` and `0.0054 g`."""
        rounded = _ROUNDED.create_decimal(value)
        if not rounded or rounded.adjusted() < -_WIDEST:
            rounded = _ZERO
        elif not rounded.is_finite() or rounded.adjusted() > _WIDEST:
            return math.copysign(math.inf, rounded)
        numerator, denominator = rounded.as_integer_ratio()
        try:
            return (numerator * self._times + denominator * self._plus) / (denominator * self._over)
        except OverflowError:
            return math.copysign(math.inf, rounded)


@dataclass(slots=True)
class _Product:
    """A factor, and the powers of base units."""

    factor: Fraction
    powers: Counter[str]
    special: Definition | None = None  # a unit on a scale of its own, which nothing may be multiplied with

    def times(self, other: "_Product", sign: int) -> "_Product":
        if self.special or other.special:
            raise UnitError("a special unit stands alone")
        powers = self.powers.copy()
        for base, power in other.powers.items():
            powers[base] += sign * power
        return _Product(self.factor * other.factor**sign, powers)


def parse(code: str) -> Unit:
    """Raises UnitError."""
    if not 0 < len(code) <= _LONGEST:
        raise UnitError(f"{len(code)} characters")
    product = _Parser(code).parse()
    scale, special = product.factor, product.special
    if max(len(str(scale.numerator)), len(str(scale.denominator))) > _WIDEST:
        raise UnitError(f"{code}: the factor is beyond what numbers are compared by")
    if special is None:
        return Unit(_text(product.powers), scale)
    if special.kind in AFFINE:
        base = _Parser(special.unit).parse()
        before, after = AFFINE[special.kind]
        step = special.number * base.factor
        return Unit(_text(base.powers), scale * step, before * step + after)
    return Unit(special.code, scale)


def _text(powers: Counter[str]) -> str:
    parts = [base if power == 1 else f"{base}{power}" for base, power in sorted(powers.items()) if power]
    return ".".join(parts) or "1"


class _Parser:
    def __init__(self, code: str) -> None:
        self._code = code
        self._at = 0

    def parse(self) -> _Product:
        found = self._term()
        if self._at != len(self._code):
            raise UnitError(f"{self._code}: {self._code[self._at :]!r} does not belong there")
        return found

    def _take(self, characters: str) -> str:
        """The next character where it is one of these."""
        found = self._code[self._at : self._at + 1]
        if not found or found not in characters:
            return ""
        self._at += 1
        return found

    def _term(self) -> _Product:
        """`/a.b/c` is `((1/a).b)/c`."""
        found = _Product(Fraction(1), Counter())
        operator = self._take("/")
        if not operator:
            found = self._component()
            operator = self._take("./")
        while operator:
            found = found.times(self._component(), 1 if operator == "." else -1)
            operator = self._take("./")
        return found

    def _component(self) -> _Product:
        if self._take("("):  # the grammar has no annotation behind it; UCUM's own examples do
            found = self._term()
            if not self._take(")"):
                raise UnitError(f"{self._code}: a parenthesis stays open")
            behind = _ANNOTATION.match(self._code, self._at)
            self._at = behind.end() if behind else self._at
            return found
        match = _COMPONENT.match(self._code, self._at)
        assert match is not None  # the pattern can be empty
        self._at = match.end()
        symbol, annotation = match.groups()
        if symbol:
            return _simple(symbol)
        if annotation is None:
            raise UnitError(f"{self._code}: no unit at {self._at}")
        return _Product(Fraction(1), Counter())


def _simple(text: str) -> _Product:
    """`10`, `m`, `mm2`, `10*-3`."""
    if text.isdigit():
        if len(text) > _FACTOR_DIGITS or not int(text):
            raise UnitError(f"{text} is no factor")
        return _Product(Fraction(int(text)), Counter())
    match = _POWERED.fullmatch(text)
    if match is None:
        raise UnitError(f"{text} is no unit")
    found, power = _atom(match[1]), int(match[2] or 1)
    if power == 1:
        return found
    if found.special or not 0 < abs(power) <= _POWER:
        raise UnitError(f"{text} has a power that there is not")
    powers = {base: each * power for base, each in found.powers.items()}
    return _Product(found.factor**power, Counter(powers))


def _atom(symbol: str) -> _Product:
    """A unit with or without a prefix; what is a unit as it stands has none (`cd`, `Pa`)."""
    units = definitions()
    if symbol in units:
        return _defined(units[symbol])
    for length in (1, 2):
        prefix, rest = symbol[:length], symbol[length:]
        if prefix in prefixes() and rest in units and units[rest].metric:
            found = _defined(units[rest])
            return _Product(found.factor * prefixes()[prefix], found.powers, found.special)
    raise UnitError(f"{symbol} is no unit")


def _defined(unit: Definition) -> _Product:
    if unit.is_special:
        return _Product(Fraction(1), Counter(), unit)
    if unit.is_base:
        return _Product(Fraction(1), Counter((unit.code,)))
    made_of = _Parser(unit.unit).parse()
    return _Product(unit.number * made_of.factor, made_of.powers)

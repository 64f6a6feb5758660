"""Number parameters: decimals and integers, compared with the precision that is written.

https://hl7.org/fhir/R4/search.html#number
"""

import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.ranges import PREFIXES, Prefix, compare, split_prefix
from fhir_server.search.values import unescape
from fhir_server.store.algebra import Between, Node, Present
from fhir_server.store.rows import Rows

MODIFIERS: frozenset[str] = frozenset()

Convert = Callable[[Decimal | int], float]

_TEXT = re.compile(r"[+ -]?\d{1,40}(?:\.\d{1,40})?(?:[eE][+ -]?\d{1,3})?", re.ASCII)
_NUMBERS = frozenset(("decimal", "integer", "positiveInt", "unsignedInt"))


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    if value_type in _NUMBERS:

        def emit(value: Any, rows: Rows) -> None:
            number = to_float(value)
            rows.numbers.add((column, 0, number, number))

        return emit
    if value_type == "Range":

        def emit_range(value: Any, rows: Rows) -> None:
            low = value.get("low", {}).get("value")
            high = value.get("high", {}).get("value")
            if low is not None or high is not None:
                rows.numbers.add((column, 0, *limits(low, high)))

        return emit_range
    return None


def limits(low: Any, high: Any) -> tuple[float, float]:
    """Of a range whose ends may be open (None)."""
    return -math.inf if low is None else to_float(low), math.inf if high is None else to_float(high)


def to_float(value: Decimal | int) -> float:
    """Numbers beyond all floats are infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    points = "Range" not in column.value_types
    terms = [compare_number(column.name, value, points=points) for value in values]
    return any_of(terms)


def compare_number(
    column: str,
    value: str,
    *,
    points: bool = False,
    units: tuple[int, ...] | None = None,
    texts: tuple[str, ...] = (),
    convert: Convert = to_float,
) -> Node:
    """points: the column holds no ranges, so that `ge` and `le` need one comparison instead of two.

    convert: from the unit that `value` is written in to that of the column
    """
    prefix, text = split_prefix(unescape(value))
    number = parse(text)

    def between(
        low_from: float | None, low_to: float | None, high_from: float | None, high_to: float | None
    ) -> Between:
        return Between("number", column, low_from, low_to, high_from, high_to, units, texts)

    first, last = _range(prefix, number, text, convert)
    if points and prefix == "ge":
        return between(first, None, None, None)
    if points and prefix == "le":
        return between(None, None, None, last)
    return compare(prefix, first, last, between, _next, _previous)


def parse(text: str) -> Decimal:
    if not _TEXT.fullmatch(text):
        letters = text[:2]
        if len(letters) == 2 and letters.isalpha():
            raise bad_value(f"{letters!r} is no prefix; there are {', '.join(sorted(PREFIXES))}")
        raise bad_value(f"{text[:80]!r} is not a number")
    number = Decimal(text.replace(" ", "+"))  # a plus that was not percent-encoded arrives as a space
    if not math.isfinite(float(number)):
        raise bad_value(f"{text!r} is out of range")
    return number


def _range(prefix: Prefix, number: Decimal, text: str, convert: Convert) -> tuple[float, float]:
    """The range of a search value, both ends inclusive.

    "When a comparison prefix in the set gt, lt, ge, le, sa & eb is provided, the implicit precision of the
    number is ignored".
    """
    if prefix not in ("eq", "ne", "ap"):
        return convert(number), convert(number)
    half = precision(number, text)
    low, high = number - half, number + half
    if prefix == "ap":  # "10% of the stated value"
        tenth = abs(number) / 10
        return convert(min(low, number - tenth)), convert(max(high, number + tenth))
    # a range narrower than the step from one float to the next still holds the number
    return convert(low), max(convert(number), _previous(convert(high)))


def precision(number: Decimal, text: str) -> Decimal:
    """Half of the last digit that is written: 0.5 for `100`, 0.005 for `100.00`."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    # the specification reads `1e2` as [95 … 105)
    if exponent > 0 and len(number.as_tuple().digits) == 1:
        exponent -= 1
    return Decimal(5).scaleb(exponent - 1)


def _next(value: float) -> float:
    return math.nextafter(value, math.inf)


def _previous(value: float) -> float:
    return math.nextafter(value, -math.inf)


def present(column: Column) -> Node:
    return Present("number", column.name)

"""precision(), lowBoundary(), highBoundary(): the interval that a value of limited precision leaves open.

https://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal-date-datetime-time

    1.587.lowBoundary(8)            1.58650000
    @2014.highBoundary(6)           @2014-12
    @2014-01-01T08.lowBoundary(17)  @2014-01-01T08:00:00.000+14:00

A precision counts digits: of a Decimal those behind the point, of a moment all: 4 is a year, 17 to the ms.
A DateTime without an offset may be of any time zone: its lowest moment is that of the easternmost.
"""

from calendar import monthrange
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import INTEGER, Compiled, describe, from_one
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.moments import Moment, parse_moment, parse_time
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import to_system

_CONTEXT = Context(prec=60)
_DECIMAL_DIGITS = 8  # where the call names no precision
_MOST_DECIMAL_DIGITS = 28

# lengths of the text of a moment by digits of precision
_DATE_LENGTHS = {4: 4, 6: 7, 8: 10}
_DATETIME_LENGTHS = {**_DATE_LENGTHS, 10: 13, 12: 16, 14: 19, 17: 23}
_TIME_LENGTHS = {2: 2, 4: 5, 6: 8, 9: 12}
_LENGTHS = {"Date": _DATE_LENGTHS, "DateTime": _DATETIME_LENGTHS, "Time": _TIME_LENGTHS}

_LOW_DATE, _HIGH_DATE = "0001-01-01", "9999-12-31"
_LOW_TIME, _HIGH_TIME = "00:00:00.000", "23:59:59.999"
_FRACTION_DIGITS = 3
_SECONDS_LENGTH = len("hh:mm:ss")
# https://www.hl7.org/fhir/datatypes.html#dateTime: offsets go from -12:00 to +14:00
_EASTERNMOST, _WESTERNMOST = "+14:00", "-12:00"


def _decimals(value: int | Decimal) -> int:
    exponent = Decimal(value).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def boundary(value: Any, precision: int | None, *, high: bool) -> Any:
    """The lowest or highest value of `value`; None: it has none to this precision, or at all."""
    match value:
        case bool():
            return None
        case int() | Decimal():
            return _of_number(Decimal(value), precision, high)
        case Quantity():
            number = _of_number(value.value, precision, high)
            return None if number is None else Quantity(number, value.unit)
        case Moment():
            return _of_moment(value, precision, high)
        case _:
            return None


def _of_number(value: Decimal, precision: int | None, high: bool) -> Decimal | None:
    digits = _DECIMAL_DIGITS if precision is None else precision
    if not 0 <= digits <= _MOST_DECIMAL_DIGITS:
        return None
    half = Decimal(5).scaleb(-_decimals(value) - 1)
    limit = _CONTEXT.add(value, half) if high else _CONTEXT.subtract(value, half)
    return limit.quantize(Decimal(1).scaleb(-digits), ROUND_CEILING if high else ROUND_FLOOR, _CONTEXT)


def _of_moment(moment: Moment, precision: int | None, high: bool) -> Moment | None:
    lengths = _LENGTHS[moment.kind]
    length = lengths.get(max(lengths) if precision is None else precision)
    if length is None:
        return None
    if moment.kind == "Time":
        return parse_time(_filled_clock(moment.text, high)[:length])
    date, _, time = moment.text.partition("T")
    clock, zone = _split_zone(time)
    date = _filled_date(date, high)
    if length <= _DATE_LENGTHS[8]:
        return parse_moment(date[:length])
    zone = zone or (_WESTERNMOST if high else _EASTERNMOST)
    return parse_moment(f"{date}T{_filled_clock(clock, high)}"[:length] + zone)


def _filled_clock(clock: str, high: bool) -> str:
    # a second and its fractions are one precision: 15.5 is 15.500
    fill = _HIGH_TIME if high and len(clock) <= _SECONDS_LENGTH else _LOW_TIME
    return clock + fill[len(clock) :]


def _split_zone(time: str) -> tuple[str, str]:
    clock = time.rstrip("Z")
    at = max(clock.rfind("+"), clock.rfind("-"))
    return (clock[:at], time[at:]) if at >= 0 else (clock, time[len(clock) :])


def _filled_date(date: str, high: bool) -> str:
    if len(date) >= 10:
        return date
    if not high:
        return date + _LOW_DATE[len(date) :]
    date += _HIGH_DATE[len(date) : 7]
    return f"{date}-{monthrange(int(date[:4]), int(date[5:7]))[1]:02}"


def _precision_of(value: Any) -> int | None:
    match value:
        case bool():
            return None
        case int() | Decimal():
            return _decimals(value)
        case Quantity():
            return _decimals(value.value)
        case Moment():
            clock = value.text
            if value.kind != "Time":
                date, _, time = value.text.partition("T")
                clock = date + _split_zone(time)[0]
            # a second and its fractions are one precision: 15.5 is 15.500
            before, point, _ = clock.partition(".")
            return sum(character.isdigit() for character in before) + (_FRACTION_DIGITS if point else 0)
        case _:
            return None


def _precision(call: Call) -> Compiled:
    one, convert = call.focus_one(), to_system(call.model, call.focus.type)

    def digits(this: Any, scope: Scope) -> int | None:
        item = one(this, scope)
        value = None if item is None else convert(item)
        found = _precision_of(value)
        if found is None and value is not None:
            raise call.error(f"{describe(value)} has no precision")
        return found

    return from_one(digits, INTEGER)


def _boundary(call: Call, *, high: bool) -> Compiled:
    model = call.model
    one, convert = call.focus_one(), to_system(model, call.focus.type)
    precision = call.integer(0) if call.count else None

    def limit(this: Any, scope: Scope) -> Item | None:
        item = one(this, scope)
        if item is None:
            return None
        digits = None if precision is None else precision(this, scope)
        if precision is not None and digits is None:
            return None
        found = boundary(convert(item), digits, high=high)
        return None if found is None else Item(found, model.guess_type(found))

    return from_one(limit, None)


FUNCTIONS = {
    "precision": Function(_precision),
    "lowBoundary": Function(lambda call: _boundary(call, high=False), 0, 1),
    "highBoundary": Function(lambda call: _boundary(call, high=True), 0, 1),
}

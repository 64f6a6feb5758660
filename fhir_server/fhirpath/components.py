"""yearOf(), monthOf() and the other parts of dates and times.

https://hl7.org/fhirpath/#datetime-component-extraction-functions
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import DECIMAL, INTEGER, Compiled, describe, from_one
from fhir_server.fhirpath.moments import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    Moment,
    clock_of,
    parse_moment,
    parse_time,
)
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import to_system

_MINUTES_AN_HOUR = Decimal(60)


def _date_digits(begin: int, end: int, precision: int) -> Callable[[Moment], int | None]:
    def part(moment: Moment) -> int | None:
        known = moment.kind != "Time" and moment.precision >= precision
        return int(moment.text[begin:end]) if known else None

    return part


def _clock_digits(begin: int, end: int, precision: int) -> Callable[[Moment], int | None]:
    def part(moment: Moment) -> int | None:
        clock = clock_of(moment)
        return int(clock[begin:end]) if clock is not None and moment.precision >= precision else None

    return part


def _millisecond(moment: Moment) -> int | None:
    clock = clock_of(moment)
    if clock is None or moment.precision < SECOND or "." not in clock:
        return None
    return int(f"{clock.partition('.')[2]}00"[:3])


def _offset(moment: Moment) -> Decimal | None:
    return None if moment.offset is None else Decimal(moment.offset) / _MINUTES_AN_HOUR


def _date(moment: Moment) -> Moment | None:
    return None if moment.kind == "Time" else parse_moment(moment.text.partition("T")[0])


def _time(moment: Moment) -> Moment | None:
    clock = clock_of(moment)
    return None if clock is None else parse_time(clock)


def _part(take: Callable[[Moment], Any], type_: str) -> Function:
    """A part of a Date, DateTime or Time; empty when it is not that precise."""

    def compile_(call: Call) -> Compiled:
        one, convert = call.focus_one(), to_system(call.model, call.focus.type)

        def part(this: Any, scope: Scope) -> Any:
            item = one(this, scope)
            value = None if item is None else convert(item)
            if value is None:
                return None
            if not isinstance(value, Moment):
                raise call.error(f"{describe(value)} is not a date or time")
            return take(value)

        return from_one(part, type_)

    return Function(compile_)


FUNCTIONS = {
    "yearOf": _part(_date_digits(0, 4, 0), INTEGER),
    "monthOf": _part(_date_digits(5, 7, MONTH), INTEGER),
    "dayOf": _part(_date_digits(8, 10, DAY), INTEGER),
    "hourOf": _part(_clock_digits(0, 2, HOUR), INTEGER),
    "minuteOf": _part(_clock_digits(3, 5, MINUTE), INTEGER),
    "secondOf": _part(_clock_digits(6, 8, SECOND), INTEGER),
    "millisecondOf": _part(_millisecond, INTEGER),
    "timezoneOffsetOf": _part(_offset, DECIMAL),
    "dateOf": _part(_date, "System.Date"),
    "timeOf": _part(_time, "System.Time"),
}

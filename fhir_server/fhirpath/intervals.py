"""duration(), difference(): how far it is from one date or time to another.

https://hl7.org/fhirpath/#date-and-time-interval-functions

    @2025-01-02.duration(@2025-01-07, 'week')     0, no seven days have passed
    @2025-01-02.difference(@2025-01-07, 'week')   1, a Sunday lies between them

Both look at what both values say: of a month and a day only the months count. Values are taken to UTC where
hours or less are asked for; else their calendars are compared as they are written.
"""

from datetime import date
from typing import Any, Literal

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import INTEGER, Compiled, describe, from_one, singleton
from fhir_server.fhirpath.items import INTEGER_RANGE
from fhir_server.fhirpath.moments import DAY, HOUR, MINUTE, MONTH, SECOND, YEAR, Moment, clock_of
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import to_system

Counted = Literal["duration", "difference"]

_MINUTE_US = 60_000_000
_DAY_US = 1440 * _MINUTE_US
_DAYS_A_WEEK = 7  # date.toordinal() is a multiple of it on Sundays

# precision that both values must have
_CALENDAR = {"year": YEAR, "month": MONTH, "week": DAY, "day": DAY}
_CLOCK = {"hour": HOUR, "minute": MINUTE, "second": SECOND, "millisecond": SECOND}
_NEEDED = _CALENDAR | _CLOCK
_LENGTH_US = {"hour": 60 * _MINUTE_US, "minute": _MINUTE_US, "second": 1_000_000, "millisecond": 1000}


def between(counted: Counted, start: Moment, end: Moment, unit: str) -> int | None:
    """Whole periods, or boundaries crossed, from `start` to `end`; negative when it is the other way round.

    None: a value is less precise than `unit`. Both are Times, or neither is.
    """
    precision = min(start.precision, end.precision)
    if precision < _NEEDED[unit]:
        return None
    if unit in _CLOCK:
        return _by_clock(counted, start.low, end.low, unit, precision)
    before, after = _parts(start, precision), _parts(end, precision)
    if counted == "difference":
        return _boundary(after, unit) - _boundary(before, unit)
    return _whole(before, after, unit) if before <= after else -_whole(after, before, unit)


def _by_clock(counted: Counted, start: int, end: int, unit: str, precision: int) -> int:
    length = _LENGTH_US[unit]
    if counted == "difference":
        return end // length - start // length
    step = {HOUR: 60 * _MINUTE_US, MINUTE: _MINUTE_US, SECOND: 1}[precision]
    passed = (end // step - start // step) * step
    return passed // length if passed >= 0 else -(-passed // length)


_Parts = tuple[int, int, int, int]
"""Year, month, day, µs of the day: those beyond the precision are the first there are."""


def _parts(moment: Moment, precision: int) -> _Parts:
    year = int(moment.text[:4])
    month = int(moment.text[5:7]) if precision >= MONTH else 1
    day = int(moment.text[8:10]) if precision >= DAY else 1
    return year, month, day, _since_midnight(moment, precision) if precision >= HOUR else 0


def _since_midnight(moment: Moment, precision: int) -> int:
    clock = clock_of(moment) or ""
    hour, minute, second = (clock + ":00:00").split(":")[:3]
    us = int(hour) * 60 * _MINUTE_US
    if precision >= MINUTE:
        us += int(minute) * _MINUTE_US
    return us + round(float(second) * 1_000_000) if precision >= SECOND else us


def _days(parts: _Parts) -> int:
    return date(*parts[:3]).toordinal()


def _boundary(parts: _Parts, unit: str) -> int:
    """The number of the year, month, week or day, counted from a common one."""
    match unit:
        case "year":
            return parts[0]
        case "month":
            return parts[0] * 12 + parts[1]
        case "week":
            return _days(parts) // _DAYS_A_WEEK
        case _:
            return _days(parts)


def _whole(before: _Parts, after: _Parts, unit: str) -> int:
    """`before` is not behind `after`."""
    if unit in ("year", "month"):
        months = (after[0] - before[0]) * 12 + after[1] - before[1] - (after[2:] < before[2:])
        return months // 12 if unit == "year" else months
    days = _days(after) - _days(before) - (after[3] < before[3])
    return days // _DAYS_A_WEEK if unit == "week" else days


def _interval(counted: Counted) -> Function:
    def compile_(call: Call) -> Compiled:
        one, convert = call.focus_one(), to_system(call.model, call.focus.type)
        argument = call.argument(0)
        other, convert_other = singleton(argument, call.at, call.name), to_system(call.model, argument.type)
        unit = call.string(1)

        def counted_from(this: Any, scope: Scope) -> int | None:
            item, value, wanted = one(this, scope), other(this, scope), unit(this, scope)
            start = None if item is None else convert(item)
            end = None if value is None else convert_other(value)
            if start is None or end is None or wanted is None:
                return None
            _check(call, start, end, wanted)
            found = between(counted, start, end, wanted)
            return found if found is None or found in INTEGER_RANGE else None

        return from_one(counted_from, INTEGER)

    return Function(compile_, 2, 2)


def _check(call: Call, start: Any, end: Any, unit: str) -> None:
    for each in (start, end):
        if not isinstance(each, Moment):
            raise call.error(f"{describe(each)} is not a date or time")
    kinds = {start.kind, end.kind}
    if "Time" in kinds and len(kinds) > 1:
        raise call.error("a Time and a date do not go together")
    units = _CLOCK if kinds == {"Time"} else _CALENDAR if kinds == {"Date"} else _NEEDED
    if unit not in units:
        raise call.error(f"the precision {unit!r} is not one of {', '.join(units)}")


FUNCTIONS = {"duration": _interval("duration"), "difference": _interval("difference")}

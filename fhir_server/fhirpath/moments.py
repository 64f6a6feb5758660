"""Dates and times with the precision they were written with.

https://hl7.org/fhirpath/N1/#date, https://hl7.org/fhirpath/N1/#comparison

A moment is the interval that its text leaves open: `2015` goes from its first instant to the first of 2016.
Two intervals compare when they do not overlap, or when they have the same precision; else the answer is
empty. Seconds and their fractions are one precision, an instant. Comparing component by component, as the
specification words it, gives the same, but says nothing of operands in different time zones.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Literal

Kind = Literal["Date", "DateTime", "Time"]

YEAR, MONTH, DAY, HOUR, MINUTE, SECOND = range(6)
_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US
_LENGTH_US = {DAY: _DAY_US, HOUR: 3_600 * _SECOND_US, MINUTE: 60 * _SECOND_US, SECOND: 0}

_TIME = r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?"
_DATETIME = re.compile(rf"(\d{{4}})(?:-(\d\d)(?:-(\d\d))?)?(?:(T)(?:{_TIME})?(Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_TIME_ONLY = re.compile(_TIME, re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    kind: Kind
    text: str
    precision: int
    low: int  # µs since 0001-01-01T00:00Z, for a Time since midnight
    high: int  # the first µs after it; the same as `low` when the precision is SECOND
    offset: int | None  # minutes; None: the text has none

    def __str__(self) -> str:
        return self.text


@lru_cache(4096)
def parse_moment(text: str) -> Moment | None:
    """A FHIR date, dateTime or instant, in UTC where it has no offset; None: it is none."""
    match = _DATETIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, t, hour, minute, second, zone = match.groups()
    if hour is not None and day is None:
        return None
    try:
        days = date(int(year), int(month or 1), int(day or 1)).toordinal()
        precision = _precision(month, day, hour, minute, second)
        offset = _offset(zone)
        since = _time_us(hour, minute, second)
        high = _end(int(year), int(month or 1), precision, days * _DAY_US + since)
    except ValueError:
        return None
    shift = (offset or 0) * 60 * _SECOND_US
    kind: Kind = "DateTime" if t else "Date"
    return Moment(kind, text, precision, days * _DAY_US + since - shift, high - shift, offset)


@lru_cache(1024)
def parse_time(text: str) -> Moment | None:
    match = _TIME_ONLY.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = match.groups()
    try:
        low = _time_us(hour, minute, second)
    except ValueError:
        return None
    precision = _precision("", "", hour, minute, second)
    return Moment("Time", text, precision, low, low + _LENGTH_US[precision], None)


def _precision(*parts: str | None) -> int:
    return sum(part is not None for part in parts)


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 14 or minutes > 59:
        raise ValueError(zone)
    return (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)


def _time_us(hour: str | None, minute: str | None, second: str | None) -> int:
    hours, minutes = int(hour or 0), int(minute or 0)
    whole, _, fraction = (second or "0").partition(".")
    # 60 is a leap second; 24:00 ends a day in FHIR's regex of `time`
    if hours > 24 or minutes > 59 or int(whole) > 60 or (hours == 24 and (minutes or int(whole))):
        raise ValueError
    return ((hours * 60 + minutes) * 60 + int(whole)) * _SECOND_US + int((fraction + "000000")[:6])


def _end(year: int, month: int, precision: int, low: int) -> int:
    if precision == YEAR:
        return low + (366 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 365) * _DAY_US
    if precision == MONTH:
        following = date(year + month // 12, month % 12 + 1, 1) if year < 9999 or month < 12 else None
        return (following.toordinal() if following else date.max.toordinal() + 1) * _DAY_US
    return low + _LENGTH_US[precision]


def clock_of(moment: Moment) -> str | None:
    """`10:30:00.000`, without an offset; None: it has no time of day."""
    if moment.kind == "Time":
        return moment.text
    if moment.precision < HOUR:
        return None
    time = moment.text.partition("T")[2].rstrip("Z")
    return time[: max(time.rfind("+"), time.rfind("-"))] if "+" in time or "-" in time else time


def from_datetime(instant: datetime) -> Moment:
    """The DateTime of a datetime that knows its offset."""
    text = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    found = parse_moment(text)
    assert found is not None
    return found


def compare(one: Moment, other: Moment) -> int | None:
    """Negative, zero or positive; None: the precisions leave it open."""
    if one.precision == other.precision:
        return (one.low > other.low) - (one.low < other.low)
    if one.low < other.low and one.high <= other.low:
        return -1
    if other.low < one.low and other.high <= one.low:
        return 1
    return None


def equal(one: Moment, other: Moment) -> bool | None:
    found = compare(one, other)
    return None if found is None else found == 0


def equivalent(one: Moment, other: Moment) -> bool:
    return one.precision == other.precision and one.low == other.low

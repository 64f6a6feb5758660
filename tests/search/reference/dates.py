"""https://hl7.org/fhir/R4/search.html#date

"The date parameter … yyyy-mm-ddThh:mm:ss[Z|(+|-)hh:mm] (the standard XML format). … Some systems may not be
able to record time offset": without one the zone is the server's.
"""

import calendar
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from typing import Any

from tests.search.reference import Refused
from tests.search.reference.grammar import plain
from tests.search.reference.ranges import compare, split

Range = tuple[int, int]
"""First and last microsecond since 1970 UTC."""

_EPOCH = datetime(1970, 1, 1)
_ALWAYS = 1 << 62
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?"
    r"(Z|[+\- ][0-9]{2}:[0-9]{2})?"
)


def range_of(text: str, zone: tzinfo) -> Range:
    """All the time that a text of its precision may mean; raises Refused."""
    try:
        return _of_time(text, zone) if "T" in text else _of_date(text, zone)
    except (ValueError, OverflowError):
        raise Refused(f"{text!r} is no date") from None


def _of_date(text: str, zone: tzinfo) -> Range:
    found = _DATE.fullmatch(text)
    if found is None:
        raise Refused(f"{text!r} is no date")
    year, month, day = (int(each) if each else None for each in found.groups())
    assert year is not None
    first = datetime(year, month or 1, day or 1)
    last_day = day or calendar.monthrange(year, month or 12)[1]
    end = datetime(year, month or 12, last_day, 23, 59, 59, 999_999)
    return _instant(first, zone), _instant(end, zone)


def _of_time(text: str, zone: tzinfo) -> Range:
    found = _TIME.fullmatch(text)
    if found is None:
        raise Refused(f"{text!r} is no time")
    day, hour, minute, second, fraction, offset = found.groups()
    minute_of_day = datetime.fromisoformat(day).replace(hour=int(hour), minute=int(minute))
    start = _instant(minute_of_day, zone, offset)
    if second is None:
        return start, start + 60_000_000 - 1
    if int(second) > 60:
        raise Refused(f"{text!r} has too many seconds")
    start += min(int(second), 59) * 1_000_000  # a leap second belongs to the second before
    if fraction is None:
        return start, start + 1_000_000 - 1
    digits = fraction[:6]  # nothing is finer than a microsecond
    width = 10 ** (6 - len(digits))
    return start + int(digits) * width, start + (int(digits) + 1) * width - 1


def _instant(moment: datetime, zone: tzinfo, offset: str | None = None) -> int:
    if offset is None:
        ahead = moment.replace(tzinfo=zone).utcoffset() or timedelta()
    elif offset == "Z":
        ahead = timedelta()
    else:
        hours, minutes = offset[1:].split(":")
        ahead = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if offset[0] == "-" else 1)
    return (moment - _EPOCH - ahead) // timedelta(microseconds=1)


def ranges(type_name: str, value: Any, zone: tzinfo) -> Iterator[Range]:
    match type_name:
        case "date" | "dateTime" | "instant":
            yield range_of(value, zone)
        case "Period":
            yield from _period(value, zone)
        case "Timing":  # "the specified scheduling details are ignored and only the outer limits matter"
            limits = [range_of(each, zone) for each in value.get("event", ()) if each]
            limits += _period(value.get("repeat", {}).get("boundsPeriod", {}), zone)
            if limits:
                yield min(first for first, _ in limits), max(last for _, last in limits)


def _period(value: Any, zone: tzinfo) -> Iterator[Range]:
    """A missing lower boundary "is less than any actual date", a missing upper one greater."""
    start, end = value.get("start"), value.get("end")
    if start or end:
        yield (
            range_of(start, zone)[0] if start else -_ALWAYS,
            range_of(end, zone)[1] if end else _ALWAYS,
        )


def wanted(text: str, zone: tzinfo, now_ms: int) -> tuple[str, int, int]:
    prefix, date = split(plain(text))
    first, last = range_of(date, zone)
    if prefix == "ap":  # "for dates, 10% of the gap between now and the date"
        now = now_ms * 1000
        gap = 0 if first <= now <= last else max(abs(now - first), abs(now - last)) // 10
        first, last = first - gap, last + gap
    return prefix, first, last


def matches(type_name: str, value: Any, text: str, zone: tzinfo, now_ms: int) -> bool:
    prefix, first, last = wanted(text, zone, now_ms)
    return any(compare(prefix, low, high, first, last) for low, high in ranges(type_name, value, zone))

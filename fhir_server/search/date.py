"""Date parameters: dates, times, periods and timings as ranges of microseconds.

https://hl7.org/fhir/R4/search.html#date

A value covers all the time that its precision leaves open: a day, a minute, a second, a millisecond. Dates
and times without an offset are of the zone of the server.
"""

import calendar
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from fhir_server.outcome import bad_value
from fhir_server.search.column import Column, Emit, Indexing, Scope
from fhir_server.search.combine import any_of
from fhir_server.search.ranges import PREFIXES, compare, split_prefix
from fhir_server.search.values import unescape
from fhir_server.store.algebra import Between, Node, Present
from fhir_server.store.rows import Rows

MODIFIERS: frozenset[str] = frozenset()

# "A missing lower boundary is less than any actual date", and so with the upper
BEGINNING, END = -(1 << 62), 1 << 62

Range = tuple[int, int]
"""First and last microsecond since 1970-01-01T00:00:00Z, both inclusive."""

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_TEXT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+ -]\d\d:\d\d)?)?)?)?", re.ASCII
)


@lru_cache(maxsize=8192)
def parse(text: str, zone: tzinfo) -> Range | None:
    """The range of a date, dateTime or instant; None when it is none, as `2024-02-30` is."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        if hour is None:
            return _days(int(year), int(month or 0), int(day or 0), zone)
        start = datetime(int(year), int(month), int(day), int(hour), int(minute))
        first = _microseconds(start, _offset(offset, start, zone))
    except ValueError:
        return None
    if second is None:
        return first, first + 60 * _SECOND - 1
    if int(second) > 60:
        return None
    first += min(int(second), 59) * _SECOND  # FHIR allows a leap second, this time line has none
    if fraction is None:
        return first, first + _SECOND - 1
    digits = fraction[:6]
    unit = 10 ** (6 - len(digits))
    first += int(digits) * unit
    return first, first + unit - 1


def _days(year: int, month: int, day: int, zone: tzinfo) -> Range:
    last_month = month or 12
    first = datetime(year, month or 1, day or 1)
    last = datetime(year, last_month, day or calendar.monthrange(year, last_month)[1], 23, 59, 59)
    start = _microseconds(first, _offset(None, first, zone))
    return start, _microseconds(last, _offset(None, last, zone)) + _SECOND - 1


def _offset(text: str | None, moment: datetime, zone: tzinfo) -> int:
    """Microseconds that the clock of `moment` is ahead of UTC."""
    if text is None:
        return (zone.utcoffset(moment) or timedelta()) // _MICROSECOND
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    # a plus that was not percent-encoded arrives as a space
    return (-minutes if text[0] == "-" else minutes) * 60 * _SECOND


def _microseconds(moment: datetime, offset: int) -> int:
    days = moment.toordinal() - _EPOCH_DAY
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return days * _DAY + seconds * _SECOND - offset


def emitter(column: str, value_type: str, indexing: Indexing) -> Emit | None:
    ranges = _RANGES.get(value_type)
    if ranges is None:
        return None
    zone = indexing.zone

    def emit(value: Any, rows: Rows) -> None:
        found = ranges(value, zone)
        if found is not None:
            rows.dates.add((column, *found))

    return emit


def _period(value: Any, zone: tzinfo) -> Range | None:
    start, end = value.get("start"), value.get("end")
    first = parse(start, zone) if start else None
    last = parse(end, zone) if end else None
    if first is None and last is None:
        return None
    return first[0] if first else BEGINNING, last[1] if last else END


def _timing(value: Any, zone: tzinfo) -> Range | None:
    """Only the outer limits of a schedule count."""
    found = list(_timing_ranges(value, zone))
    return (min(first for first, _ in found), max(last for _, last in found)) if found else None


def _timing_ranges(value: Any, zone: tzinfo) -> Iterator[Range]:
    for event in value.get("event", ()):
        if event and (moment := parse(event, zone)):
            yield moment
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if bounds and (period := _period(bounds, zone)):
        yield period


_RANGES: dict[str, Callable[[Any, tzinfo], Range | None]] = {
    "date": parse,
    "dateTime": parse,
    "instant": parse,
    "Period": _period,
    "Timing": _timing,
}


def where(column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    def between(
        low_from: float | None, low_to: float | None, high_from: float | None, high_to: float | None
    ) -> Between:
        return Between("date", column.name, low_from, low_to, high_from, high_to)

    terms = []
    for value in values:
        prefix, first, last = parse_value(value, scope)
        terms.append(compare(prefix, first, last, between, _next, _previous))
    return any_of(terms)


def parse_value(value: str, scope: Scope) -> tuple[Any, int, int]:
    """Prefix and range of a search value; the range of `ap` is widened."""
    prefix, text = split_prefix(unescape(value))
    found = parse(text, scope.zone)
    if found is None:
        raise bad_value(_what_is_wrong(text))
    first, last = found
    if prefix == "ap":
        # by 10% of the gap between now and the date, as the specification recommends
        now = scope.now() * 1000
        gap = max(abs(now - first), abs(now - last)) // 10 if not first <= now <= last else 0
        first, last = first - gap, last + gap
    return prefix, first, last


def _what_is_wrong(text: str) -> str:
    letters = text[:2]
    if letters.isalpha():
        return f"{letters!r} is no prefix; there are {', '.join(sorted(PREFIXES))}"
    return f"{text!r} is not a date; it is written YYYY-MM-DDThh:mm:ss+zz:zz, from the left as far as known"


def _next(value: float) -> float:
    return value + 1


def _previous(value: float) -> float:
    return value - 1


def present(column: Column) -> Node:
    return Present("date", column.name)

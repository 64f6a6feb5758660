"""The time that a report is about: [start, end) in Asia/Shanghai.

https://hl7.org/fhir/R4/datatypes.html#Period
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_server.alliance.elements import SHANGHAI, end_moment, first_moment
from fhir_server.outcome import bad_value, missing

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_OFFSET_US = 8 * 3_600_000_000
_PARTIAL = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReportPeriod:
    """Microseconds since the epoch; `end` is outside."""

    start: int
    end: int

    def has(self, moment: int | None) -> bool:
        return moment is not None and self.start <= moment < self.end

    def overlaps(self, first: int | None, after: int | None) -> bool:
        """Whether [first, after) shares time with it; None: unbounded on that side."""
        return (first is None or first < self.end) and (after is None or after > self.start)

    def as_fhir(self) -> dict[str, str]:
        """A Period, whose end is inside: days when both limits are midnight, else milliseconds."""
        if (self.start + _OFFSET_US) % _DAY_US or (self.end + _OFFSET_US) % _DAY_US:
            return {"start": instant(self.start), "end": instant(self.end - 1000)}
        return {"start": day(self.start), "end": day(self.end - 1)}


def instant(moment: int) -> str:
    """`2026-11-23T08:00:00.000+08:00`"""
    return _local(moment).isoformat(timespec="milliseconds")


def day(moment: int) -> str:
    """`2026-11-23`"""
    return _local(moment).date().isoformat()


def month(moment: int) -> str:
    """`2026-11`"""
    return day(moment)[:7]


def _local(moment: int) -> datetime:
    return (_EPOCH + timedelta(microseconds=moment)).astimezone(SHANGHAI)


def read_period(start: str | None, end: str | None, period: str | Mapping[str, Any] | None) -> ReportPeriod:
    """Of the parameters `start` and `end`, or of `period`: `2018`, `2018-03`, `2018-03-01`, or a Period.

    `end` is the first moment that is not counted; the end of a Period is the last one that is. Raises 400.
    """
    if period is not None:
        if start is not None or end is not None:
            raise bad_value("the time is given by period, or by start and end, not by both")
        return _of_period(period)
    if start is None or end is None:
        raise missing("the report needs the parameters start and end, or period")
    first, last = first_moment(start), first_moment(end)
    if first is None or last is None:
        text = start if first is None else end
        raise bad_value(f"{text!r} is not a date or time such as 2018-01-01")
    return _made(first, last)


def _of_period(period: str | Mapping[str, Any]) -> ReportPeriod:
    if isinstance(period, str):
        if not _PARTIAL.fullmatch(period):
            raise bad_value(f"period is {period!r}, it takes a year, a month or a day: 2018, 2018-03")
        limits: Mapping[str, Any] = {"start": period, "end": period}
    else:
        limits = period
    first, last = first_moment(limits.get("start")), end_moment(limits.get("end"))
    if first is None or last is None:
        raise bad_value("period needs a start and an end that are dates or times")
    return _made(first, last)


def _made(start: int, end: int) -> ReportPeriod:
    if end <= start:
        raise bad_value(f"the report would end ({instant(end)}) before it begins ({instant(start)})")
    return ReportPeriod(start, end)

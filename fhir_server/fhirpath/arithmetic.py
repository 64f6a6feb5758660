"""Dates and times plus and minus durations.

https://hl7.org/fhirpath/N1/#datetime-arithmetic
"""

from calendar import monthrange
from datetime import date, datetime, timedelta
from decimal import Decimal

from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.moments import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    YEAR,
    Moment,
    parse_moment,
    parse_time,
)
from fhir_server.fhirpath.quantity import Quantity

_MONTHS = {"year": 12, "month": 1, "a": 12, "mo": 1}
_SECONDS = {
    unit: Decimal(seconds)
    for seconds, units in (
        ("604800", ("week", "wk")),
        ("86400", ("day", "d")),
        ("3600", ("hour", "h")),
        ("60", ("minute", "min")),
        ("1", ("second", "s")),
        ("0.001", ("millisecond", "ms")),
    )
    for unit in units
}
_OF_PRECISION = {DAY: 86_400, HOUR: 3600, MINUTE: 60, SECOND: 0}
# a Decimal of the unit is cut off above seconds: "removing any decimal value off"
_FRACTIONAL = frozenset(("second", "s", "millisecond", "ms"))


def add_duration(moment: Moment, duration: Quantity, sign: int, at: int) -> Moment | None:
    """`moment` plus (sign 1) or minus (sign -1) `duration`, as precise as `moment`; None: out of range."""
    unit = duration.unit
    if unit not in _MONTHS and unit not in _SECONDS:
        raise FhirPathError(f"{unit!r} is not a unit of time", at)
    number = duration.value if unit in _FRACTIONAL else Decimal(int(duration.value))
    try:
        if moment.kind == "Time":
            return _add_to_time(moment, number * sign, unit, at)
        if unit in _MONTHS:
            return _add_months(moment, int(number) * _MONTHS[unit] * sign)
        return _add_seconds(moment, number * _SECONDS[unit] * sign)
    except (ValueError, OverflowError):
        return None


def _add_to_time(moment: Moment, number: Decimal, unit: str, at: int) -> Moment | None:
    if unit in _MONTHS or _SECONDS[unit] > 3600:
        raise FhirPathError(f"a Time has no {unit}", at)
    step = _OF_PRECISION[moment.precision]
    seconds = number * _SECONDS[unit]
    microseconds = _whole(seconds, step) * 1_000_000
    # https://hl7.org/fhirpath/N1/#addition-2: a Time goes round the clock
    total = int((moment.low + microseconds) % (86_400 * 1_000_000))
    found = datetime(1, 1, 1) + timedelta(microseconds=total)
    return parse_time(_clock(found, moment))


def _add_months(moment: Moment, months: int) -> Moment | None:
    year, month = int(moment.text[:4]), int(moment.text[5:7] or 1)
    if moment.precision == YEAR:
        # whole years only: @2014 + 18 months is @2015
        months = int(Decimal(months) / 12) * 12
    total = year * 12 + month - 1 + months
    year, month = divmod(total, 12)
    month += 1
    date(year, 1, 1)
    parts = [f"{year:04}", f"{month:02}"][: moment.precision + 1]
    if moment.precision >= DAY:
        day = min(int(moment.text[8:10]), monthrange(year, month)[1])
        parts.append(f"{day:02}")
    return parse_moment("-".join(parts) + _after_date(moment))


def _after_date(moment: Moment) -> str:
    at = moment.text.find("T")
    return "" if at < 0 else moment.text[at:]


def _add_seconds(moment: Moment, seconds: Decimal) -> Moment | None:
    if moment.precision < DAY:
        # converted to the precision of the partial date with 365 days a year and 30 a month
        days = seconds / 86_400
        months = int(days / 365) * 12 if moment.precision == YEAR else int(days / 30)
        return _add_months(moment, months)
    step = _OF_PRECISION[moment.precision]
    text = moment.text[:10]
    clock = moment.text[11:] if moment.precision > DAY else ""
    start = datetime.fromisoformat(text)
    if clock:
        start += timedelta(microseconds=_since_midnight(moment))
    found = start + timedelta(microseconds=int(_whole(seconds, step) * 1_000_000))
    after = _after_date(moment)
    if moment.precision > DAY:
        zone = after.lstrip("T0123456789:.")
        after = "T" + _clock(found, moment) + zone
    return parse_moment(f"{found.year:04}-{found.month:02}-{found.day:02}{after}")


def _whole(seconds: Decimal, step: int) -> Decimal:
    return seconds if step == 0 else Decimal(int(seconds / step)) * step


def _since_midnight(moment: Moment) -> int:
    local = moment.low + (moment.offset or 0) * 60_000_000
    return local % (86_400 * 1_000_000)


def _clock(found: datetime, moment: Moment) -> str:
    text = f"{found.hour:02}:{found.minute:02}:{found.second:02}"[: 3 * (moment.precision - DAY) - 1]
    has_fraction = "." in moment.text
    if moment.precision == SECOND and (has_fraction or found.microsecond):
        text += f".{found.microsecond // 1000:03}"
    return text

"""https://hl7.org/fhir/R4/search.html#date"""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.date import parse
from fhir_server.search.options import Options
from tests.search.searching import compiled, fits, refused, rows

SHANGHAI = ZoneInfo("Asia/Shanghai")
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def observed(effective: object) -> dict[str, object]:
    name = "effectiveDateTime" if isinstance(effective, str) else "effectivePeriod"
    return {"resourceType": "Observation", name: effective}


def matches(effective: object, search: str) -> bool:
    return fits(observed(effective), f"date={quote(search)}")


# the table of the specification, line for line; its periods are those in words
FROM_15_MARCH = {"start": "2013-03-15"}
FROM_21_JANUARY = {"start": "2013-01-21"}
TO_21_JANUARY = {"end": "2013-01-21"}


@pytest.mark.parametrize(
    ("search", "value", "expected"),
    [
        ("eq2013-01-14", "2013-01-14T00:00:00+08:00", True),
        ("eq2013-01-14", "2013-01-14T10:00:00+08:00", True),
        ("eq2013-01-14", "2013-01-15T00:00:00+08:00", False),
        ("ne2013-01-14", "2013-01-15T00:00:00+08:00", True),
        ("ne2013-01-14", "2013-01-14T00:00:00+08:00", False),
        ("ne2013-01-14", "2013-01-14T10:00:00+08:00", False),
        ("lt2013-01-14T10:00", "2013-01-14", True),
        ("gt2013-01-14T10:00", "2013-01-14", True),
        ("ge2013-03-14", FROM_21_JANUARY, True),
        ("le2013-03-14", FROM_21_JANUARY, True),
        ("sa2013-03-14", FROM_15_MARCH, True),
        ("sa2013-03-14", FROM_21_JANUARY, False),
        ("sa2013-03-14", TO_21_JANUARY, False),
        ("eb2013-03-14", FROM_15_MARCH, False),
        ("eb2013-03-14", FROM_21_JANUARY, False),
        ("eb2013-03-14", TO_21_JANUARY, True),
        ("ap2013-03-14", "2013-03-14", True),
        ("ap2026-11-01", "2026-10-01", False),
        ("ap2013-03-14", "2026-06-15", False),
    ],
)
def test_the_table_of_the_specification(search: str, value: object, expected: bool) -> None:
    assert matches(value, search) is expected


# value -> precision; each is searched with each prefix: which of the values does 2013-01-14 stand so to
VALUES = {
    "2012": "lt le eb ne",
    "2013": "lt gt le ge ne ap",
    "2013-01": "lt gt le ge ne ap",
    "2013-01-13": "lt le eb ne ap",
    "2013-01-14": "eq le ge ap",
    "2013-01-14T00:00:00+08:00": "eq le ge ap",
    "2013-01-14T23:59:59.999+08:00": "eq le ge ap",
    "2013-01-13T23:59:59+08:00": "lt le eb ne ap",
    "2013-01-13T16:00:00Z": "eq le ge ap",  # midnight in Shanghai
    "2013-01-14T16:00:00Z": "gt ge sa ne ap",
    "2013-01-15": "gt ge sa ne ap",
    "2013-02": "gt ge sa ne ap",
    "2014": "gt ge sa ne ap",
}
PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@pytest.mark.parametrize(("value", "prefixes"), VALUES.items())
def test_E09_each_prefix_against_each_precision(value: str, prefixes: str) -> None:
    # ten per cent of the time since then are more than a year: `ap` takes 2012 too
    expected = set(prefixes.split()) | {"ap"}
    assert {prefix for prefix in PREFIXES if matches(value, f"{prefix}2013-01-14")} == expected


@pytest.mark.parametrize(
    ("value", "prefixes"),
    [
        ({"start": "2013-01-10", "end": "2013-01-12"}, "lt le eb ne ap"),
        ({"start": "2013-01-10", "end": "2013-01-14"}, "lt le ge ne ap"),
        ({"start": "2013-01-14", "end": "2013-01-14"}, "eq le ge ap"),
        ({"start": "2013-01-14", "end": "2013-01-20"}, "gt le ge ne ap"),
        ({"start": "2013-01-10", "end": "2013-01-20"}, "lt gt le ge ne ap"),
        ({"start": "2013-01-16", "end": "2013-01-20"}, "gt ge sa ne ap"),
        ({"start": "2013-01-16"}, "gt ge sa ne ap"),
        ({"end": "2013-01-12"}, "lt le eb ne ap"),
    ],
)
def test_E09_each_prefix_against_periods(value: object, prefixes: str) -> None:
    assert {prefix for prefix in PREFIXES if matches(value, f"{prefix}2013-01-14")} == set(prefixes.split())


def test_E09_a_day_is_a_day_in_shanghai_unless_configured() -> None:
    utc = Options(zone=UTC)
    value = "2013-01-13T17:00:00Z"
    assert matches(value, "2013-01-14") and not matches(value, "2013-01-13")
    where = compiled("Observation?date=2013-01-14", options=utc).where
    assert where.low_from == 1_358_121_600_000_000  # type: ignore[union-attr]


def test_E09_offsets_are_corrected() -> None:
    assert matches("2013-01-14T10:00:00+08:00", "2013-01-14T02:00:00Z")
    assert matches("2013-01-14T02:00:00Z", "2013-01-14T10:00:00")
    assert fits(observed("2013-01-14T10:00:00+08:00"), "date=2013-01-14T10:00:00+08:00")  # + is a space here


def test_E10_a_time_with_seconds_is_that_second() -> None:
    assert matches("2013-01-14T20:00:00Z", "2013-01-14T20:00:00Z")
    assert matches("2013-01-14T20:00:00.999Z", "2013-01-14T20:00:00Z")
    assert not matches("2013-01-14T20:00:01Z", "2013-01-14T20:00:00Z")
    assert not matches("2013-01-14T20:00:00Z", "gt2013-01-14T20:00:00Z")
    assert matches("2013-01-14T20:00:01Z", "gt2013-01-14T20:00:00Z")
    assert matches("2013-01-14T20:00:30Z", "2013-01-14T20:00Z")


@pytest.mark.parametrize(
    "value",
    [
        "gt2024-02-30", "xx2024", "", "2024-13", "2024-1", "24", "2024-01-01T25:00", "2024-01-01T10", "today",
        "eq", "2024-01-01T10:00:00+8", "2024-01-01T10:00:61Z", "0000", "2024-02-30T10:00", "' OR 1=1--",
    ],
)  # fmt: skip
def test_E11_400_for_what_is_no_date(value: str) -> None:
    assert refused(f"Observation?date={value}").issues[0].code == "value"


def test_a_bad_prefix_is_named_with_those_there_are() -> None:
    assert "ap, eb, eq, ge" in refused("Observation?date=xx2024").issues[0].diagnostics


def test_only_the_outer_limits_of_a_timing_count() -> None:
    timing = {
        "event": ["2013-01-31", "2013-03-24"],
        "repeat": {"frequency": 1, "period": 2, "periodUnit": "d"},
    }
    request = {"resourceType": "ServiceRequest", "occurrenceTiming": timing}
    assert fits(request, "occurrence=ge2013-02-01") and fits(request, "occurrence=le2013-02-01")
    assert not fits(request, "occurrence=sa2013-02-01") and fits(request, "occurrence=sa2013-01-30")
    bounded = {"repeat": {"boundsPeriod": {"start": "2013-01-31", "end": "2013-03-24"}}}
    assert rows(request | {"occurrenceTiming": bounded}).dates == rows(request).dates
    assert not rows(request | {"occurrenceTiming": {"repeat": {"frequency": 1}}}).dates


def test_a_period_without_ends_is_no_value() -> None:
    assert fits(observed({"extension": []}), "date:missing=true")


def test_a_leap_second_is_the_last_of_its_minute() -> None:
    assert parse("2016-12-31T23:59:60Z", UTC) == parse("2016-12-31T23:59:59Z", UTC)


def test_the_last_day_there_is() -> None:
    found = parse("9999-12-31", SHANGHAI)
    assert found is not None and found[1] - found[0] == 86_400_000_000 - 1


@given(st.dates(min_value=date(1900, 1, 1)), st.integers(0, 86_399_999), st.integers(-14 * 60, 14 * 60))
def test_times_are_those_of_datetime(day: date, milliseconds: int, offset: int) -> None:
    moment = datetime(day.year, day.month, day.day) + timedelta(milliseconds=milliseconds)
    sign = "-" if offset < 0 else "+"
    zone = f"{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    text = moment.isoformat(timespec="milliseconds") + zone
    expected = (moment.replace(tzinfo=UTC) - timedelta(minutes=offset) - EPOCH) // MICROSECOND
    assert parse(text, SHANGHAI) == (expected, expected + 999)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(9990, 1, 1)))
def test_days_follow_each_other_without_gap(day: date) -> None:
    following = day + timedelta(days=1)
    today, tomorrow = parse(day.isoformat(), SHANGHAI), parse(following.isoformat(), SHANGHAI)
    month = parse(day.isoformat()[:7], SHANGHAI)
    assert today is not None and tomorrow is not None and month is not None
    assert today[1] + 1 == tomorrow[0]
    assert month[0] <= today[0] and today[1] <= month[1]


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_not(text: str) -> None:
    found = parse(text, SHANGHAI)
    assert found is None or found[0] <= found[1]

"""Instants as milliseconds and as text."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.clock import format_instant, parse_instant, system_clock

LAST = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


def test_the_epoch() -> None:
    assert format_instant(0) == "1970-01-01T00:00:00.000Z"
    assert parse_instant("1970-01-01T08:00:00+08:00") == 0


@given(st.integers(-62_135_596_800_000, LAST))
def test_what_is_formatted_is_parsed(instant_ms: int) -> None:
    text = format_instant(instant_ms)
    assert parse_instant(text) == instant_ms
    assert text == (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant_ms)).isoformat(
        timespec="milliseconds"
    ).replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("text", "instant_ms"),
    [
        ("2026-11-23T08:00:00.123Z", 1_795_420_800_123),
        ("2026-11-23T16:00:00.123+08:00", 1_795_420_800_123),
        ("2026-11-23T08:00:00.123999Z", 1_795_420_800_123),
        ("2026-11-23T08:00:00Z", 1_795_420_800_000),
        ("1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_any_offset_and_precision_is_parsed(text: str, instant_ms: int) -> None:
    assert parse_instant(text) == instant_ms


@pytest.mark.parametrize("text", ["2026-11-23T08:00:00", "2026-02-30T08:00:00Z", "2026-11-23", "now", ""])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_instant(text)


def test_the_system_clock_tells_the_time() -> None:
    before = time.time()
    assert before - 1 <= system_clock() / 1000 <= time.time() + 1

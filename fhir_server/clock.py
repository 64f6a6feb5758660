"""Time as a value that is handed in: tests hand in their own.

Instants inside the server are whole milliseconds since 1970-01-01T00:00:00Z, the precision that
`meta.lastUpdated` is served with (https://hl7.org/fhir/R4/datatypes.html#instant).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], int]
"""Answers the present instant in milliseconds since the epoch, UTC."""


def system_clock() -> int:
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=4096)  # versions of one transaction share it, and pages of a search often do
def format_instant(instant_ms: int) -> str:
    """`2026-11-23T08:00:00.123Z`, the `instant` of FHIR for an instant of this server."""
    seconds, milliseconds = divmod(instant_ms, 1000)
    return f"{_format_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=4096)
def _format_second(seconds: int) -> str:
    year, month, day, hour, minute, second, *_ = time.gmtime(seconds)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def parse_instant(text: str) -> int:
    """The inverse of `format_instant` for any RFC 3339 instant; raises ValueError, also without an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone offset")
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000

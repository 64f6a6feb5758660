"""Histories are ranges of the log, newest first.

https://hl7.org/fhir/R4/http.html#history
"""

from typing import Any

import pytest

from fhir_server.store.protocol import HistoryRange, Store, Version
from tests.store.conftest import Run
from tests.store.resources import START, Ticking, delete, make, patient, put


@pytest.fixture
def log(store: Store, run: Run[Any], clock: Ticking) -> list[Version]:
    """Seven versions of three resources, a second apart."""

    async def fill() -> list[Version]:
        changes = [
            put(store, patient("a")),
            put(store, make("Group", "a")),
            put(store, patient("b")),
            put(store, patient("a", note="two")),
            delete(store, "Patient", "b"),
            put(store, patient("a", note="three")),
            put(store, patient("b", note="again")),
        ]
        for number, change in enumerate(changes):
            clock.now = START + 1000 * number - 1
            await change
        return await store.changes(0, 100)

    return run(fill())  # type: ignore[no-any-return]


def at(number: int) -> int:
    """The time of a version of the log."""
    return START + 1000 * number


def numbers(store: Store, run: Run[Any], log: list[Version], **range_: Any) -> list[int]:
    """Places in the log of a range, which the count agrees with."""
    found = run(store.history(HistoryRange(**range_), 100))
    assert run(store.history_count(HistoryRange(**range_))) == len(found)
    return [log.index(version) for version in found]


def test_of_everything_of_a_type_of_a_resource(store: Store, run: Run[Any], log: list[Version]) -> None:
    assert numbers(store, run, log) == [6, 5, 4, 3, 2, 1, 0]
    assert numbers(store, run, log, resource_type="Patient") == [6, 5, 4, 3, 2, 0]
    assert numbers(store, run, log, resource_type="Patient", id="b") == [6, 4, 2]
    assert numbers(store, run, log, resource_type="Group", id="a") == [1]


def test_of_what_never_was_is_empty(store: Store, run: Run[Any], log: list[Version]) -> None:
    assert numbers(store, run, log, resource_type="Patient", id="nobody") == []
    assert numbers(store, run, log, resource_type="Device") == []


def test_since_includes_the_instant_and_before_does_not(
    store: Store, run: Run[Any], log: list[Version]
) -> None:
    assert numbers(store, run, log, since_ms=at(4)) == [6, 5, 4]
    assert numbers(store, run, log, since_ms=at(4) + 1) == [6, 5]
    assert numbers(store, run, log, before_ms=at(2)) == [1, 0]
    assert numbers(store, run, log, resource_type="Patient", since_ms=at(1), before_ms=at(4)) == [3, 2]
    assert numbers(store, run, log, since_ms=at(100)) == []
    assert numbers(store, run, log, before_ms=at(-100)) == []


def test_at_finds_what_was_current_then(store: Store, run: Run[Any], log: list[Version]) -> None:
    assert numbers(store, run, log, at_ms=at(0) - 1) == []
    assert numbers(store, run, log, at_ms=at(3)) == [3, 2, 1]
    assert numbers(store, run, log, at_ms=at(3) - 1) == [2, 1, 0]
    assert numbers(store, run, log, resource_type="Patient", at_ms=at(4)) == [4, 3]
    assert numbers(store, run, log, resource_type="Patient", id="a", at_ms=at(99)) == [5]


def test_at_a_period_finds_what_was_current_at_some_time_of_it(
    store: Store, run: Run[Any], log: list[Version]
) -> None:
    assert numbers(store, run, log, at_ms=at(3), at_last_ms=at(5)) == [5, 4, 3, 2, 1]
    assert numbers(store, run, log, at_ms=at(3), at_last_ms=at(3)) == [3, 2, 1]


def test_pages_of_a_state_of_the_log(store: Store, run: Run[Any], log: list[Version]) -> None:
    state = run(store.last_sequence())
    run(put(store, patient("a", note="while paging")))
    found: list[Version] = []
    range_ = HistoryRange("Patient", up_to_sequence=state)
    while page := run(store.history(range_, 2)):
        found += page
        range_ = range_._replace(before_sequence=page[-1].sequence)
    assert [log.index(version) for version in found] == [6, 5, 4, 3, 2, 0]


def test_changes_are_the_log_oldest_first(store: Store, run: Run[Any], log: list[Version]) -> None:
    assert run(store.changes(log[3].sequence, 2)) == log[4:6]
    assert run(store.changes(log[6].sequence, 2)) == []
    assert run(store.last_sequence()) == log[6].sequence

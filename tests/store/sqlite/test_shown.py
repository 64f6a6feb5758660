"""What was shown lately is kept, within bounds; what a unit of work wrote is not."""

from typing import Any

import pytest

from fhir_server.store.algebra import Everything, Query
from fhir_server.store.protocol import Transaction, Version
from fhir_server.store.sqlite import SqliteStore, reading
from fhir_server.store.sqlite.reading import KEPT_BESIDE, Shown
from tests.store.conftest import Fresh, Run
from tests.store.resources import content, patient, put, put_all


def version(sequence: int, size: int) -> Version:
    return Version(sequence, "Patient", str(sequence), 1, 0, "PUT", b"x" * size)


def test_the_oldest_go_when_there_is_no_room() -> None:
    shown = Shown(3 * (KEPT_BESIDE + 10))
    for sequence in range(1, 6):
        show_twice(shown, version(sequence, 10))
    assert list(shown) == [3, 4, 5]
    show_twice(shown, version(6, 2 * (KEPT_BESIDE + 10)))
    assert list(shown) == [6]
    show_twice(shown, version(7, 10_000))
    assert list(shown) == []


def show_twice(shown: Shown, found: Version) -> None:
    before = list(shown)
    shown.keep(found)
    assert list(shown) == before
    shown.keep(found)


def test_without_room_nothing_is_kept() -> None:
    shown = Shown()
    show_twice(shown, version(1, 0))
    assert not shown


def test_what_is_shown_again_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SHOWN_LATELY", 2)
    shown = Shown(10_000)
    for sequence in (1, 2, 1, 3, 2):  # 3 is one too many: that 2 was shown is forgotten
        shown.keep(version(sequence, 10))
    assert list(shown) == [1]
    shown.keep(version(2, 10))
    assert list(shown) == [1, 2]


def test_pages_and_single_reads_are_kept_from_the_second_time_on(fresh: Fresh, run: Run[Any]) -> None:
    store = fresh()
    assert isinstance(store, SqliteStore)

    async def test() -> None:
        await put_all(store, *(patient(f"p{n}") for n in range(3)))
        for kept in (False, True):
            page = await store.find(Query(("Patient",), Everything(), 2))
            shown = [hit.version.sequence for hit in page.hits]
            assert len(shown) == 2 and sorted(store._here.shown) == (shown if kept else [])
        assert await store.read("Patient", "p2") is not None
        read = await store.read("Patient", "p2")
        assert read is not None and store._here.shown[read.sequence] is read
        assert await store.read("Patient", "p2") is read
        changed = (await put(store, patient("p2", note="y"))).version
        assert await store.read("Patient", "p2") == changed

    run(test())


def test_a_unit_of_work_keeps_nothing(fresh: Fresh, run: Run[Any]) -> None:
    """What it wrote may be taken back, and another version have its number."""
    store = fresh()
    assert isinstance(store, SqliteStore)

    class TakenBackError(Exception):
        pass

    async def write(tx: Transaction) -> None:
        await tx.put(content(patient("a", note="x")), method="PUT")
        assert (await tx.find(Query(("Patient",), Everything(), 5))).hits
        raise TakenBackError

    async def test() -> None:
        with pytest.raises(TakenBackError):
            await store.transaction(write)
        written = (await put(store, patient("b", note="y"))).version
        assert await store.read("Patient", "a") is None
        page = await store.find(Query(("Patient",), Everything(), 5))
        assert [hit.version for hit in page.hits] == [written]

    run(test())

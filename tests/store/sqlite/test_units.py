"""Commits in groups, the lock, and a disk that refuses."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import apsw
import pytest

from fhir_server.outcome import FhirError
from fhir_server.store.algebra import Everything, Not, Query, SortKey, TokenIn
from fhir_server.store.protocol import Transaction
from fhir_server.store.sqlite import Limits, SqliteStore, open_store, reading, units
from fhir_server.store.sqlite.lock import WriteLock
from fhir_server.store.sqlite.units import Units
from tests.store.conftest import Run
from tests.store.resources import Ticking, content, extract, patient, put, put_all

Open = Callable[..., SqliteStore]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def opened(path: Path, run: Run[Any]) -> Iterator[Open]:
    """Opens the store at `path`, as many times as wanted, as so many processes would."""
    stores: list[SqliteStore] = []

    def open_(**limits: float) -> SqliteStore:
        stores.append(open_store(path, extract=extract, clock=Ticking(), limits=Limits(**limits)))
        return stores[-1]

    yield open_
    for store in stores:
        run(store.close())


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The units of each commit."""
    counted: list[int] = []
    commit = Units._commit_blocking

    def counting(self: Units, group: Any) -> None:
        counted.append(group.units)
        commit(self, group)

    monkeypatch.setattr(Units, "_commit_blocking", counting)
    return counted


async def put_at_once(store: SqliteStore, count: int) -> None:
    await asyncio.gather(*(put(store, patient(f"p{n}")) for n in range(count)))


def test_units_at_once_share_commits(opened: Open, run: Run[Any], commits: list[int]) -> None:
    store = opened()
    run(put_at_once(store, 100))
    assert sum(commits) == 100
    assert len(commits) < 20
    assert run(store.totals()) == {"Patient": 100}


def test_a_long_group_goes_on_while_nobody_else_wants_to_write(
    opened: Open, run: Run[Any], commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "GROUP_S", -1)
    monkeypatch.setattr(units, "LONGEST_S", 60)
    run(put_at_once(opened(), 100))
    assert sum(commits) == 100
    assert len(commits) < 20


def test_a_long_group_ends_when_another_process_waits(
    opened: Open, run: Run[Any], commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "GROUP_S", -1)
    monkeypatch.setattr(WriteLock, "is_wanted", lambda _: True)
    run(put_at_once(opened(), 100))
    assert commits == [1] * 100


def test_a_lock_is_wanted_while_somebody_waits_for_it(path: Path) -> None:
    one, other = WriteLock(path), WriteLock(path)
    one.take()
    assert not one.is_wanted()
    waiting = Thread(target=other.take)
    waiting.start()
    while not one.is_wanted():
        pass  # the thread is on its way
    one.release()
    waiting.join()
    assert not other.is_wanted()
    for lock in (one, other):
        lock.close()


def test_a_group_ends_after_some_time(
    opened: Open, run: Run[Any], commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "GROUP_S", -1)
    monkeypatch.setattr(units, "LONGEST_S", -1)
    run(put_at_once(opened(), 100))
    assert commits == [1] * 100


def test_two_stores_on_one_file_take_turns(opened: Open, run: Run[Any]) -> None:
    one, other = opened(), opened()

    async def increment(store: SqliteStore) -> None:
        async def work(tx: Transaction) -> None:
            current = await tx.read("Patient", "counter")
            number = 0 if current is None else current.version_id
            await tx.put(content(patient("counter", note=str(number))), method="PUT")

        await store.transaction(work)

    async def turns(store: SqliteStore) -> None:
        for _ in range(25):
            await increment(store)

    async def test() -> None:
        await asyncio.gather(
            turns(one), turns(other), *(increment(s) for s in (one, other) for _ in range(25))
        )

    run(test())
    for store in (one, other):
        counter = run(store.read("Patient", "counter"))
        assert counter is not None
        assert counter.version_id == 100


def test_what_one_store_commits_the_other_reads(opened: Open, run: Run[Any]) -> None:
    one, other = opened(), opened()
    version = run(put(one, patient("a", tokens=[["Patient.code", 1]]))).version
    assert run(other.read("Patient", "a")) == version
    assert run(other.count(("Patient",), TokenIn("Patient.code", (1,)))) == 1
    again = run(put(other, patient("a", note="two", tokens=[["Patient.kind", 1]]))).version
    assert again.version_id == 2
    assert run(one.read("Patient", "a")) == again
    assert run(one.count(("Patient",), TokenIn("Patient.kind", (1,)))) == 1


async def put_by_a_client_that_comes_back(store: SqliteStore, content: Any) -> None:
    """As Retry-After asks; how fast the machine is does not matter then."""
    for _ in range(200):
        try:
            await put(store, content)
        except FhirError as refused:
            assert refused.status == 503
        else:
            return
    raise AssertionError("the store stayed locked")


def test_D23_503_when_another_process_keeps_the_lock(opened: Open, run: Run[Any], path: Path) -> None:
    store = opened(lock_s=0.05)
    run(put(store, patient("a")))
    other = WriteLock(path)
    other.take()
    with pytest.raises(FhirError) as refused:
        run(put(store, patient("b")))
    assert (refused.value.status, refused.value.issues[0].code) == (503, "lock-error")
    assert refused.value.headers["Retry-After"]
    assert run(store.read("Patient", "a")) is not None
    other.release()
    other.close()
    run(put_by_a_client_that_comes_back(store, patient("b")))
    assert run(store.totals()) == {"Patient": 2}


def test_D23_503_when_another_program_has_locked_the_file(opened: Open, run: Run[Any], path: Path) -> None:
    store = opened(lock_s=0.05)
    run(put(store, patient("a")))
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(FhirError) as refused:
        run(put(store, patient("b")))
    assert (refused.value.status, refused.value.issues[0].code) == (503, "lock-error")
    assert run(store.read("Patient", "a")) is not None
    other.close()
    run(put_by_a_client_that_comes_back(store, patient("b")))
    assert run(store.totals()) == {"Patient": 2}


def test_closing_does_not_wait_for_another_processs_lock(opened: Open, run: Run[Any], path: Path) -> None:
    store = opened(lock_s=60)
    other = WriteLock(path)
    other.take()

    async def test() -> None:
        waiting = asyncio.create_task(put(store, patient("b")))
        await asyncio.sleep(0)
        await store.close()
        with pytest.raises(FhirError) as refused:
            await waiting
        assert refused.value.status == 503

    run(test())
    other.release()
    other.close()


def big(id_: str) -> Any:
    """A resource that takes some pages, for it does not compress."""
    return patient(id_, note=Random(id_).randbytes(40_000).hex())


def test_D24_503_when_the_disk_is_full_and_nothing_of_it_is_kept(opened: Open, run: Run[Any]) -> None:
    store = opened()
    run(put(store, patient("before")))
    assert store._units is not None
    writing = store._units._writing
    assert writing is not None
    pages = writing.connection.pragma("page_count")
    writing.connection.pragma("max_page_count", pages + 2)

    async def test() -> list[Any]:
        changes = (put(store, found) for found in (patient("small"), big("a"), patient("after")))
        return await asyncio.gather(*changes, return_exceptions=True)

    answers = run(test())
    kept = {v.id for v in run(store.changes(0, 10))}
    for id_, answer in zip(("small", "a", "after"), answers, strict=True):
        if isinstance(answer, FhirError):
            assert (answer.status, answer.issues[0].code) == (503, "no-store")
            assert answer.headers["Retry-After"]
            assert id_ not in kept
        else:
            assert id_ in kept
    assert isinstance(answers[1], FhirError)
    assert run(store.read("Patient", "before")) is not None
    writing.connection.pragma("max_page_count", 1 << 30)
    run(put_all(store, big("a"), patient("small")))
    assert run(store.read("Patient", "a")) is not None


def test_503_for_a_unit_that_goes_on_after_the_disk_was_full(opened: Open, run: Run[Any]) -> None:
    store = opened()
    run(put(store, patient("before")))
    assert store._units is not None
    writing = store._units._writing
    assert writing is not None
    writing.connection.pragma("max_page_count", writing.connection.pragma("page_count") + 2)

    async def work(tx: Transaction) -> None:
        await tx.put(content(big("a")), method="PUT")
        with pytest.raises(FhirError):
            await tx.read("Patient", "a")  # what waits goes to the disk now
        await tx.put(content(patient("b")), method="PUT")

    with pytest.raises(FhirError) as refused:
        run(store.transaction(work))
    assert refused.value.status == 503
    assert [v.id for v in run(store.changes(0, 10))] == ["before"]


def test_a_long_search_moves_to_a_thread(
    opened: Open, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_LOOKS", 1)
    store = opened(inline_s=-1)
    run(put_all(store, *(patient(f"p{n}", dates=[["Patient.birth", n, n]]) for n in range(50))))
    asked = Query(("Patient",), Not(TokenIn("Patient.code", (1,))), 3, (SortKey("date", ("Patient.birth",)),))
    assert [hit.version.id for hit in run(store.find(asked)).hits] == ["p0", "p1", "p2"]
    assert run(store.transaction(lambda tx: tx.find(asked))) == run(store.find(asked))


def test_400_for_a_search_that_takes_too_long(
    opened: Open, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_LOOKS", 1)
    store = opened(inline_s=-1, find_s=-1)
    run(put(store, patient("a")))
    asked = Query(("Patient",), Everything(), 3)
    for search in (store.find(asked), store.transaction(lambda tx: tx.find(asked))):
        with pytest.raises(FhirError) as refused:
            run(search)
        assert (refused.value.status, refused.value.issues[0].code) == (400, "too-costly")
    assert run(store.read("Patient", "a")) is not None
    run(put(store, patient("b")))


def test_a_unit_that_is_cancelled_in_a_long_search_waits_for_its_end(
    opened: Open, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STEPS_BETWEEN_LOOKS", 1)
    store = opened(inline_s=-1)
    run(put_all(store, *(patient(f"p{n}") for n in range(200))))

    async def work(tx: Transaction) -> None:
        await tx.put(content(patient("new")), method="PUT")
        await tx.count(("Patient",), Not(TokenIn("Patient.code", (1,))))

    async def test() -> None:
        run_ = asyncio.create_task(store.transaction(work))
        for _ in range(3):
            await asyncio.sleep(0)
        run_.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run_
        await put(store, patient("after"))

    run(test())
    assert run(store.read("Patient", "new")) is None
    assert run(store.read("Patient", "after")) is not None

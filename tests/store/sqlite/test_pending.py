"""What waits for the commit is in the tables when something reads, and leaves nothing when its unit fails."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import apsw
import pytest

from fhir_server.outcome import FhirError
from fhir_server.store.algebra import TokenIn
from fhir_server.store.protocol import HistoryRange, Transaction
from fhir_server.store.sqlite import SqliteStore, check, open_store
from fhir_server.store.sqlite.pending import insert
from tests.store.conftest import Run
from tests.store.resources import Ticking, content, extract, make, patient, put


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path, run: Run[Any]) -> Iterator[SqliteStore]:
    opened = open_store(path, extract=extract, clock=Ticking())
    yield opened
    run(opened.close())


def indexed(id_: str, number: int) -> Any:
    """Every kind of row, some of which change with `number`."""
    return patient(
        id_,
        note=str(number),
        tokens=[["Patient.code", number % 3], ["Patient.code", 9]],
        strings=[["Patient.name", f"name{number}", number], ["Patient.name", "same", 1]],
        dates=[["Patient.birth", number, number + 5]],
        numbers=[["Patient.weight", 0, number, number + 0.5]],
        positions=[["Patient.at", 1.0 + number, 2.0]],
        references=[["Patient.link", "Patient", f"p{number % 7}"], ["Patient.link", "Group", "g"]],
        lexicon=[["Patient.code", f"text{number % 3}", number % 3]],
        instances=[{"tokens": [["Patient.part", number]]}],
    )


async def _step(tx: Transaction, chance: Random, number: int) -> None:
    id_ = f"p{chance.randrange(7)}"
    match chance.randrange(6):
        case 0:
            id_ = f"new{number}" if number % 2 else f"01938f00-0000-7000-8000-{number:012x}"
            await tx.put(content(indexed(id_, number)), method="POST")
        case 1:
            await tx.delete("Patient", id_)
        case 2:
            await tx.identities("Patient", TokenIn("Patient.code", (9,)), 100)
        case _:
            await tx.put(content(indexed(id_, number)), method="PUT")


@pytest.mark.parametrize("seed", range(8))
def test_units_that_share_a_commit_leave_a_whole_store(
    store: SqliteStore, run: Run[Any], path: Path, seed: int
) -> None:
    """Units that write the same resources, read between their writes, and fail, all in a few commits."""
    chance = Random(seed)

    async def unit(number: int) -> None:
        async def work(tx: Transaction) -> None:
            for step in range(chance.randrange(1, 5)):
                await _step(tx, chance, 10 * number + step)
            if chance.randrange(4) == 0:
                raise ZeroDivisionError

        await store.transaction(work)

    async def test() -> list[Any]:
        return await asyncio.gather(*map(unit, range(60)), return_exceptions=True)

    answers = run(test())
    assert {type(answer) for answer in answers} == {type(None), ZeroDivisionError}
    changes = run(store.changes(0, 1000))
    assert [version.sequence for version in changes] == list(range(1, len(changes) + 1))
    for id_ in {version.id for version in changes}:
        versions = run(store.history(HistoryRange("Patient", id_), 1000))
        assert [version.version_id for version in versions] == list(range(len(versions), 0, -1))
    run(store.close())
    assert list(check(path, extract)) == []


@pytest.mark.parametrize("id_", ["later", "0193707b-8400-7a6b-9d3c-2f8a1b7c6d5e"])
@pytest.mark.parametrize("reads", [False, True])
def test_a_resource_that_is_referred_to_first_gets_one_key(
    store: SqliteStore, run: Run[Any], path: Path, monkeypatch: pytest.MonkeyPatch, id_: str, reads: bool
) -> None:
    """reads: what waits goes into the tables between the two, and few keys are remembered"""
    monkeypatch.setattr("fhir_server.store.sqlite.writing.REMEMBERED", 0)

    async def work(tx: Transaction) -> None:
        for number in range(2):
            referring = make("Group", f"g{number}", references=[["Group.member", "Patient", id_]])
            await tx.put(content(referring), method="POST")
            if reads:
                assert await tx.read("Group", f"g{number}") is not None
        written = await tx.put(content(patient(id_, tokens=[["Patient.code", 1]])), method="POST")
        assert (written.created, written.version.version_id) == (True, 1)

    run(store.transaction(work))
    assert run(store.identities("Patient", TokenIn("Patient.code", (1,)), 5)) == [("Patient", id_)]
    assert run(store.totals()) == {"Group": 2, "Patient": 1}
    run(store.close())
    assert list(check(path, extract)) == []


def test_a_post_under_an_id_that_follows_from_something_can_come_again(
    store: SqliteStore, run: Run[Any]
) -> None:
    again = patient(str(uuid5(NAMESPACE_URL, "file.ndjson line 1")), tokens=[["Patient.code", 1]])

    async def work(tx: Transaction) -> bool:
        return (await tx.put(content(again), method="POST")).changed

    assert run(store.transaction(work))
    assert store._units is not None and store._units._writing is not None
    store._units._writing._forget_names()  # as another process, which has not written it
    assert not run(store.transaction(work))
    assert run(store.totals()) == {"Patient": 1}


def test_a_unit_that_fails_after_it_read_takes_nothing_of_others_with_it(
    store: SqliteStore, run: Run[Any], path: Path
) -> None:
    async def kept(id_: str) -> None:
        await put(store, patient(id_, tokens=[["Patient.code", 1]]))

    async def fails(tx: Transaction) -> None:
        await tx.put(content(patient("lost", tokens=[["Patient.new", 1]])), method="POST")
        assert await tx.count(("Patient",), TokenIn("Patient.new", (1,))) == 1
        await tx.put(content(patient("lost too", tokens=[["Patient.new", 1]])), method="POST")
        raise ZeroDivisionError

    async def test() -> list[Any]:
        work = (kept("a"), store.transaction(fails), kept("b"))
        return await asyncio.gather(*work, return_exceptions=True)

    assert [type(answer) for answer in run(test())] == [type(None), ZeroDivisionError, type(None)]
    assert [version.id for version in run(store.changes(0, 10))] == ["a", "b"]
    assert run(store.count(("Patient",), TokenIn("Patient.code", (1,)))) == 2
    assert run(store.count(("Patient",), TokenIn("Patient.new", (1,)))) == 0
    run(store.close())
    assert list(check(path, extract)) == []


def test_503_for_all_units_of_a_commit_for_which_the_disk_has_no_room(
    store: SqliteStore, run: Run[Any]
) -> None:
    run(put(store, patient("before")))
    assert store._units is not None
    writing = store._units._writing
    assert writing is not None
    writing.connection.pragma("max_page_count", writing.connection.pragma("page_count") + 2)
    big = patient("big", note=Random(1).randbytes(40_000).hex())

    async def test() -> list[Any]:
        return await asyncio.gather(
            *(put(store, found) for found in (patient("a"), big, patient("b"))), return_exceptions=True
        )

    for answer in run(test()):
        assert isinstance(answer, FhirError)
        assert (answer.status, answer.issues[0].code) == (503, "no-store")
    assert [version.id for version in run(store.changes(0, 10))] == ["before"]
    writing.connection.pragma("max_page_count", 1 << 30)
    written = run(put(store, patient("a")))
    assert (written.created, written.version.sequence) == (True, 2)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 100])
def test_any_number_of_rows_is_inserted(count: int, connection: Callable[[], apsw.Connection]) -> None:
    here = connection()
    rows = [(number, f"text {number}") for number in range(count)]
    insert(here, "INSERT INTO two(one, other) VALUES(?, ?)", rows)
    assert here.execute("SELECT one, other FROM two ORDER BY one").fetchall() == rows


@pytest.fixture
def connection() -> Callable[[], apsw.Connection]:
    def open_() -> apsw.Connection:
        found = apsw.Connection(":memory:")
        found.execute("CREATE TABLE two(one INTEGER, other TEXT)")
        return found

    return open_

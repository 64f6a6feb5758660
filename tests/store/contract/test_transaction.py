"""Units of work: atomic, one after the other, each seeing what the ones before wrote."""

import asyncio
from typing import Any

import pytest

from fhir_server.outcome import FhirError
from fhir_server.store.algebra import Everything, IdIn, Query, TokenIn, UpdatedBetween
from fhir_server.store.protocol import HistoryRange, Store, Transaction
from tests.store.conftest import Run
from tests.store.resources import content, patient, put, rows_of

KNOWN = TokenIn("Patient.identifier", (7,))


def known(id_: str, note: str = "") -> Any:
    return patient(id_, note=note, tokens=[["Patient.identifier", 7]])


def test_a_unit_sees_what_it_wrote(store: Store, run: Run[Any]) -> None:
    async def work(tx: Transaction) -> None:
        written = await tx.put(content(known("a")), method="POST")
        version = written.version
        assert await tx.read("Patient", "a") == version
        assert await tx.vread("Patient", "a", 1) == version
        assert await tx.read_many([("Patient", "a")]) == [version]
        assert await tx.identities("Patient", KNOWN, 2) == [("Patient", "a")]
        assert [hit.version for hit in (await tx.find(Query(("Patient",), KNOWN, 5))).hits] == [version]
        assert await tx.count(("Patient",), KNOWN) == 1
        assert await tx.count(("Patient",), Everything()) == 1
        assert await tx.totals() == {"Patient": 1}
        assert await tx.changes(0, 5) == [version]
        assert await tx.last_sequence() == version.sequence
        assert await tx.history(HistoryRange("Patient"), 5) == [version]
        assert await tx.history_count(HistoryRange("Patient")) == 1
        since = UpdatedBetween(first=version.last_updated_ms)
        assert await tx.count(("Patient",), since) == 1
        assert await tx.delete("Patient", "a") is not None
        assert await tx.count((), Everything()) == 0

    run(store.transaction(work))


def test_others_see_nothing_of_it_before_it_ends(store: Store, run: Run[Any]) -> None:
    async def work(tx: Transaction) -> None:
        await tx.put(content(known("a")), method="POST")
        assert await store.read("Patient", "a") is None
        assert await store.count((), Everything()) == 0
        assert await store.last_sequence() == 0

    run(store.transaction(work))
    assert run(store.read("Patient", "a")) is not None


def test_what_a_unit_raises_takes_all_of_it_back(store: Store, run: Run[Any]) -> None:
    before = run(put(store, patient("old"))).version

    async def work(tx: Transaction) -> None:
        await tx.put(content(known("a")), method="POST")
        await tx.put(content(patient("old", note="new")), method="PUT")
        await tx.delete("Patient", "old")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(store.transaction(work))
    assert run(store.read("Patient", "a")) is None
    assert run(store.read("Patient", "old")) == before
    assert run(store.count((), KNOWN)) == 0
    assert run(store.totals()) == {"Patient": 1}
    assert run(store.changes(0, 10)) == [before]
    # names and keys that it made are made again
    assert run(put(store, known("a"))).version.sequence == 2
    assert run(store.identities("Patient", KNOWN, 5)) == [("Patient", "a")]


def test_the_units_beside_one_that_raises_are_kept(store: Store, run: Run[Any]) -> None:
    """Units that a store may commit together do not share their fate."""

    async def unit(number: int) -> int:
        async def work(tx: Transaction) -> int:
            await tx.put(content(known(f"n{number}")), method="POST")
            await tx.put(content(patient(f"twin{number}")), method="POST")
            if number % 3 == 0:
                raise ZeroDivisionError
            return number

        return await store.transaction(work)

    async def test() -> list[Any]:
        return await asyncio.gather(*map(unit, range(12)), return_exceptions=True)

    answers = run(test())
    kept = [number for number in range(12) if number % 3]
    assert [answer for answer in answers if isinstance(answer, int)] == kept
    assert sum(isinstance(answer, ZeroDivisionError) for answer in answers) == 4
    assert sorted(run(store.identities("Patient", KNOWN, 50))) == sorted(("Patient", f"n{n}") for n in kept)
    assert run(store.totals()) == {"Patient": 2 * len(kept)}
    assert [v.sequence for v in run(store.changes(0, 50))] == list(range(1, 2 * len(kept) + 1))


def test_a_unit_that_catches_a_conflict_goes_on(store: Store, run: Run[Any]) -> None:
    run(put(store, patient("a")))

    async def work(tx: Transaction) -> None:
        with pytest.raises(FhirError):
            await tx.put(content(patient("a", note="x")), method="PUT", if_match=9)
        await tx.put(content(patient("b")), method="PUT")

    run(store.transaction(work))
    assert run(store.totals()) == {"Patient": 2}


def test_conditional_creates_at_once_make_one(store: Store, run: Run[Any]) -> None:
    async def create(number: int) -> str:
        async def work(tx: Transaction) -> str:
            found = await tx.identities("Patient", KNOWN, 2)
            if found:
                return found[0][1]
            await asyncio.sleep(0)  # a unit may wait for something else meanwhile
            return (await tx.put(content(known(f"n{number}")), method="POST")).version.id

        return await store.transaction(work)

    async def test() -> list[str]:
        return await asyncio.gather(*map(create, range(40)))

    assert len(set(run(test()))) == 1
    assert run(store.totals()) == {"Patient": 1}


def test_read_modify_write_at_once_loses_nothing(store: Store, run: Run[Any]) -> None:
    async def increment() -> None:
        async def work(tx: Transaction) -> None:
            current = await tx.read("Patient", "counter")
            number = 0 if current is None else current.version_id
            await tx.put(content(patient("counter", note=str(number))), method="PUT")

        await store.transaction(work)

    async def test() -> None:
        await asyncio.gather(*(increment() for _ in range(64)))

    run(test())
    versions = run(store.history(HistoryRange("Patient", "counter"), 100))
    assert [version.version_id for version in versions] == list(range(64, 0, -1))


def test_one_of_many_with_the_same_if_match_wins(store: Store, run: Run[Any]) -> None:
    run(put(store, patient("a")))

    async def test() -> list[Any]:
        changes = (put(store, patient("a", note=str(n)), if_match=1) for n in range(64))
        return await asyncio.gather(*changes, return_exceptions=True)

    answers = run(test())
    refused = [answer.status for answer in answers if isinstance(answer, FhirError)]
    assert refused == [412] * 63
    assert run(store.last_sequence()) == 2


def test_a_unit_that_is_cancelled_leaves_nothing(store: Store, run: Run[Any]) -> None:
    async def test() -> None:
        begun = asyncio.Event()

        async def work(tx: Transaction) -> None:
            await tx.put(content(patient("a")), method="PUT")
            begun.set()
            await asyncio.Event().wait()

        running = asyncio.create_task(store.transaction(work))
        await begun.wait()
        waiting = [asyncio.create_task(put(store, patient(f"w{n}"))) for n in range(3)]
        await asyncio.sleep(0)
        waiting[1].cancel()  # one that waits its turn
        running.cancel()
        answers = await asyncio.gather(running, *waiting, return_exceptions=True)
        assert [isinstance(a, asyncio.CancelledError) for a in answers] == [True, False, True, False]

    run(test())
    assert sorted(v.id for v in run(store.changes(0, 10))) == ["w0", "w2"]


def test_the_answer_of_a_unit_is_its_result(store: Store, run: Run[Any]) -> None:
    async def work(_tx: Transaction) -> str:
        return "nothing written"

    assert run(store.transaction(work)) == "nothing written"
    assert run(store.last_sequence()) == 0


def test_503_for_a_unit_after_the_store_was_closed(store: Store, run: Run[Any]) -> None:
    run(store.close())
    with pytest.raises(FhirError) as refused:
        run(put(store, patient("a")))
    assert refused.value.status == 503


def test_closing_waits_for_the_units_that_run(store: Store, run: Run[Any]) -> None:
    async def test() -> Any:
        writing = asyncio.create_task(put(store, patient("a")))
        await asyncio.sleep(0)
        await store.close()
        return (await writing).version.id

    assert run(test()) == "a"


def test_readers_see_each_unit_whole(store: Store, run: Run[Any]) -> None:
    """A page is of one state, though units commit while pages are read."""

    async def write() -> None:
        for number in range(30):

            async def work(tx: Transaction, note: str = str(number)) -> None:
                for id_ in "ab":
                    await tx.put(content(patient(id_, note=note)), method="PUT")

            await store.transaction(work)

    async def read() -> None:
        while not writing.done():
            page = await store.find(Query(("Patient",), IdIn(("a", "b")), 10))
            assert len({hit.version.version_id for hit in page.hits}) <= 1
            await asyncio.sleep(0)

    async def test() -> None:
        nonlocal writing
        writing = asyncio.create_task(write())
        await asyncio.gather(writing, read())

    writing: asyncio.Task[None]
    run(test())


def test_a_write_that_fails_midway_spoils_its_unit(store: Store, run: Run[Any]) -> None:
    """Whoever catches the error: half a write is not kept."""
    found = patient("half", strings=[["Patient.name", "\ud800", 1]], tokens=[["Patient.identifier", 7]])
    half = content(patient("half"))._replace(rows=rows_of(found["rows"]))

    async def work(tx: Transaction) -> None:
        await tx.put(content(patient("before")), method="PUT")
        with pytest.raises(UnicodeEncodeError):
            await tx.put(half, method="PUT")
        await tx.read("Patient", "before")

    with pytest.raises(UnicodeEncodeError):
        run(store.transaction(work))
    assert run(store.last_sequence()) == 0
    assert run(store.count((), KNOWN)) == 0
    assert run(put(store, patient("after"))).version.sequence == 1


def test_what_is_put_off_to_the_end_sees_all_and_is_asked_once(store: Store, run: Run[Any]) -> None:
    asked: list[tuple[list[str], dict[str, int]]] = []

    async def check(tx: Transaction, items: list[Any]) -> None:
        asked.append((items, await tx.totals()))

    async def work(tx: Transaction) -> None:
        tx.at_end(check, "first")
        await tx.put(content(known("a")), method="POST")
        tx.at_end(check, "second")
        await tx.put(content(known("b")), method="POST")

    run(store.transaction(work))
    assert asked == [(["first", "second"], {"Patient": 2})]


def test_what_is_put_off_to_the_end_may_refuse_the_whole(store: Store, run: Run[Any]) -> None:
    async def check(tx: Transaction, items: list[Any]) -> None:
        raise FhirError(422)

    async def work(tx: Transaction) -> None:
        await tx.put(content(known("a")), method="POST")
        tx.at_end(check, None)

    with pytest.raises(FhirError):
        run(store.transaction(work))
    assert run(store.totals()) == {}

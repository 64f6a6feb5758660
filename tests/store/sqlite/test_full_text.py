"""The table of words: it follows the log at a distance, and no search notices."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.store.algebra import And, Everything, Forward, FullText, IdIn, Node, Not, Or, Query
from fhir_server.store.sqlite import SqliteStore, check, full_text, open_store
from fhir_server.store.sqlite.backup import backup, restore
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.connection import snapshot
from fhir_server.store.sqlite.patience import Limits
from fhir_server.store.sqlite.plan import selected
from tests.store.conftest import Run
from tests.store.contract.test_find import answers_like_the_oracle, reusing
from tests.store.oracle import Oracle
from tests.store.resources import WORDING, Ticking, content, delete, extract, make, put, put_all
from tests.store.worlds import full_texts, nodes, types, worlds

PATIENT = ("Patient",)


def has(*found: str, where: Any = "anywhere", prefix: bool = False) -> FullText:
    return FullText(where, found, prefix)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches compare two versions themselves; what lacks is added three at a time."""
    monkeypatch.setattr(full_text, "COMPARED", 2)
    monkeypatch.setattr(full_text, "BATCH", 3)


def opened(path: Path, **limits: float) -> SqliteStore:
    settings = {"words_s": 60.0} | limits
    return open_store(
        path / "store.db", extract=extract, wording=WORDING, clock=Ticking(), limits=Limits(**settings)
    )


@pytest.fixture
def store(tmp_path: Path, run: Run[Any]) -> Iterator[SqliteStore]:
    found = opened(tmp_path)
    yield found
    run(found.close())


def state(store: SqliteStore) -> int | None:
    return full_text.in_use(store._here)


async def ids(store: Any, node: Node) -> list[str]:
    return sorted(id_ for _, id_ in await store.identities("Patient", node, 100))


async def fill_up(store: SqliteStore, count: int, note: str = "chest pain", first: int = 0) -> None:
    await put_all(store, *(make("Patient", f"p{n}", note=note) for n in range(first, first + count)))


def test_nothing_is_built_before_somebody_searches(store: SqliteStore, run: Run[Any], little: None) -> None:
    async def test() -> None:
        await fill_up(store, 10)
        assert await ids(store, Everything()) == sorted(f"p{n}" for n in range(10))
        assert state(store) is None

    run(test())


def test_the_first_search_builds_it(store: SqliteStore, run: Run[Any], little: None) -> None:
    async def test() -> None:
        await fill_up(store, 10)
        assert await ids(store, has("chest", "pain")) == sorted(f"p{n}" for n in range(10))
        assert state(store) == 10
        assert await ids(store, has("pain", "chest")) == []

    run(test())


def test_what_is_written_later_is_found_at_once(store: SqliteStore, run: Run[Any], little: None) -> None:
    """D22. Up to a number of versions the table is not even touched."""

    async def test() -> None:
        await fill_up(store, 10)
        await ids(store, has("chest"))
        await put(store, make("Patient", "new", note="liver"))
        assert await ids(store, has("liver")) == ["new"]
        assert state(store) == 10
        await put(store, make("Patient", "p1", note="liver"))
        assert await ids(store, has("liver")) == ["new", "p1"]
        assert await ids(store, has("chest")) == sorted(f"p{n}" for n in range(10) if n != 1)
        await delete(store, "Patient", "new")
        assert await ids(store, has("liver")) == ["p1"]
        assert state(store) == 13  # three more than the searches compare

    run(test())


def test_D22_on_another_worker(tmp_path: Path, run: Run[Any], little: None) -> None:
    async def test() -> None:
        one, other = opened(tmp_path), opened(tmp_path)
        await fill_up(one, 5)
        assert len(await ids(other, has("chest"))) == 5
        for n in range(8):
            await put(one, make("Patient", f"n{n}", note="liver"))
            assert len(await ids(other, has("liver"))) == n + 1
            assert len(await ids(one, has("liver"))) == n + 1
        await one.close()
        await other.close()

    run(test())


def test_a_transaction_sees_its_own_words(store: SqliteStore, run: Run[Any], little: None) -> None:
    async def test() -> None:
        await fill_up(store, 6)
        await ids(store, has("chest"))

        async def work(tx: Any) -> tuple[list[str], list[str]]:
            for n in range(6):
                await tx.put(content(make("Patient", f"p{n}", note="liver")), method="PUT")
            return await ids(tx, has("liver")), await ids(tx, has("chest"))

        assert await store.transaction(work) == (sorted(f"p{n}" for n in range(6)), [])

    run(test())


def test_503_while_it_is_built(tmp_path: Path, run: Run[Any], little: None) -> None:
    async def test() -> None:
        store = opened(tmp_path, words_s=0.0)
        await fill_up(store, 40)
        with pytest.raises(FhirError) as caught:
            await ids(store, has("chest"))
        assert caught.value.status == 503
        assert caught.value.issues[0].code == "transient"
        assert 1 <= int(caught.value.headers["Retry-After"]) <= 60
        assert "of " in caught.value.issues[0].diagnostics
        assert store._upkeep is not None
        await store._upkeep._start()
        assert state(store) == 40
        assert len(await ids(store, has("chest"))) == 40
        await store.close()

    run(test())


def test_it_goes_on_where_it_was_when_the_store_is_opened_again(
    tmp_path: Path, run: Run[Any], little: None
) -> None:
    async def test() -> None:
        store = opened(tmp_path)
        await fill_up(store, 10)
        batch = full_text.next_batch(store._here)
        assert batch is not None and (batch.after, batch.last, batch.end) == (0, 3, 10)

        async def work(tx: Any) -> None:
            await tx.in_thread(lambda writing: full_text.add(writing, batch))

        await store.transaction(work)
        await store.transaction(work)  # a batch that another process was faster with says nothing
        assert state(store) == 3
        await store.close()
        store = opened(tmp_path)
        assert len(await ids(store, has("chest"))) == 10
        await store.close()

    run(test())


def test_it_follows_the_log_once_it_is_in_use(store: SqliteStore, run: Run[Any], little: None) -> None:
    async def test() -> None:
        await fill_up(store, 10)
        await ids(store, has("chest"))
        await fill_up(store, 100, first=10)
        assert store._upkeep is not None and store._upkeep._task is not None
        await store._upkeep._task
        assert state(store) == 110

    run(test())


def test_a_store_that_closes_meanwhile(tmp_path: Path, run: Run[Any], little: None) -> None:
    async def test() -> None:
        store = opened(tmp_path, words_s=0.0)
        await fill_up(store, 40)
        with pytest.raises(FhirError):
            await ids(store, has("chest"))
        await store.close()
        store = opened(tmp_path)
        assert len(await ids(store, has("chest"))) == 40
        await store.close()

    run(test())


def test_a_store_that_nobody_writes_has_no_table(tmp_path: Path, run: Run[Any], little: None) -> None:
    async def test() -> None:
        store = opened(tmp_path)
        await fill_up(store, 10)
        await put(store, make("Group", "g", note="chest pain"))
        await put(store, make("Patient", "é", note="Chest pain 高血 血压 压"))
        await delete(store, "Patient", "p3")
        await store.close()
        path = tmp_path / "store.db"
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode=delete")
        connection.close()
        layer = open_store(path, extract=extract, wording=WORDING, clock=Ticking(), readonly=True)
        assert await ids(layer, has("chest", "pain")) == sorted(f"p{n}" for n in range(10) if n != 3)
        assert await ids(layer, has("血压")) == ["é"]
        assert await ids(layer, And((has("pain"), Not(has("chest"))))) == ["é"]
        assert await layer.count((), has("pain")) == 11
        await layer.close()

    run(test())


def test_phrases_of_many_are_sought_in_each(
    store: SqliteStore, run: Run[Any], monkeypatch: pytest.MonkeyPatch, little: None
) -> None:
    monkeypatch.setattr(full_text, "FREQUENT", 3)

    async def test() -> None:
        await fill_up(store, 10)
        await fill_up(store, 5, note="liver", first=20)
        await ids(store, has("chest"))
        await put(store, make("Patient", "p4", note="liver"))
        await put(store, make("Patient", "p24", note="chest"))
        both = Or((has("liver"), has("chest")))
        assert len(await ids(store, both)) == 15
        rare = And((has("chest"), Not(has("pain"))))
        assert await ids(store, rare) == ["p24"]
        page = await store.find(Query(PATIENT, And((has("chest"), Not(has("liver")))), 4))
        assert [hit.version.id for hit in page.hits] == ["p0", "p1", "p2", "p3"] and page.more

    run(test())


def test_phrases_that_are_unlike_are_found_in_one_order(
    store: SqliteStore, run: Run[Any], little: None
) -> None:
    """SQLite refuses an arm of a UNION that has an order of its own."""

    async def test() -> None:
        await fill_up(store, 4)
        await fill_up(store, 4, note="liver", first=4)
        await ids(store, has("chest"))
        node = Or((has("chest"), And((has("liver"), Not(has("pain")))), has("absent")))
        assert await ids(store, node) == [f"p{n}" for n in range(8)]
        page = await store.find(Query(PATIENT, node, 6))
        assert [hit.version.id for hit in page.hits] == [f"p{n}" for n in range(6)] and page.more

    run(test())


def test_words_at_the_other_end_of_a_reference(store: SqliteStore, run: Run[Any], little: None) -> None:
    async def test() -> None:
        await fill_up(store, 5)
        reference = ["Observation.subject", "Patient", "p2"]
        await put(store, make("Observation", "o", references=[reference]))
        node = Forward("Observation.subject", "Patient", has("chest"))
        assert await store.identities("Observation", node, 9) == [("Observation", "o")]

    run(test())


@pytest.mark.parametrize("hostile", ["near", "and", "or", "not", "narrative", "rowid", "rank", "压"])
def test_words_of_the_query_language_are_words(
    store: SqliteStore, run: Run[Any], little: None, hostile: str
) -> None:
    async def test() -> None:
        await fill_up(store, 5)
        await put(store, make("Patient", "x", note=f"a {hostile} b", told=hostile))
        await fill_up(store, 5, first=5)
        assert await ids(store, has(hostile)) == ["x"]
        assert await ids(store, has("a", hostile, "b")) == ["x"]
        assert await ids(store, has(hostile, where="narrative", prefix=True)) == ["x"]

    run(test())


@pytest.mark.parametrize("other", [Everything(), has("pain"), Not(has("liver")), IdIn(("p1", "p2"))])
def test_a_phrase_is_sought_once_for_a_page(
    store: SqliteStore, run: Run[Any], little: None, other: Node
) -> None:
    """SQLite would push a condition on keys into the table, and seek the phrase anew for each of them."""

    async def test() -> None:
        await fill_up(store, 10)
        await ids(store, has("chest"))
        with snapshot(store._here.connection):
            compiler = Compiler(store._here)
            universe = compiler.universe(PATIENT)
            assert universe is not None
            term = compiler.term(And((has("chest"), other)), universe)
            found = selected(compiler, universe, term, 1)
            rows = store._here.connection.execute(f"EXPLAIN QUERY PLAN {found.text}", found.values)
            plan = [row[3] for row in rows if "VIRTUAL TABLE" in row[3] and "full_text" in row[3]]
        assert plan and all(":M" in step for step in plan), plan  # `=M` would be for one key

    run(test())


def checked(path: Path) -> list[str]:
    return [str(finding) for finding in check(path / "store.db", extract, wording=WORDING)]


@pytest.mark.parametrize(
    ("damage", "findings"),
    [
        ("SELECT 1", []),
        ("DELETE FROM full_text WHERE rowid = 2", ["Patient/p1: its words lack"]),
        (
            "INSERT OR REPLACE INTO full_text(rowid, narrative, content) VALUES(2, '', 'chest')",
            ["Patient/p1: it has other words than the table"],
        ),
        (
            "INSERT INTO full_text(rowid, narrative, content) VALUES(4, '', 'chest')",
            ["Patient/p3: words of what is not there"],
        ),
    ],
)
def test_doctor_looks_for_what_lacks_and_what_is_too_much(
    tmp_path: Path, run: Run[Any], little: None, damage: str, findings: list[str]
) -> None:
    async def test() -> None:
        store = opened(tmp_path)
        await fill_up(store, 8, note="chest pain " * 70)
        await delete(store, "Patient", "p3")
        await ids(store, has("chest"))
        await put(store, make("Patient", "p5", note="liver"))  # later than the table
        await store.close()

    run(test())
    connection = apsw.Connection(str(tmp_path / "store.db"))
    connection.execute(damage)
    connection.close()
    assert checked(tmp_path) == findings


def test_doctor_has_nothing_to_look_at_before_somebody_searches(tmp_path: Path, run: Run[Any]) -> None:
    async def test() -> None:
        store = opened(tmp_path)
        await fill_up(store, 3)
        await store.close()

    run(test())
    assert checked(tmp_path) == []


def test_a_backup_has_the_words_too(tmp_path: Path, run: Run[Any], little: None) -> None:
    async def test() -> None:
        store = opened(tmp_path)
        await fill_up(store, 8)
        await ids(store, has("chest"))
        backup(tmp_path / "store.db", tmp_path / "copy")
        await put(store, make("Patient", "p1", note="liver"))
        await store.close()
        restore(tmp_path / "copy", tmp_path / "store.db", overwrite=True)
        store = opened(tmp_path)
        assert state(store) == 8
        assert len(await ids(store, has("chest"))) == 8
        await store.close()

    run(test())


@reusing
@given(world=worlds, asked=st.lists(st.tuples(types, full_texts | nodes("Patient")), min_size=1, max_size=6))
def test_finds_what_the_words_say(
    fresh: Any, run: Run[Any], monkeypatch: pytest.MonkeyPatch, world: list[Any], asked: list[Any]
) -> None:
    monkeypatch.setattr(full_text, "COMPARED", 2)
    monkeypatch.setattr(full_text, "BATCH", 2)
    monkeypatch.setattr(full_text, "FREQUENT", 2)

    async def test() -> None:
        store, oracle = fresh(), Oracle()
        for number, change in enumerate(world):
            if isinstance(change, dict):
                written = (await put(store, change)).version
                oracle.put(change, written.sequence, written.last_updated_ms)
            else:
                await delete(store, *change)
                oracle.delete(change)
            if number == len(world) // 2:
                await store.count((), has("x"))  # the table has some of it
        for resource_type, node in asked:
            await answers_like_the_oracle(store, oracle, (resource_type,), node, ())
        await store.close()

    run(test())

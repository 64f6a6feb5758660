"""Whatever the plan, the answer is the same: the limits that choose it are moved."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.search.order import natural
from fhir_server.store import algebra
from fhir_server.store.algebra import Node, Query, SortKey
from fhir_server.store.protocol import Store
from fhir_server.store.sqlite import SqliteStore, along, find, plan
from fhir_server.store.sqlite.combined import All
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.terms import Leaf
from tests.store.conftest import Fresh, Run
from tests.store.contract.test_find import answers_like_the_oracle, fill, pages, questions, reusing
from tests.store.resources import make, patient, put_all
from tests.store.worlds import DAY, worlds

by_every_plan = given(
    world=worlds,
    asked=st.lists(questions(), min_size=1, max_size=8),
    collected=st.sampled_from((1, 5, 5000)),
    scanned=st.sampled_from(((0, 20), (0, 0), (2, 20))),
)


@reusing
@by_every_plan
def test_finds_the_same_by_every_plan(fresh: Fresh, run: Run[Any], **situation: Any) -> None:
    finds_the_same(fresh, run, **situation)


@pytest.mark.long
@settings(reusing, max_examples=2000)
@by_every_plan
def test_finds_the_same_by_every_plan_in_many_worlds(fresh: Fresh, run: Run[Any], **situation: Any) -> None:
    finds_the_same(fresh, run, **situation)


def test_a_walk_finds_tokens_that_have_no_text(fresh: Fresh, run: Run[Any]) -> None:
    """Such as a Coding with a system alone."""
    world = [make("Patient", "a", tokens=[["Patient.one", 0]])]
    sort = (SortKey("token", ("Patient.one",)),)
    asked = [(("Patient",), algebra.TokenIn("Patient.one", (0,)), sort)]
    finds_the_same(fresh, run, world=world, asked=asked, collected=1, scanned=(0, 20))


def finds_the_same(
    fresh: Fresh, run: Run[Any], *, world: list[Any], asked: list[Any], collected: int, scanned: Any
) -> None:
    async def test() -> None:
        store = fresh()
        oracle = await fill(store, world)
        for question in asked:
            await answers_like_the_oracle(store, oracle, *question)
        await store.close()

    with pytest.MonkeyPatch.context() as patch:
        for name in ("COLLECTED_AT_LEAST", "COLLECTED_AT_MOST", "PROBED", "BEGINNING"):
            patch.setattr(plan, name, collected)
        patch.setattr(find, "SORTED_AT_MOST", scanned[0])
        patch.setattr(along, "REPEATED", scanned[1])
        run(test())


SUBJECT = "Observation.subject"


async def observations(store: SqliteStore) -> None:
    found = [
        make(
            "Observation",
            f"o{n}",
            tokens=[["Observation.code", n % 7], ["Observation.status", 1]],
            dates=[["Observation.date", n * DAY, n * DAY + 999]],
            references=[[SUBJECT, "Patient", f"p{n % 5}"]],
            positions=[["Observation.place", 30 + n / 100, 110]],
            lexicon=[["Observation.code", str(n % 7), n % 7]],
        )
        for n in range(40)
    ]
    people = [patient(f"p{n}", strings=[["Patient.name", f"name{n}", n]]) for n in range(5)]
    await put_all(store, *found, *people)


CODE = algebra.TokenIn("Observation.code", (3,))
RECENT = algebra.Between("date", "Observation.date", high_from=5 * DAY)
NAMED = algebra.Forward(SUBJECT, "Patient", algebra.StringStarts("Patient.name", "name1"))
NEAR = algebra.Near("Observation.place", 30.1, 110.0, 10_000)
BY_DATE = SortKey("date", ("Observation.date",))
SEEKING: list[tuple[Node, tuple[SortKey, ...]]] = [
    (algebra.Everything(), ()),
    (CODE, ()),
    (algebra.TokenIn("Observation.code", (1, 2, 3)), ()),
    (algebra.Or((CODE, algebra.ReferenceIn(SUBJECT, (("Patient", "p1"),)))), ()),
    (algebra.And((CODE, algebra.ReferenceIn(SUBJECT, (("Patient", "p1"),)))), ()),
    (algebra.And((CODE, RECENT)), ()),
    (algebra.And((CODE, NAMED)), ()),
    (RECENT, ()),
    (NEAR, ()),
    (algebra.And((CODE, NEAR)), ()),
    (algebra.Not(CODE), ()),
    (algebra.And((CODE, RECENT)), (BY_DATE,)),
    (algebra.Everything(), (BY_DATE,)),
    (CODE, (SortKey("date", ("Observation.date",), True),)),
    (CODE, (SortKey("updated", (), True),)),
    (CODE, (SortKey("token", ("Observation.code",)),)),
]


@pytest.mark.parametrize(("where", "sort"), SEEKING)
def test_a_large_search_neither_scans_nor_sorts(
    fresh: Fresh, run: Run[Any], monkeypatch: pytest.MonkeyPatch, where: Node, sort: tuple[SortKey, ...]
) -> None:
    """Every step of SQLite's plan seeks in an index, and what it finds is in the wanted order already."""
    for name in ("COLLECTED_AT_LEAST", "COLLECTED_AT_MOST", "PROBED", "BEGINNING"):
        monkeypatch.setattr(plan, name, 1)
    monkeypatch.setattr(find, "SORTED_AT_MOST", 0)
    steps = run(steps_of(fresh(), where, sort))
    # a subquery that merges streams of keys, or has the first ones of a stream
    streams = {step.replace("CO-ROUTINE", "SCAN") for step in steps if step.startswith("CO-ROUTINE")}
    bad = [step for step in steps if step.startswith(("SCAN", "USE TEMP")) and step not in streams]
    assert bad == []


def test_a_large_search_by_id_reads_two_parts_of_the_index(
    fresh: Fresh, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "SORTED_AT_MOST", 0)
    steps = run(steps_of(fresh(), CODE, (SortKey("id"),)))
    parts = [
        step for step in steps if step.startswith("SEARCH r USING INDEX resource_identity (type=? AND id")
    ]
    assert len(parts) == 2


async def steps_of(store: Store, where: Node, sort: tuple[SortKey, ...]) -> list[str]:
    """SQLite's plan for a page."""
    assert isinstance(store, SqliteStore)
    await observations(store)
    here = store._here
    compiler = Compiler(here)
    universe = compiler.universe(("Observation",))
    assert universe is not None
    asked = Query(("Observation",), where, 20, sort)
    steps = []
    statements = list(find._statements(compiler, asked, universe, compiler.term(where, universe), ()))
    if sort:  # what has no value comes behind a walk, and is sorted by key alone
        statements = statements[:1]
    for found in statements:
        steps += here.connection.execute(f"EXPLAIN QUERY PLAN {found.text} LIMIT 21", found.values).fetchall()
    return [step[3] for step in steps]


def test_very_many_alternatives(fresh: Fresh, run: Run[Any]) -> None:
    async def test() -> None:
        store = fresh()
        await put_all(store, *(patient(f"p{n}", tokens=[["Patient.code", n]]) for n in range(30)))
        codes = tuple(algebra.TokenIn("Patient.code", (n,)) for n in range(3000))
        names = tuple(algebra.StringStarts("Patient.name", str(n)) for n in range(3000))
        for where in (algebra.Or(codes), algebra.Or((*names, *codes)), algebra.Not(algebra.Or(names))):
            assert await store.count(("Patient",), where) == 30
        texts = tuple(map(str, range(3000)))
        for prefix in (False, True):
            where = algebra.LexiconIn("Patient.code", texts, prefix)
            assert await store.count(("Patient",), where) == 0
        ids = tuple(f"p{n}" for n in range(3000))
        assert len((await store.find(Query((), algebra.IdIn(ids), 50))).hits) == 30

    run(test())


@pytest.mark.parametrize("copies", [1, 30])
def test_texts_that_many_have_are_looked_at_once(fresh: Fresh, run: Run[Any], copies: int) -> None:
    store = fresh()
    assert isinstance(store, SqliteStore)
    people = [
        patient(f"p{n}-{copy}", strings=[["Patient.name", f"name{n}", 1]])
        for n in range(5)
        for copy in range(copies)
    ]
    run(put_all(store, *people))
    where = algebra.StringContains("Patient.name", "me3")
    query = Query(("Patient",), where, 10, natural(where))
    (explained,) = run(store.explain(query))
    (page,) = [each for each in explained.statements if plan.COLUMNS in each.text]
    assert ("RECURSIVE" in page.text) == (copies > 1)
    found = run(pages(store, query))
    assert sorted(found) == sorted(("Patient", f"p3-{copy}") for copy in range(copies))


@pytest.mark.parametrize("copies", [1, 30])
@pytest.mark.parametrize("limit", [1, 7, 50])
def test_a_resource_that_fits_often_is_on_one_page(
    fresh: Fresh, run: Run[Any], copies: int, limit: int
) -> None:
    """With the first value that fits, though others of it lie on later pages and in other columns."""
    store = fresh()
    assert isinstance(store, SqliteStore)
    names = [("anna", "berta"), ("clara", "anna"), ("berta", "clara"), ("dora", "dora")]
    people = [
        patient(
            f"p{n}-{copy:02}",
            strings=[["Patient.name", first, 1], ["Patient.name", second, 2], ["Patient.other", second, 3]],
        )
        for n, (first, second) in enumerate(names)
        for copy in range(copies)
    ]
    run(put_all(store, *people))
    contains = [algebra.StringContains(f"Patient.{column}", "a") for column in ("name", "other")]
    for where in (contains[0], algebra.Or((contains[0], contains[1]))):
        found = run(pages(store, Query(("Patient",), where, limit, natural(where))))
        by_first = sorted(range(len(names)), key=lambda n: (min(names[n]), n))
        # those of one text come in the order of their keys
        expected = [f"p{n}-{copy:02}" for n in by_first for copy in range(copies)]
        assert found == [("Patient", id_) for id_ in expected]


@pytest.mark.parametrize(("every", "runs"), [(1, 1), (3, 2), (1000, 1)])
def test_a_stream_is_read_on_by_how_much_of_it_fits(
    fresh: Fresh, run: Run[Any], monkeypatch: pytest.MonkeyPatch, every: int, runs: int
) -> None:
    """Neither counted nor collected as long as its first keys promise a page."""
    monkeypatch.setattr(plan, "PROBED", 5)
    monkeypatch.setattr(plan, "BEGINNING", 20)
    store = fresh()
    assert isinstance(store, SqliteStore)
    dates = [DAY if (n + 1) % every and n < 100 else 9 * DAY for n in range(200)]
    found = [
        make(
            "Observation",
            f"o{n:03}",
            tokens=[["Observation.code", 3]],
            dates=[["Observation.date", day, day + 999]],
        )
        for n, day in enumerate(dates)
    ]
    run(put_all(store, *found))
    late = algebra.Between("date", "Observation.date", low_from=5 * DAY)
    query = Query(("Observation",), algebra.And((CODE, late)), 15)
    (explained,) = run(store.explain(query))
    begun, *others = [each for each in explained.statements if plan.COLUMNS in each.text]
    assert (begun.runs, len(others)) == (runs, int(every == 1000))
    counts = [each.runs for each in explained.statements if "count(" in each.text]
    assert counts == [1, 1] or every == 1000
    hits = run(store.find(query)).hits
    assert [hit.version.id for hit in hits] == [f"o{n:03}" for n in range(200) if dates[n] > DAY][:15]


@pytest.mark.parametrize(
    ("width", "ways"), [(0, [("", 9)]), (0.5, [("", 8)]), (3, [("", 7), ("number_wide", 7)])]
)
def test_a_range_is_sought_no_further_below_than_the_widest_row_reaches(
    fresh: Fresh, run: Run[Any], width: float, ways: list[tuple[str, float]]
) -> None:
    """Rows that lie between its beginning and that of the range are read in vain, of a large store many."""
    store, column = fresh(), "Observation.value"
    assert isinstance(store, SqliteStore)
    values = [(n, n) for n in (1, 7, 8, 8.5, 9, 9.5, 11)] + [(8.75, 8.75 + width)]
    found = [make("Observation", f"o{n}", numbers=[[column, 1, *ends]]) for n, ends in enumerate(values)]
    run(put_all(store, *found))
    compiler = Compiler(store._here)
    universe = compiler.universe(("Observation",))
    assert universe is not None
    term = compiler.term(algebra.Between("number", column, high_from=9), universe)
    assert isinstance(term, Leaf)
    assert [(hint, where.values[-1]) for hint, where in term.ways] == ways
    assert term.estimate(100) == sum(high >= 9 for _, high in values)


class Counted:
    """A term that tells how far it was counted."""

    def __init__(self, keys: int) -> None:
        self.keys_there = keys
        self.most = 0

    def estimate(self, limit: int) -> int:
        self.most = max(self.most, limit)
        return min(self.keys_there, limit)


def test_what_is_rare_keeps_the_rest_from_being_counted() -> None:
    rare, often = Counted(3), Counted(9000)
    for terms in ((rare, often), (often, rare)):
        assert All(terms).estimate(5000) == 3  # type: ignore[arg-type]
    assert (rare.most, often.most) == (50, 50)
    often, more = Counted(800), Counted(9000)
    assert All((often, more)).estimate(5000) == 800  # type: ignore[arg-type]
    assert more.most == 800

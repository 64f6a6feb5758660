"""No search of the workload W3 scans a table: every step of SQLite's plan seeks in an index.

The limits that choose a plan by counts are set so that a store of any size is taken for a large one.
"""

import asyncio
import shutil
from collections.abc import Iterator
from random import Random

import pytest

from benchmarks.filled import store_of
from benchmarks.w3_search import SHAPES, Shape, values
from fhir_server.clock import system_clock
from fhir_server.store.algebra import Query
from fhir_server.store.sqlite import SqliteStore, along, find, open_store, plan
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.terms import NOWHERE, Sql, Term, Universe
from tests.search.searching import compiled, indexer

DRAWN = 40  # searches of each shape


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    path = tmp_path_factory.mktemp("plans") / "store"
    shutil.copyfile(store_of(0), path)
    opened = open_store(path, extract=indexer().extract, clock=system_clock)
    assert isinstance(opened, SqliteStore)
    yield opened
    asyncio.run(opened.close())


def steps(store: SqliteStore, search: str) -> list[str]:
    asked = compiled(search)
    compiler = Compiler(store._here)
    universe = compiler.universe(asked.resource_types)
    assert universe is not None
    term = compiler.term(asked.where, universe)
    if term is NOWHERE:
        return []
    query = Query(asked.resource_types, asked.where, 20, asked.sort)
    found = []
    for statement in statements(compiler, query, universe, term):
        explained = f"EXPLAIN QUERY PLAN {statement.text} LIMIT 21"
        found += store._here.connection.execute(explained, statement.values).fetchall()
    return [str(step[3]) for step in found]


def statements(compiler: Compiler, query: Query, universe: Universe, term: Term) -> Iterator[Sql]:
    for each in (term,) if query.sort else plan.alternatives(universe, term):
        yield from find._statements(compiler, query, universe, each, ())


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}.{shape[1]}")
def test_no_search_of_w3_scans(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, shape: Shape, large: bool
) -> None:
    if large:
        for name in ("COLLECTED_AT_LEAST", "COLLECTED_AT_MOST", "PROBED", "BEGINNING"):
            monkeypatch.setattr(plan, name, 1)
        monkeypatch.setattr(find, "SORTED_AT_MOST", 0)
        monkeypatch.setattr(along, "REPEATED", 0)
    chance = Random(str(shape))
    for _ in range(DRAWN):
        name, value = values(0).draw(chance, shape)
        taken = steps(store, f"{shape[0]}?{name}={value.replace('&', '%26').replace('+', '%2B')}")
        assert scans(taken) == [], (name, value, taken)


def scans(taken: list[str]) -> list[str]:
    """Steps that read a table or an index from one end to the other."""
    made = {
        step.replace(kind, "SCAN")
        for kind in ("MATERIALIZE", "CO-ROUTINE")
        for step in taken
        if step.startswith(kind)
    }
    # `d` is a subquery of keys; arrays, constants and other subqueries hold what was found before
    small = ("SCAN carray", "SCAN CONSTANT", "SCAN (", "SCAN d ", "SCAN p ")
    return [
        step
        for step in taken
        if step.startswith("SCAN") and step not in made and not f"{step} ".startswith(small)
    ]


def test_a_scan_is_seen(store: SqliteStore) -> None:
    explained = store._here.connection.execute("EXPLAIN QUERY PLAN SELECT * FROM date t WHERE width = 1")
    assert scans([step[3] for step in explained]) != []


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}.{shape[1]}")
def test_an_explanation_has_the_plan(store: SqliteStore, shape: Shape) -> None:
    chance = Random(str(shape))
    for _ in range(DRAWN):
        name, value = values(0).draw(chance, shape)
        asked = compiled(f"{shape[0]}?{name}={value.replace('&', '%26').replace('+', '%2B')}")
        query = Query(asked.resource_types, asked.where, 20, asked.sort)
        (explained,) = asyncio.run(store.explain(query))
        assert explained.found == len(asyncio.run(store.find(query)).hits)
        pages = [each.plan for each in explained.statements if plan.COLUMNS in each.text]
        # a composite of two definitions has two of each: the beginning of a page, and the rest of it
        most = 4 if shape[2] == "composite" else 1
        assert len(pages) <= most
        assert pages or not explained.found  # nothing is run where no row can fit
        for plan_ in pages:
            taken = [step.strip() for step in plan_]
            assert any(step.startswith("SEARCH") for step in taken)
            assert scans(taken) == []

"""The nearest first, ring by ring: the order is that of all distances."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.store.algebra import Everything, Near, Node, Query, SortKey
from fhir_server.store.sqlite import SqliteStore, find
from fhir_server.store.sqlite.compile import Compiler
from tests.store.conftest import Fresh, Run
from tests.store.contract.test_find import answers_like_the_oracle, fill, reusing
from tests.store.resources import make, put_all
from tests.store.worlds import latitudes, longitudes, nodes, types, worlds

PLACE = "Location.position"
BY_DISTANCE = SortKey("distance", (PLACE,), places=((0.0, 0.0),))


@reusing
@given(world=worlds, resource_type=types, place=st.tuples(latitudes, longitudes), draw=st.data())
def test_the_nearest_come_first_whatever_else_is_asked(
    fresh: Fresh, run: Run[Any], world: list[Any], resource_type: str, place: Any, draw: st.DataObject
) -> None:
    sort = (SortKey("distance", (f"{resource_type}.one",), places=(place,)),)
    where = draw.draw(nodes(resource_type))

    async def test() -> None:
        store = fresh()
        oracle = await fill(store, world)
        await answers_like_the_oracle(store, oracle, (resource_type,), where, sort)
        await store.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(find, "SORTED_AT_MOST", 0)
        run(test())


async def measured(store: SqliteStore, where: Node) -> tuple[int, list[str]]:
    """How many distances a page of five needs, and its hits."""
    places = [make("Location", f"l{n:03}", positions=[[PLACE, n / 10, 0]]) for n in range(300)]
    await put_all(store, *places, make("Location", "nowhere"))
    here = store._here
    compiler = Compiler(here)
    universe = compiler.universe(("Location",))
    assert universe is not None
    query = Query(("Location",), where, 5, (BY_DISTANCE,))
    statements = 0
    for statement in find._statements(compiler, query, universe, compiler.term(where, universe), ()):
        statements += 1
        if here.connection.execute(f"SELECT count(*) FROM ({statement.text})", statement.values).get:
            break
    page = await store.find(query)
    return statements, [hit.version.id for hit in page.hits]


@pytest.mark.parametrize("where", [Everything(), Near(PLACE, 0.0, 0.0, 2e6)])
def test_a_page_goes_no_farther_than_it_must(
    fresh: Fresh, run: Run[Any], monkeypatch: pytest.MonkeyPatch, where: Node
) -> None:
    monkeypatch.setattr(find, "SORTED_AT_MOST", 0)
    store = fresh()
    assert isinstance(store, SqliteStore)
    assert run(measured(store, where)) == (1, ["l000", "l001", "l002", "l003", "l004"])


def test_what_has_no_position_is_last(fresh: Fresh, run: Run[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "SORTED_AT_MOST", 0)
    store = fresh()

    async def test() -> list[str]:
        here = make("Location", "here", positions=[[PLACE, 0, 0]])
        antipode = make("Location", "antipode", positions=[[PLACE, 0, 180]])
        await put_all(store, make("Location", "nowhere"), antipode, here)
        page = await store.find(Query(("Location",), Everything(), 5, (BY_DISTANCE,)))
        return [hit.version.id for hit in page.hits]

    assert run(test()) == ["here", "antipode", "nowhere"]

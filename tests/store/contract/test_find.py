"""Every node of the algebra finds what its row-by-row evaluation finds, page by page, in every order."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.search.order import natural
from fhir_server.store import algebra
from fhir_server.store.algebra import Node, Query, SortKey
from fhir_server.store.protocol import Store
from tests.store.conftest import Fresh, Run
from tests.store.oracle import Identity, Oracle
from tests.store.resources import delete, put
from tests.store.worlds import nodes, ranges, sorts, types, worlds

reusing = settings(
    deadline=None,
    max_examples=max(50, settings.default.max_examples // 2),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def fill(store: Store, world: list[Any]) -> Oracle:
    oracle = Oracle()
    for change in world:
        if isinstance(change, dict):
            written = (await put(store, change)).version
            oracle.put(change, written.sequence, written.last_updated_ms)
        else:
            await delete(store, *change)
            oracle.delete(change)
    return oracle


async def pages(store: Store, query: Query) -> list[Identity]:
    """All hits, by the cursor of each page's last one."""
    found: list[Identity] = []
    while True:
        page = await store.find(query)
        assert len(page.hits) <= query.limit
        found += [(hit.version.resource_type, hit.version.id) for hit in page.hits]
        if not page.more:
            return found
        assert page.hits
        query = Query(query.resource_types, query.where, query.limit, query.sort, page.hits[-1].position)


async def answers_like_the_oracle(
    store: Store, oracle: Oracle, resource_types: tuple[str, ...], where: Node, sort: tuple[SortKey, ...]
) -> None:
    expected = oracle.find(resource_types, where)
    query = Query(resource_types, where, 3, sort)
    found = await pages(store, query)
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert oracle.is_sorted(query, found)
    assert await store.count(resource_types, where) == len(expected)
    for resource_type in resource_types:
        same_type = sorted(one for one in expected if one[0] == resource_type)
        assert sorted(await store.identities(resource_type, where, 100)) == same_type


@st.composite
def questions(draw: st.DrawFn) -> tuple[tuple[str, ...], Node, tuple[SortKey, ...]]:
    resource_type = draw(types)
    scope = draw(st.sampled_from(((resource_type,), (resource_type,), (resource_type, "Group"), ())))
    scope = tuple(dict.fromkeys(scope))
    if draw(st.integers(0, 3)):
        sort = draw(st.lists(sorts(resource_type), max_size=2))
        return scope, draw(nodes(resource_type)), tuple(sort)
    where = draw(ranges(st.sampled_from((f"{resource_type}.one", f"{resource_type}.two"))))
    also = draw(st.just(()) | st.tuples(nodes(resource_type)))
    return scope, algebra.And((where, *also)) if also else where, natural(where)


@reusing
@given(world=worlds, asked=st.lists(questions(), min_size=1, max_size=8))
def test_finds_what_the_rows_say(fresh: Fresh, run: Run[Any], world: list[Any], asked: list[Any]) -> None:
    async def test() -> None:
        store = fresh()
        oracle = await fill(store, world)
        for question in asked:
            await answers_like_the_oracle(store, oracle, *question)
        await store.close()

    run(test())

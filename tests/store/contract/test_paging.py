"""Pages show the state of the log at the first one, whatever is written meanwhile."""

import copy
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_server.store.algebra import Everything, Query
from fhir_server.store.protocol import Store, Version
from tests.store.conftest import Fresh, Run
from tests.store.contract.test_find import fill, questions, reusing
from tests.store.resources import delete, put
from tests.store.worlds import worlds

Changes = list[Any]
"""Resources to put, and identities to delete"""

EVERYTHING = Everything()


async def change(store: Store, changes: Changes) -> None:
    """What comes later brings no texts for hashes that are there: a hash stands for the same texts always."""
    for each in changes:
        if isinstance(each, dict):
            rows = {name: found for name, found in each["rows"].items() if name != "lexicon"}
            await put(store, each | {"rows": rows})
        else:
            await delete(store, *each)


async def paged(store: Store, query: Query, between: list[Changes]) -> list[Version]:
    """All hits; before each page but the first one something is written."""
    found: list[Version] = []
    later = iter(between)
    while True:
        page = await store.find(query)
        found += [hit.version for hit in page.hits]
        if not page.more:
            return found
        assert page.moment is not None
        assert query.as_of in (None, page.moment)
        query = replace(query, after=page.hits[-1].position, as_of=page.moment)
        await change(store, next(later, []))


@reusing
@given(
    world=worlds,
    asked=questions(),
    between=st.lists(worlds.map(lambda world: world[:5]), max_size=6),
    limit=st.integers(1, 3),
)
def test_D20_the_pages_are_what_matched_at_the_first(
    fresh: Fresh, run: Run[Any], world: Changes, asked: Any, between: list[Changes], limit: int
) -> None:
    async def test() -> None:
        store = fresh()
        oracle = await fill(store, world)
        resource_types, where, sort = asked
        expected = copy.deepcopy(oracle).find(resource_types, where)
        found = await paged(store, Query(resource_types, where, limit, sort), between)
        identities = [(version.resource_type, version.id) for version in found]
        assert len(identities) == len(set(identities))
        assert set(identities) == expected
        assert oracle.is_sorted(Query(resource_types, where, limit, sort), identities)
        # what is served is what matched
        assert [each.sequence for each in found] == [oracle.kept[each].sequence for each in identities]
        await store.close()

    run(test())

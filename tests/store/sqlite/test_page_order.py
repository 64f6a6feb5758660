"""Pages come in the order of keys, whatever index SQLite would like better for a condition on keys."""

from pathlib import Path
from typing import Any

from fhir_server.store.algebra import And, IdIn, Node, OfType, Or, Query
from fhir_server.store.sqlite import open_store
from tests.store.conftest import Run
from tests.store.resources import WORDING, Ticking, extract, make, put_all

COUNT = 400
ALTERNATIVES = 20


def test_a_search_over_all_types_by_many_sets_of_ids(tmp_path: Path, run: Run[Any]) -> None:
    """As rights put it: of each type these. Pages that are in another order repeat what was shown."""

    async def test() -> None:
        store = open_store(tmp_path / "store.db", extract=extract, wording=WORDING, clock=Ticking())
        await put_all(store, *(make("Patient", f"p{n}") for n in range(COUNT)))
        sets = [tuple(f"p{n}" for n in range(COUNT) if n % ALTERNATIVES == k) for k in range(ALTERNATIVES)]
        terms: list[Node] = [And((OfType(("Patient",)), IdIn(ids))) for ids in reversed(sets)]
        found: list[str] = []
        query = Query((), Or(tuple(terms)), 30)
        while True:
            page = await store.find(query)
            found += [hit.version.id for hit in page.hits]
            if not page.more:
                break
            query = Query((), Or(tuple(terms)), 30, after=page.hits[-1].position)
            assert len(found) <= COUNT
        assert found == [f"p{n}" for n in range(COUNT)]
        await store.close()

    run(test())

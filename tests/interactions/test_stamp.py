"""Asked of the store again when something was committed, and not before."""

import asyncio

from fhir_server.interactions.stamp import Stamp
from fhir_server.store.protocol import Store

TYPES = ("StructureDefinition", "ValueSet")


class Counted:
    """Stands for a store; counts the queries."""

    def __init__(self) -> None:
        self.commits: int | None = 1
        self.ends = {(): 10, TYPES: 4}
        self.asked: list[tuple[str, ...]] = []

    async def last_sequence(self, resource_types: tuple[str, ...] = ()) -> int:
        self.asked.append(resource_types)
        return self.ends[resource_types]


def test_a_stamp_is_kept_until_something_is_committed() -> None:
    store = Counted()
    stamp = Stamp(_as_store(store), TYPES)

    def now() -> tuple[int, list[tuple[str, ...]]]:
        store.asked.clear()
        return asyncio.run(stamp.now()), list(store.asked)

    assert now() == (4, [(), TYPES])
    assert now() == (4, [])
    store.commits = 2  # of something that is no version, such as a job
    assert now() == (4, [()])
    store.commits = 3
    store.ends[()] = 11  # a version of another type
    assert now() == (4, [(), TYPES])
    store.commits = 4
    store.ends = {(): 12, TYPES: 12}
    assert now() == (12, [(), TYPES])
    assert now() == (12, [])


def test_while_a_commit_is_under_way_it_is_asked_each_time() -> None:
    store = Counted()
    store.commits = None
    stamp = Stamp(_as_store(store), TYPES)
    for _ in range(2):
        store.asked.clear()
        assert asyncio.run(stamp.now()) == 4
        assert () in store.asked


def _as_store(store: Counted) -> Store:
    return store  # type: ignore[return-value]

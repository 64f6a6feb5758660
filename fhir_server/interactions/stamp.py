"""Whether any resource of some types was written since: what is made of them is kept until then."""

from fhir_server.store.protocol import Store


class Stamp:
    """The last sequence number of some types. Mostly nothing was written, which is told without a query."""

    def __init__(self, store: Store, resource_types: tuple[str, ...]) -> None:
        self._store = store
        self._resource_types = resource_types
        self._commits: int | None = None  # of the store, before it was looked at
        self._end, self._last = -1, -1  # of the whole log, and of the types

    async def now(self) -> int:
        commits = self._store.commits
        if commits is None or commits != self._commits:
            end = await self._store.last_sequence()
            if end != self._end:
                self._last = await self._store.last_sequence(self._resource_types)
                self._end = end
            self._commits = commits
        return self._last

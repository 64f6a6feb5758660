"""Read-only stores under one that is written, and what of them is hidden."""

from typing import Any

from fhir_server.store.algebra import Everything, Moment
from fhir_server.store.protocol import HistoryRange, Reader
from fhir_server.store.rows import hash64

_ALL = 1_000_000_000  # more than any layer has
_HISTORY_PAGE = 200


class Layer:
    """A read-only store and the ids it has, which are looked up when they are first wanted."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._totals: dict[str, int] | None = None
        self._ids: dict[str, frozenset[str]] = {}

    async def totals(self) -> dict[str, int]:
        if self._totals is None:
            self._totals = await self.reader.totals()
        return self._totals

    async def sign(self) -> int:
        """Another number for another package."""
        return hash64(str(tuple(await self.reader.moment())))

    async def ids(self, resource_type: str) -> frozenset[str]:
        found = self._ids.get(resource_type)
        if found is None:
            identities = await self.reader.identities(resource_type, Everything(), _ALL)
            found = self._ids[resource_type] = frozenset(id_ for _, id_ in identities)
        return found


class Shadows:
    """Ids that the main store has of the layers' types, deleted ones too, kept up with its log."""

    def __init__(self) -> None:
        # by type: ids, each with the number of its first version, as of a sequence number
        self._seen: dict[str, tuple[dict[str, int], int]] = {}

    async def of_type(
        self, main: Reader, resource_type: str, as_of: Moment | None, *, keep: bool
    ) -> frozenset[str]:
        """as_of: as it was then; keep: what `main` shows is committed."""
        first, sequence = self._seen.get(resource_type, ({}, 0))
        last = await main.last_sequence()
        if last > sequence:
            # newest first, so that the oldest number of an id stays
            since = {version.id: version.sequence async for version in _since(main, resource_type, sequence)}
            first = since | first
            if keep:
                self._seen[resource_type] = first, last
        if as_of is None:
            return frozenset(first)
        return frozenset(id_ for id_, number in first.items() if number <= as_of.sequence)


async def _since(main: Reader, resource_type: str, sequence: int) -> Any:
    """Versions of a type with a higher sequence number, newest first."""
    range_ = HistoryRange(resource_type)
    while page := await main.history(range_, _HISTORY_PAGE):
        for version in page:
            if version.sequence <= sequence:
                return
            yield version
        range_ = range_._replace(before_sequence=page[-1].sequence)

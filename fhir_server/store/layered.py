"""A store that is written, over read-only ones: official definitions and packages.

What the main store has shadows what the layers have under the same type and id, a deletion too. A change to a
resource that only a layer has copies it first: its history begins with the layer's version.

Joins (`Forward`, `Backward`) stay within one store. The change log, and histories of types and of the whole
store, are the main store's.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import cmp_to_key
from heapq import merge
from itertools import islice
from typing import Any, Protocol, TypeVar

from fhir_server.outcome import page_gone, version_conflict
from fhir_server.resource import content, decode, same_content
from fhir_server.store.algebra import And, IdIn, Moment, Node, Query, SortKey
from fhir_server.store.explanation import Explanation
from fhir_server.store.layers import Layer, Shadows
from fhir_server.store.passing import PassingReader, PassingTransaction
from fhir_server.store.protocol import (
    AtEnd,
    Content,
    Extract,
    HistoryRange,
    Hit,
    Method,
    Page,
    Reader,
    Store,
    Transaction,
    Version,
    Written,
)
from fhir_server.store.rows import hash64

T = TypeVar("T")

_IDS_AT_ONCE = 500
_END = "end"  # the position in a source that has been read to its end


class LayeredReader(PassingReader):
    def __init__(self, main: Reader, layers: Sequence[Layer], shadows: Shadows, *, committed: bool) -> None:
        self._main = main
        self._layers = layers
        self._shadows = shadows
        self._committed = committed  # whether `main` shows only what is committed

    async def _having(self, resource_types: tuple[str, ...]) -> list[Layer]:
        """The layers that have resources of some of the types; (): of any."""
        if not resource_types:
            return [*self._layers]
        return [
            layer for layer in self._layers if not (await layer.totals()).keys().isdisjoint(resource_types)
        ]

    async def _shadowed(
        self, layer: Layer, resource_type: str, as_of: Moment | None = None
    ) -> frozenset[str]:
        """Ids that the main store or a layer above this one has, or had."""
        found = await self._shadows.of_type(self._main, resource_type, as_of, keep=self._committed)
        for above in self._layers[: self._layers.index(layer)]:
            if resource_type in await above.totals():
                found |= await above.ids(resource_type)
        return found

    async def read(self, resource_type: str, id_: str) -> Version | None:
        return await self._main.read(resource_type, id_) or await self.below(resource_type, id_)

    async def below(self, resource_type: str, id_: str) -> Version | None:
        """What the layers have."""
        for layer in await self._having((resource_type,)):
            if (found := await layer.reader.read(resource_type, id_)) is not None:
                return found
        return None

    async def read_many(self, identities: Sequence[tuple[str, str]]) -> list[Version]:
        if not await self._having(tuple({resource_type for resource_type, _ in identities})):
            return await self._main.read_many(identities)
        found = [await self.read(resource_type, id_) for resource_type, id_ in identities]
        return [version for version in found if version is not None and not version.deleted]

    async def vread(self, resource_type: str, id_: str, version_id: int) -> Version | None:
        found = await self._main.vread(resource_type, id_, version_id)
        if found is not None or await self._main.read(resource_type, id_) is not None:
            return found
        for layer in await self._having((resource_type,)):
            if (found := await layer.reader.vread(resource_type, id_, version_id)) is not None:
                return found
        return None

    async def history(self, range_: HistoryRange, limit: int) -> list[Version]:
        return await (await self._keeper(range_)).history(range_, limit)

    async def history_count(self, range_: HistoryRange) -> int:
        return await (await self._keeper(range_)).history_count(range_)

    async def _keeper(self, range_: HistoryRange) -> "Reader | _OwnLog":
        """Who has the history: a layer, where only that has the resource."""
        if range_.resource_type is None or range_.id is None:
            return self._main
        if await self._main.read(range_.resource_type, range_.id) is None:
            for layer in await self._having((range_.resource_type,)):
                if await layer.reader.read(range_.resource_type, range_.id) is not None:
                    return _OwnLog(layer.reader)
        return self._main

    async def find(self, query: Query) -> Page:
        layers = await self._having(query.resource_types)
        if not layers:
            return await self._main.find(query)
        # one state for all of them: what comes into the main store meanwhile must not hide it in a layer
        query = replace(query, as_of=query.as_of or await self._main.moment())
        sign = await _sign(layers)
        positions = _positions(query.after, sign, len(layers) + 1)
        if query.sort:
            found = await self._merged(query, layers, positions)
        else:
            found = await self._joined(query, layers, positions)
        hits = [Hit(version, (sign, *position)) for version, position in found.hits]
        return Page(hits, found.more, query.as_of if found.more else None)

    async def explain(self, query: Query) -> list[Explanation]:
        """Each store as it is asked first; what is shadowed in it, and asked again for, is left out."""
        layers = await self._having(query.resource_types)
        if not layers:
            return await self._main.explain(query)
        positions = _positions(query.after, await _sign(layers), len(layers) + 1)
        found: list[Explanation] = []
        room = query.limit
        for place, layer in enumerate((None, *layers)):
            if (after := positions[place]) == _END:
                continue
            asked = replace(query, limit=room, after=None if after is None else tuple(after))
            if layer is None:
                found += await self._main.explain(asked)
            else:
                found += await layer.reader.explain(replace(asked, as_of=None))
            if query.limit and not query.sort and (room := room - found[-1].found) <= 0:
                break
        return found

    async def _joined(self, query: Query, layers: list[Layer], positions: list[Any]) -> Page:
        """Hits of one source after those of the other."""
        hits: list[Hit] = []
        for place, layer in enumerate((None, *layers)):
            if positions[place] == _END:
                continue
            page = await self._page(query, layer, positions[place], query.limit - len(hits))
            for hit in page.hits:
                positions[place] = hit.position
                hits.append(Hit(hit.version, tuple(positions)))
            if page.more:
                return Page(hits, True)
            positions[place] = _END
        return Page(hits, False)

    async def _merged(self, query: Query, layers: list[Layer], positions: list[Any]) -> Page:
        """Hits of all sources by the sort keys."""
        pages = [
            await self._page(query, layer, positions[place], query.limit)
            for place, layer in enumerate((None, *layers))
        ]

        def compare(one: tuple[Hit, int], other: tuple[Hit, int]) -> int:
            return _compare(one[0], other[0], query.sort)

        sources = [[(hit, place) for hit in page.hits] for place, page in enumerate(pages)]
        hits: list[Hit] = []
        for hit, place in islice(merge(*sources, key=cmp_to_key(compare)), query.limit):
            positions[place] = hit.position
            hits.append(Hit(hit.version, tuple(positions)))
        found = sum(len(page.hits) for page in pages)
        return Page(hits, found > len(hits) or any(page.more for page in pages))

    async def _page(self, query: Query, layer: Layer | None, after: Any, limit: int) -> Page:
        """A page of one source, None: of the main store, without what is shadowed."""
        after = None if after is None else tuple(after)
        if layer is None:
            return await self._main.find(replace(query, limit=limit, after=after))
        hits: list[Hit] = []
        shadowed: dict[str, frozenset[str]] = {}
        while True:
            # one more, since hits that are shadowed do not tell whether another one follows
            room = limit + 1 - len(hits)
            page = await layer.reader.find(replace(query, limit=room, after=after, as_of=None))
            for hit in page.hits:
                version = hit.version
                if version.resource_type not in shadowed:
                    found = await self._shadowed(layer, version.resource_type, query.as_of)
                    shadowed[version.resource_type] = found
                if version.id not in shadowed[version.resource_type]:
                    hits.append(hit)
            if len(hits) > limit or not page.more:
                return Page(hits[:limit], len(hits) > limit)
            after = page.hits[-1].position

    async def identities(self, resource_type: str, where: Node, limit: int) -> list[tuple[str, str]]:
        found = await self._main.identities(resource_type, where, limit)
        for layer in await self._having((resource_type,)):
            shadowed = await self._shadowed(layer, resource_type)
            more = await layer.reader.identities(resource_type, where, limit + len(shadowed))
            found += [identity for identity in more if identity[1] not in shadowed]
        return found[:limit]

    async def count(self, resource_types: tuple[str, ...], where: Node) -> int:
        found = await self._main.count(resource_types, where)
        for layer in await self._having(resource_types):
            found += await layer.reader.count(resource_types, where)
            for resource_type in resource_types or await layer.totals():
                for ids in await self._hidden(layer, resource_type):
                    found -= await layer.reader.count((resource_type,), And((where, IdIn(ids))))
        return found

    async def _hidden(self, layer: Layer, resource_type: str) -> list[tuple[str, ...]]:
        """Ids of the layer that cannot be seen, some at a time."""
        if resource_type not in await layer.totals():
            return []
        shadowed = await self._shadowed(layer, resource_type)
        hidden = sorted(shadowed & await layer.ids(resource_type)) if shadowed else []
        return [tuple(hidden[n : n + _IDS_AT_ONCE]) for n in range(0, len(hidden), _IDS_AT_ONCE)]

    async def changes(self, after_sequence: int, limit: int) -> list[Version]:
        return await self._main.changes(after_sequence, limit)

    async def totals(self) -> dict[str, int]:
        found = await self._main.totals()
        for layer in self._layers:
            for resource_type, total in (await layer.totals()).items():
                hidden = sum(len(ids) for ids in await self._hidden(layer, resource_type))
                if seen := total - hidden:
                    found[resource_type] = found.get(resource_type, 0) + seen
        return found

    async def moment(self) -> Moment:
        return await self._main.moment()

    async def last_sequence(self, resource_types: tuple[str, ...] = ()) -> int:
        return await self._main.last_sequence(resource_types)


class LayeredTransaction(LayeredReader, PassingTransaction):
    def __init__(self, tx: Transaction, layers: Sequence[Layer], shadows: Shadows, extract: Extract) -> None:
        super().__init__(tx, layers, shadows, committed=False)
        self._tx = tx
        self.concepts = tx.concepts
        self.closures = tx.closures
        self._extract = extract
        self.touched: set[str] = set()  # types of what was written
        self._checks: dict[AtEnd, AtEnd] = {}

    def at_end(self, check: AtEnd, item: Any) -> None:
        def over_layers(_: Transaction, items: list[Any]) -> Awaitable[None]:
            return check(self, items)

        self._tx.at_end(self._checks.setdefault(check, over_layers), item)

    async def put(
        self, content: Content, *, method: Method, if_match: int | None = None, force: bool = False
    ) -> Written:
        self.touched.add(content.resource_type)
        # a POST brings an id that was drawn just now
        new = method == "POST" and if_match is None
        below = None if new else await self._only_below(content.resource_type, content.id)
        if below is not None:
            kept = _content(below)
            if not force and same_content(kept, content.body):
                _check(below, if_match)
                return Written(below, created=False, changed=False)
            await self._copy(below, kept)
        return await self._tx.put(content, method=method, if_match=if_match, force=force)

    async def delete(self, resource_type: str, id_: str, *, if_match: int | None = None) -> Version | None:
        self.touched.add(resource_type)
        below = await self._only_below(resource_type, id_)
        if below is not None:
            await self._copy(below, _content(below))
        return await self._tx.delete(resource_type, id_, if_match=if_match)

    async def _only_below(self, resource_type: str, id_: str) -> Version | None:
        if not await self._having((resource_type,)) or await self._tx.read(resource_type, id_) is not None:
            return None
        return await self.below(resource_type, id_)

    async def _copy(self, below: Version, kept: bytes) -> None:
        rows = self._extract(below.resource_type, kept)
        await self._tx.put(Content(below.resource_type, below.id, kept, rows), method="PUT")


class Writable(Store, Protocol):
    """A store that tells how it was told to index."""

    @property
    def extract(self) -> Extract: ...


class LayeredStore(LayeredReader):
    """`layers`: the first one shadows the next."""

    def __init__(self, main: Writable, layers: Sequence[Reader]) -> None:
        super().__init__(main, [Layer(layer) for layer in layers], Shadows(), committed=True)
        self._store = main
        self.concepts = main.concepts
        self.closures = main.closures

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        def layered(tx: Transaction) -> Awaitable[T]:
            return work(LayeredTransaction(tx, self._layers, self._shadows, self._store.extract))

        return await self._store.transaction(layered)

    @property
    def rules_sign(self) -> int:
        return self._store.rules_sign

    @property
    def commits(self) -> int | None:
        return self._store.commits

    def lead(self) -> bool:
        return self._store.lead()

    async def close(self) -> None:
        """Closes the main store; the layers belong to who opened them."""
        await self._store.close()


class _OwnLog:
    """The history of a resource in a layer: numbers of the main store's log say nothing there."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def history(self, range_: HistoryRange, limit: int) -> list[Version]:
        return await self._reader.history(range_._replace(up_to_sequence=None), limit)

    async def history_count(self, range_: HistoryRange) -> int:
        return await self._reader.history_count(range_._replace(up_to_sequence=None))


async def _sign(layers: Iterable[Layer]) -> int:
    return hash64(str([await layer.sign() for layer in layers]))


def _positions(after: tuple[object, ...] | None, sign: int, sources: int) -> list[Any]:
    """Where each source goes on, None: at its beginning."""
    if after is None:
        return [None] * sources
    if after[0] != sign:
        raise page_gone("packages were added or removed since the first page: search again")
    return list(after[1:])


def _compare(one: Hit, other: Hit, sort: Iterable[SortKey]) -> int:
    for place, key in enumerate(sort):
        a, b = _value(one, key, place), _value(other, key, place)
        if a == b:
            continue
        if a is None or b is None:
            return 1 if a is None else -1
        return -1 if (a < b) != key.descending else 1
    return 0


def _value(hit: Hit, key: SortKey, place: int) -> Any:
    match key.kind:
        case "updated":  # positions are numbers of each store's own log
            return hit.version.last_updated_ms
        case "id":
            return hit.version.id
        case _:
            return hit.position[place]


def _content(version: Version) -> bytes:
    return content(decode(version.body))


def _check(version: Version, if_match: int | None) -> None:
    if if_match not in (None, version.version_id):
        raise version_conflict(
            f"{version.resource_type}/{version.id} is at version {version.version_id},"
            f" If-Match asks for version {if_match}"
        )

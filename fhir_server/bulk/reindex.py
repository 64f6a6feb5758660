"""Fill columns of the index from the resources that are there, while others read and write.

A job has three steps: empty what it will fill, of rows that an earlier index may have left; fill it, type by
type in the order of the store's keys; drop what no parameter has any more. Each unit of work is short and
keeps how far it came, so that the job can be killed anywhere. Resources are read and their rows made outside
of the store's lock; inside it, a resource that was changed meanwhile is looked at again.

What is written while the job runs is indexed by the same rules, so the job may come upon rows that are there.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from fhir_server.interactions.reindexing import progress
from fhir_server.resource import decode
from fhir_server.search.columns import columns_of
from fhir_server.search.custom import columns_by_type
from fhir_server.search.index import Indexer
from fhir_server.search.restrict import restricted
from fhir_server.search.rules import Part, Task, belongs, decode_task
from fhir_server.search.rules import decode as decode_rules
from fhir_server.search.rules import encode as encode_rules
from fhir_server.store.algebra import Everything, Query
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import Store, Transaction, Version, mark_of
from fhir_server.store.rows import Rows

_LOG = logging.getLogger("fhir_server.jobs")
_NOTE_S = 30.0
SMALLEST, LARGEST = 25, 500  # resources of one unit of work
DROPPED = 1000  # rows that one unit removes
_UNIT_S = 0.006  # for so long a unit should hold the store's lock
_SLICE = 50  # resources that are indexed before requests get their turn

Pause = Callable[[float], Awaitable[None]]
"""Is told how long a unit has worked; waits so long that requests get their share."""
Wanted = Callable[[str], bool]


class Way(NamedTuple):
    """Rules of indexing, and what makes rows by them."""

    rules: bytes
    indexer: Indexer


class Place(Struct, frozen=True, omit_defaults=True):
    """Where a job goes on."""

    step: str = "empty"  # then "fill", "layers", "drop", "end"
    resource_type: str = ""  # that is being filled; those before it in the order of names are done
    after: tuple[Any, ...] = ()  # the position of its last resource that is done; (): it begins


_encode = msgspec.json.encode
_decode_place = msgspec.json.Decoder(Place).decode


class OtherRulesError(Exception):
    """The rules changed under the job: what it was about to write was made for others."""


class CancelledError(Exception):
    """Somebody has ended the job."""


class Reindex:
    """Does jobs of the kind `reindex` on a store without layers."""

    def __init__(
        self,
        store: Store,
        way: Callable[[], Awaitable[Way]],
        *,
        pause: Pause = lambda _: asyncio.sleep(0),
        derive: Callable[[Way, Pause], Awaitable[None]] | None = None,
        show: Callable[[Job], None] = lambda _: None,
    ) -> None:
        """way: by the rules as they are now. derive: makes the layers fit them. show: is told how it goes."""
        self._store = store
        self._way = way
        self._pause = pause
        self._derive = derive
        self._show = show

    async def __call__(self, job: Job) -> None:
        work = _Work(self._store, job, self._pause, self._show)
        while work.place.step != "end":
            way = await self._way()
            try:
                await self._step(work, way)
            except OtherRulesError:
                continue
            except CancelledError:
                return

    async def _step(self, work: "_Work", way: Way) -> None:
        match work.place.step:
            case "empty":
                await work.empty(way)
            case "fill":
                await work.fill(way)
            case "layers":
                if self._derive is not None:
                    await self._derive(way, self._pause)
                await work.keep(way, Place("drop"))
            case _:
                await work.drop(way)


class _Work:
    """One job, as far as this process has come with it."""

    def __init__(self, store: Store, job: Job, pause: Pause, show: Callable[[Job], None]) -> None:
        self._store = store
        self._job = job
        self._pause = pause
        self._show = show
        self.task: Task = decode_task(job.task)
        self.place = _decode_place(job.progress) if job.progress else Place()
        self._part: Part = self.task.part(job.id)
        self._size = SMALLEST
        self._counted = self._noted = time.monotonic()

    async def empty(self, way: Way) -> None:
        if self.task.words:
            await self.keep(way, self.place, lambda tx: tx.drop_words())
        if self.task.fills:
            await self._drop(way, self._part.holds, texts=False)
        await self.keep(way, Place("fill"))

    async def fill(self, way: Way) -> None:
        totals = await self._store.totals()
        names = totals if self.task.kinds or self.task.everything else self.task.build
        types = sorted(name for name in names if name >= self.place.resource_type)
        if not self.place.resource_type:
            total = sum(totals.get(name, 0) for name in types)
            self._job = self._job._replace(done=0, total=total, worked_ms=0)
        for name in types:
            await self._fill_type(way, name)
        await self.keep(way, Place("layers"))

    async def _fill_type(self, way: Way, name: str) -> None:
        after = self.place.after if name == self.place.resource_type else ()
        wanted = self._wanted(name)
        while True:
            query = Query((name,), Everything(), self._size, after=after or None)
            page = await self._store.find(query)
            versions = [hit.version for hit in page.hits]
            found = await _rows_of(versions, way.indexer, wanted)
            after = page.hits[-1].position if page.hits else after

            async def work(tx: Transaction, found: Sequence[tuple[Version, Rows]] = found) -> None:
                for version, rows in found:
                    await _add(tx, version, rows, way.indexer, wanted)

            await self.keep(way, Place("fill", name, after), work, len(versions))
            if not page.more:
                return

    def _wanted(self, name: str) -> Wanted:
        if self.task.everything:
            return lambda _: True
        columns, known = self.task.build.get(name, ()), dict[str, bool]()

        def wanted(rows: str) -> bool:
            if rows not in known:
                known[rows] = self._part.holds(rows) if self.task.kinds else _is_one_of(rows, columns)
            return known[rows]

        return wanted

    async def drop(self, way: Way) -> None:
        """What no parameter has, except what one has again by now; and the end of the job."""
        definitions = way.indexer.definitions
        again = columns_by_type(definitions, columns_of(definitions)).values()
        columns = set(self.task.drop).difference(*again)
        if columns:
            await self._drop(way, lambda rows: _is_one_of(rows, tuple(columns)), texts=True)
        await self.keep(way, Place("end"), self._end)

    async def _end(self, tx: Transaction) -> None:
        rules = await tx.rules()
        without = encode_rules(decode_rules(rules).without_part(self._job.id))
        if without != rules:
            await tx.set_rules(without)

    async def _drop(self, way: Way, of: Wanted, *, texts: bool) -> None:
        dropped = DROPPED

        async def work(tx: Transaction) -> None:
            nonlocal dropped
            dropped = await tx.drop_rows(of, DROPPED, texts=texts)

        # writers may add such rows all the while: it ends when there are few
        while dropped >= DROPPED:
            await self.keep(way, self.place, work)

    async def keep(
        self,
        way: Way,
        place: Place,
        work: Callable[[Transaction], Awaitable[None]] | None = None,
        more: int = 0,
    ) -> None:
        """One unit of work, kept together with the place that the job has come to by it.

        Raises OtherRulesError, and nothing is done, when the rules are not those of `way` any more.
        """
        began = time.monotonic()
        job = self._job._replace(
            state="done" if place.step == "end" else "running",
            progress=_encode(place),
            done=self._job.done + more,
            worked_ms=self._job.worked_ms + round(1000 * (began - self._counted)),
        )
        held_s = 0.0

        async def unit(tx: Transaction) -> None:
            nonlocal held_s
            entered = time.monotonic()
            if tx.rules_mark != mark_of(way.rules):
                raise OtherRulesError
            kept = await tx.job(job.id)
            if kept is None or not kept.open:
                raise CancelledError
            if work is not None:
                await work(tx)
            await tx.put_job(job)
            held_s = time.monotonic() - entered

        await self._store.transaction(unit)
        self._job, self.place, self._counted = job, place, began
        if more:
            self._size = max(SMALLEST, min(LARGEST, round(self._size * _UNIT_S / max(held_s, _UNIT_S / 4))))
        self._show(job)
        self._note(began)
        await self._pause(time.monotonic() - began)

    def _note(self, now: float) -> None:
        if now - self._noted >= _NOTE_S:
            self._noted = now
            _LOG.info("%s %s: %s", self._job.kind, self._job.id, progress(self._job))


async def _rows_of(
    versions: Sequence[Version], indexer: Indexer, wanted: Wanted
) -> list[tuple[Version, Rows]]:
    found = []
    for count, version in enumerate(versions, 1):
        found.append((version, _rows(version, indexer, wanted)))
        if count % _SLICE == 0:
            await asyncio.sleep(0)
    return found


def _rows(version: Version, indexer: Indexer, wanted: Wanted) -> Rows:
    resource = decode(version.body)
    # they are the server's, and no part of what was put
    for name in ("versionId", "lastUpdated"):
        del resource["meta"][name]
    return restricted(indexer.rows(resource), wanted)


async def _add(tx: Transaction, version: Version, rows: Rows, indexer: Indexer, wanted: Wanted) -> None:
    """The rows of a resource, of its version of now when it has changed since `rows` were made."""
    if await tx.add_rows(version.resource_type, version.id, version.sequence, rows):
        return
    now = await tx.read(version.resource_type, version.id)
    if now is not None and not now.deleted:
        await tx.add_rows(now.resource_type, now.id, now.sequence, _rows(now, indexer, wanted))


def _is_one_of(rows: str, columns: Sequence[str]) -> bool:
    return any(belongs(rows, column) for column in columns)

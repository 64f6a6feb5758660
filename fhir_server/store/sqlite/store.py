"""The SQLite store: readers on the event loop and in threads, one writer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, closing
from itertools import chain, repeat
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from fhir_server.clock import Clock
from fhir_server.outcome import FhirError, store_unavailable
from fhir_server.store.algebra import Moment, Node, Query
from fhir_server.store.explanation import Explanation
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import NO_WORDING, Extract, HistoryRange, Page, Transaction, Version, Wording
from fhir_server.store.sqlite import explain, find, history, jobs, training
from fhir_server.store.sqlite.checkpoint import Checkpoints
from fhir_server.store.sqlite.closures import SqliteClosures
from fhir_server.store.sqlite.concepts import SqliteConcepts
from fhir_server.store.sqlite.connection import (
    CACHE_KIB,
    SMALL_CACHE_KIB,
    open_checkpointing,
    open_immutable,
    open_reader,
    open_writer,
)
from fhir_server.store.sqlite.errors import outcomes
from fhir_server.store.sqlite.full_text import BehindError
from fhir_server.store.sqlite.lock import LeadLock, OpenLock, WriteLock
from fhir_server.store.sqlite.names import Names
from fhir_server.store.sqlite.patience import Limits, Readers, within
from fhir_server.store.sqlite.reading import SHOWN_BYTES, Connected, Shown
from fhir_server.store.sqlite.schema import HAS_RULES, MIGRATIONS, migrate, version_of
from fhir_server.store.sqlite.sign import Sign
from fhir_server.store.sqlite.transaction import Unit
from fhir_server.store.sqlite.units import Units
from fhir_server.store.sqlite.upkeep import Upkeep
from fhir_server.store.sqlite.writing import Writing

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore:
    """Opened by `open_store`. Belongs to the event loop it is first used in."""

    def __init__(
        self, open_connected: Callable[[], Connected], units: Units | None, limits: Limits, threads: int
    ) -> None:
        self._limits = limits
        self._closed = False
        self._open: OpenLock | None = None  # None: the file is one that nobody writes
        self._has_rules = True  # False: the file is of a schema before there were any
        self._units = units  # None: nothing can be written
        self._sign: Sign | None = None  # None: nothing changes the rules
        self._lead: LeadLock | None = None  # None: nothing can be written
        self._here = open_connected()
        self._here.shown = Shown(SHOWN_BYTES)
        self.extract = self._here.extract
        self._readers = Readers(open_connected, threads, limits.find_s)
        self._upkeep = None if units is None else Upkeep(self._readers, units, limits)
        self._training: asyncio.Task[None] | None = None
        self.concepts = SqliteConcepts(self._patiently)
        self.closures = SqliteClosures(self._patiently)
        self._train_at = 0  # the sequence number before which it is not tried again
        if units is not None:
            units.on_commit = self._committed

    async def read(self, resource_type: str, id_: str) -> Version | None:
        return self._here.read(resource_type, id_)

    async def read_many(self, identities: Sequence[tuple[str, str]]) -> list[Version]:
        return self._here.read_many(identities)

    async def vread(self, resource_type: str, id_: str, version_id: int) -> Version | None:
        return self._here.vread(resource_type, id_, version_id)

    async def history(self, range_: HistoryRange, limit: int) -> list[Version]:
        return await self._patiently(history.history, range_, limit)

    async def history_count(self, range_: HistoryRange) -> int:
        return await self._patiently(history.count, range_)

    async def find(self, query: Query) -> Page:
        return await self._patiently(find.find, query)

    async def explain(self, query: Query) -> list[Explanation]:
        return await self._patiently(explain.explain, query)

    async def identities(self, resource_type: str, where: Node, limit: int) -> list[tuple[str, str]]:
        return await self._patiently(find.identities, resource_type, where, limit)

    async def count(self, resource_types: tuple[str, ...], where: Node) -> int:
        return await self._patiently(find.count, resource_types, where)

    async def changes(self, after_sequence: int, limit: int) -> list[Version]:
        return await self._patiently(Connected.changes, after_sequence, limit)

    async def totals(self) -> dict[str, int]:
        return self._here.totals()

    async def moment(self) -> Moment:
        return self._here.moment()

    async def last_sequence(self, resource_types: tuple[str, ...] = ()) -> int:
        return self._here.last_sequence(resource_types)

    async def rules(self) -> bytes:
        return jobs.rules(self._here) if self._has_rules else b""

    async def job(self, id_: str) -> Job | None:
        return jobs.job(self._here, id_)

    async def jobs(self, kind: str | None = None, *, open_only: bool = False) -> list[Job]:
        return jobs.jobs(self._here, kind, open_only)

    @property
    def rules_sign(self) -> int:
        return 0 if self._sign is None else self._sign.rules

    @property
    def commits(self) -> int | None:
        return 0 if self._sign is None else self._sign.commits

    def lead(self) -> bool:
        return self._lead is not None and self._lead.take_at_once()

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        if self._units is None:
            raise store_unavailable("the store is read-only")
        return await self._units.run(work)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._training is not None:
            self._training.cancel()
        if self._upkeep is not None:
            await self._upkeep.close()
        if self._units is not None:
            await self._units.close()
        self._readers.close()
        self._here.connection.close()
        for each in (self._open, self._sign, self._lead):
            if each is not None:
                each.close()

    def _committed(self, writing: Writing) -> None:
        if self._upkeep is not None:
            self._upkeep.committed(writing)
        newest, sequence = writing.bodies.newest, writing.sequence
        if training.due(newest, sequence) and sequence >= self._train_at and self._training is None:
            self._train_at = 2 * sequence
            self._training = asyncio.create_task(self._train(newest))

    async def _train(self, newest: int) -> None:
        async def adopt(tx: Transaction) -> None:
            assert isinstance(tx, Unit) and dictionary is not None
            tx.adopt(dictionary, newest + 1)

        try:
            dictionary = await self._readers.run(training.train, newest)
            if dictionary is not None and self._units is not None:
                await self._units.run(adopt)
        except FhirError:
            pass  # the store is busy or its disk is full: bodies stay longer for a while
        finally:
            self._training = None

    async def _patiently(
        self, call: Callable[Concatenate[Connected, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        while True:
            try:
                return await self._answered(call, *args, **kwargs)
            except BehindError:
                assert self._upkeep is not None  # a store that nobody writes has no table to fall behind
                await self._upkeep.catch_up()

    async def _answered(
        self, call: Callable[Concatenate[Connected, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        try:
            return within(self._here, self._limits.inline_s, call, *args, **kwargs)
        except apsw.InterruptError:
            return await self._readers.run(call, *args, **kwargs)


@outcomes
def open_store(  # noqa: PLR0913
    path: Path | str,
    *,
    extract: Extract,
    clock: Clock,
    wording: Wording = NO_WORDING,
    readonly: bool = False,
    limits: Limits = Limits(),  # noqa: B008  frozen
    threads: int = 2,
) -> SqliteStore:
    """Open the store in the file `path`; makes it, or brings its schema up to date.

    readonly: the file is one that nobody writes, such as a package's; it may lie on a read-only disk.
    Raises SchemaError for a file that is not a store of this release or an older one, and FhirError 503 when
    the disk fails.
    """
    path, names = Path(path), Names()
    if readonly:
        connected = lambda: Connected(open_immutable(path), names, extract, wording)  # noqa: E731
        store = SqliteStore(connected, None, limits, threads)
        store._has_rules = version_of(store._here.connection) >= HAS_RULES
        return store
    with ExitStack() as failed:
        shared = OpenLock(path)
        failed.callback(shared.close)
        shared.share()
        lock = WriteLock(path)
        failed.callback(lock.close)
        _prepare(path, lock)
        sign, lead = Sign(path), LeadLock(path)
        failed.callback(sign.close)
        failed.callback(lead.close)
        units = Units(
            lambda: Writing(open_writer(path), Names(), extract, clock, wording),
            lock,
            limits,
            sign,
            Checkpoints(lambda: open_checkpointing(path)),
        )
        store = SqliteStore(_readers_of(path, names, extract, wording), units, limits, threads)
        store._open, store._sign, store._lead = shared, sign, lead
        failed.pop_all()
    return store


def _prepare(path: Path, lock: WriteLock) -> None:
    """Make the file and its tables, or bring them up to date."""
    if path.exists() and _is_current(path):
        return
    lock.take()
    try:
        with closing(open_writer(path)) as connection:
            migrate(connection)
    finally:
        lock.release()


def _is_current(path: Path) -> bool:
    with closing(open_reader(path)) as connection:
        return version_of(connection) == len(MIGRATIONS)


def _readers_of(path: Path, names: Names, extract: Extract, wording: Wording) -> Callable[[], Connected]:
    """Opens the loop's reader at first, and then those of threads, which need less of a cache."""
    caches = chain((CACHE_KIB,), repeat(SMALL_CACHE_KIB))
    return lambda: Connected(open_reader(path, next(caches)), names, extract, wording)

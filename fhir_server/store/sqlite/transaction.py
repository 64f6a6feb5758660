"""The transaction that a unit of work sees."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from fhir_server.store.algebra import Moment, Node, Query
from fhir_server.store.explanation import Explanation
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import AtEnd, Content, HistoryRange, Method, Page, Version, Written
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import explain, find, full_text, history, jobs, reindex, training
from fhir_server.store.sqlite.closures import WrittenClosures
from fhir_server.store.sqlite.concept_writing import WrittenConcepts
from fhir_server.store.sqlite.patience import Limits, costly, within
from fhir_server.store.sqlite.worker import Worker
from fhir_server.store.sqlite.writing import Writing

P = ParamSpec("P")
T = TypeVar("T")


class Unit:
    def __init__(self, writing: Writing, worker: Worker, limits: Limits) -> None:
        self._writing = writing
        self._worker = worker
        self._limits = limits
        self._over = False
        self._at_end: dict[AtEnd, list[Any]] = {}

    def at_end(self, check: AtEnd, item: Any) -> None:
        self._at_end.setdefault(check, []).append(item)

    async def conclude(self) -> None:
        """What was put off to the end of the unit."""
        while self._at_end:  # what is put off may write, and put off more
            check = next(iter(self._at_end))
            await check(self, self._at_end.pop(check))

    def end(self) -> None:
        """Later uses are errors of the caller: the connection belongs to other units then."""
        self._over = True

    @property
    def concepts(self) -> WrittenConcepts:
        return WrittenConcepts(self._writing_now())

    @property
    def closures(self) -> WrittenClosures:
        return WrittenClosures(self._writing_now())

    def adopt(self, dictionary: bytes, id_: int) -> None:
        training.adopt(self._read(), dictionary, id_)

    async def put(
        self, content: Content, *, method: Method, if_match: int | None = None, force: bool = False
    ) -> Written:
        return self._writing_now().put(content, method, if_match, force)

    async def delete(self, resource_type: str, id_: str, *, if_match: int | None = None) -> Version | None:
        return self._writing_now().delete(resource_type, id_, if_match)

    async def read(self, resource_type: str, id_: str) -> Version | None:
        return self._read().read(resource_type, id_)

    async def read_many(self, identities: Sequence[tuple[str, str]]) -> list[Version]:
        return self._read().read_many(identities)

    async def vread(self, resource_type: str, id_: str, version_id: int) -> Version | None:
        return self._read().vread(resource_type, id_, version_id)

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
        return self._read().changes(after_sequence, limit)

    async def totals(self) -> dict[str, int]:
        return self._read().totals()

    async def moment(self) -> Moment:
        return self._read().moment()

    async def last_sequence(self, resource_types: tuple[str, ...] = ()) -> int:
        return self._read().last_sequence(resource_types)

    @property
    def rules_mark(self) -> int:
        return self._writing_now().rules_mark

    async def rules(self) -> bytes:
        return jobs.rules(self._read())

    async def set_rules(self, rules: bytes) -> None:
        jobs.set_rules(self._read(), rules)

    async def add_rows(self, resource_type: str, id_: str, sequence: int, rows: Rows) -> bool:
        return reindex.add_rows(self._read(), resource_type, id_, sequence, rows)

    async def drop_rows(self, of: Callable[[str], bool], limit: int, *, texts: bool = False) -> int:
        return reindex.drop_rows(self._read(), of, limit, texts)

    async def drop_words(self) -> None:
        full_text.forget(self._read())

    async def job(self, id_: str) -> Job | None:
        return jobs.job(self._read(), id_)

    async def jobs(self, kind: str | None = None, *, open_only: bool = False) -> list[Job]:
        return jobs.jobs(self._read(), kind, open_only)

    async def put_job(self, job: Job) -> None:
        jobs.put_job(self._read(), job)

    async def drop_job(self, id_: str) -> None:
        jobs.drop_job(self._read(), id_)

    def _writing_now(self) -> Writing:
        assert not self._over, "the transaction is over"
        return self._writing

    def _read(self) -> Writing:
        """For all that looks into tables: what waits is in them then."""
        writing = self._writing_now()
        writing.make_readable()
        return writing

    async def _patiently(
        self, call: Callable[Concatenate[Writing, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        here, limits = self._read(), self._limits
        try:
            return within(here, limits.inline_s, call, *args, **kwargs)
        except apsw.InterruptError:
            pass
        try:
            return await self.in_thread(lambda here: within(here, limits.find_s, call, *args, **kwargs))
        except apsw.InterruptError:
            raise costly(limits.find_s) from None

    async def in_thread(self, call: Callable[[Writing], T]) -> T:
        """The unit waits and keeps its turn, the loop goes on."""
        here = self._read()
        job = self._worker.run(lambda: call(here))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            here.deadline = 0.0
            await _ended(job)  # nobody else may use the connection before
            here.deadline = float("inf")
            raise


async def _ended(job: "asyncio.Future[Any]") -> None:
    while not job.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait((job,))
    job.exception()  # that of an interrupted search is of no interest

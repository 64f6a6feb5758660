"""Works on the jobs of a store: one after the other, in the one process that leads.

A job whose work raises is kept as failed, with the reason; one that the store has no time or no room for is
tried again. What a process that died was doing is done by the next that leads, from its last unit on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from fhir_server.interactions.reindexing import progress
from fhir_server.outcome import FhirError
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import Store, Transaction

_LOG = logging.getLogger("fhir_server.jobs")
LOOK_AFTER_S = 1.0
"""Between two looks whether there is a job, and whether nobody leads."""


class Work(Protocol):
    """Does a whole job, in units that each keep how far it is with `put_job`; returns when it is done."""

    def __call__(self, job: Job, /) -> Awaitable[None]: ...


class Jobs:
    def __init__(
        self,
        store: Store,
        kinds: Mapping[str, Work],
        *,
        first: Callable[[], Awaitable[None]] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """first: what who leads does before all jobs, once."""
        self._first = first
        self._store = store
        self._kinds = kinds
        self._sleep = sleep

    async def run(self) -> None:
        """Until it is cancelled: lead when nobody else does, and work off what there is."""
        while True:
            try:
                if self._store.lead():
                    if self._first is not None:
                        await self._first()
                        self._first = None
                    await self.work_off()
            except FhirError as error:
                _LOG.warning("jobs wait: %s", error.issues[0].code)
            await self._sleep(LOOK_AFTER_S)

    async def work_off(self) -> None:
        """Do all jobs that are open; raises what the store raises when it cannot go on."""
        while job := await self._next():
            await self.work(job)

    async def _next(self) -> Job | None:
        return next((job for job in await self._store.jobs(open_only=True) if job.kind in self._kinds), None)

    async def work(self, job: Job) -> None:
        _LOG.info("%s %s begins: %s", job.kind, job.id, progress(job))
        try:
            await self._kinds[job.kind](job)
        except FhirError as error:
            if error.status == 503:
                raise
            await self._failed(job, "; ".join(issue.diagnostics for issue in error.issues))
        except Exception as error:
            _LOG.warning("%s %s failed", job.kind, job.id, exc_info=error)
            await self._failed(job, f"internal error ({type(error).__name__})")
        else:
            ended = await self._store.job(job.id)
            _LOG.info("%s %s has come to its end: %s", job.kind, job.id, progress(ended or job))

    async def _failed(self, job: Job, message: str) -> None:
        async def work(tx: Transaction) -> None:
            now = await tx.job(job.id) or job
            await tx.put_job(now._replace(state="failed", message=message))

        await self._store.transaction(work)


async def retry_failed(store: Store, kind: str) -> int:
    """Let failed jobs of a kind be tried again; how many there were."""
    failed = [job for job in await store.jobs(kind) if job.state == "failed"]

    async def work(tx: Transaction) -> None:
        for job in failed:
            await tx.put_job(job._replace(state="waiting", message=""))

    if failed:
        await store.transaction(work)
    return len(failed)

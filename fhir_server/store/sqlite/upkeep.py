"""Keeps the table of words near the end of the change log, in the background.

The first search by text begins to build it. From then on it follows the log; a search that comes when more
was written than it can compare itself waits a moment, and is told to come again when that is too short.
"""

import asyncio
import time
from functools import partial

from fhir_server.outcome import overloaded
from fhir_server.store.protocol import Transaction
from fhir_server.store.sqlite import full_text
from fhir_server.store.sqlite.full_text import BATCH, Batch
from fhir_server.store.sqlite.patience import Limits, Readers
from fhir_server.store.sqlite.transaction import Unit
from fhir_server.store.sqlite.units import Units
from fhir_server.store.sqlite.writing import Writing

LONGEST_RETRY_S = 60


class Upkeep:
    def __init__(self, readers: Readers, units: Units, limits: Limits) -> None:
        self._readers = readers
        self._units = units
        self._limits = limits
        self._task: asyncio.Task[None] | None = None
        self._look_at = 0  # the sequence number from which on it may be time to follow the log
        self._began = (0.0, 0)  # time and sequence number when the task began
        self._reached = (0, 0)  # the sequence number that the table has come to, and the end of the log

    async def catch_up(self) -> None:
        """Bring the table up to date; raises 503 when that takes longer than a request should wait."""
        task = self._start()
        await asyncio.wait((task,), timeout=self._limits.words_s)
        if not task.done():
            done, total = self._reached
            raise overloaded(
                f"the index of words is being built: {done} of {total} versions are in it; no text can be"
                " searched before it is complete",
                self._retry_after_s(),
            )
        task.result()

    def committed(self, writing: Writing) -> None:
        """Follow the log when it is due."""
        if writing.sequence < self._look_at:
            return
        self._look_at = writing.sequence + BATCH
        state = full_text.in_use(writing)
        if state is not None and writing.sequence - state >= BATCH:
            self._start()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    def _start(self) -> "asyncio.Task[None]":
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
            # nobody may be waiting for what it raises
            self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._task

    async def _run(self) -> None:
        began = False
        while (batch := await self._readers.run(full_text.next_batch)) is not None:
            if not began:
                self._began, began = (time.monotonic(), batch.after), True
                self._reached = batch.after, batch.end
            await self._units.run(partial(_add, batch))
            self._reached = batch.last, batch.end

    def _retry_after_s(self) -> int:
        """When it will be complete, at the speed it had so far."""
        (since, first), (done, total) = self._began, self._reached
        if done <= first:
            return 1
        estimate = (time.monotonic() - since) / (done - first) * (total - done)
        return max(1, min(LONGEST_RETRY_S, round(estimate)))


async def _add(batch: Batch, tx: Transaction) -> None:
    assert isinstance(tx, Unit)
    await tx.in_thread(partial(full_text.add, batch=batch))

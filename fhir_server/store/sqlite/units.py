"""Units of work: one after the other, each atomic, committed in groups.

The first unit opens a transaction of SQLite; units that arrive meanwhile run in the same one, and a single
COMMIT in a thread makes all of them durable. Nobody gets an answer before that: not even a unit that only
read, or failed, for it may have seen what the others wrote.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import apsw

from fhir_server.outcome import FhirError, lock_unavailable, store_unavailable
from fhir_server.store.protocol import Transaction
from fhir_server.store.sqlite.checkpoint import Checkpoints
from fhir_server.store.sqlite.errors import unavailable
from fhir_server.store.sqlite.lock import WriteLock
from fhir_server.store.sqlite.patience import Limits
from fhir_server.store.sqlite.sign import Sign
from fhir_server.store.sqlite.transaction import Unit
from fhir_server.store.sqlite.worker import Worker
from fhir_server.store.sqlite.writing import Writing

T = TypeVar("T")

GROUP_UNITS = 256
GROUP_S = 0.02  # units in line after that wait for the next group when another process wants a turn
LONGEST_S = 0.1  # and after that in any case: nobody has an answer yet
_OVERWRITES = 5  # attempts, while the disk may still fail
QUIET_TURNS = 2  # of the event loop without a new unit: then the group is committed
GATHER_S = 0.001  # before that, for the units that came with the last commit to come again


@dataclass(slots=True)
class Group:
    """One transaction of SQLite and the units in it."""

    writing: Writing
    opened: float = field(default_factory=time.monotonic)
    units: int = 0
    wrote: bool = False
    failed: BaseException | None = None  # why nothing of it is kept
    waiting: list["asyncio.Future[None]"] = field(default_factory=list)  # units, for the commit
    watched: bool = False  # whether the loop will look if it has become quiet


class Units:
    def __init__(
        self,
        open_writing: Callable[[], Writing],
        lock: WriteLock,
        limits: Limits,
        sign: Sign,
        checkpoints: Checkpoints,
    ) -> None:
        self.on_commit: Callable[[Writing], None] = lambda _: None
        self._open_writing = open_writing
        self._writing: Writing | None = open_writing()  # None: it failed and could not be opened again
        self._lock = lock
        self._limits = limits
        self._sign = sign
        self._checkpoints = checkpoints
        self._worker = Worker("fhir-store-writer")
        self._group: Group | None = None
        self._busy = False  # a unit runs, or the thread begins or commits
        self._crowd = 1  # units of the last group, and those that came in line while it was committed
        self._locking = False  # the thread waits for the lock
        self._line: deque[asyncio.Future[None]] = deque()  # units that wait their turn; then somebody is busy
        self._idle: asyncio.Future[None] | None = None  # `close` waits for it
        self._closed = False

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        if self._closed:
            raise store_unavailable("the store is closed")
        if self._busy or self._line or not self._ready():
            await self._turn()
        self._busy = True
        group = self._group
        assert group is not None
        group.units += 1
        failure: Exception | None = None
        try:
            result = await self._unit(group, work)
        except Exception as error:
            failure = error
        finally:
            self._next()
        if group.wrote or group.failed:
            await self._committed(group)
        if failure is not None:
            raise failure
        return result

    async def _unit(self, group: Group, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run `work`; when it raises, nothing of it stays."""
        group.writing.begin_unit(first=not group.wrote)
        unit = Unit(group.writing, self._worker, self._limits)
        try:
            result = await work(unit)
            await unit.conclude()
            group.wrote |= group.writing.end_unit()
        except BaseException:
            self._undo(group)
            raise
        finally:
            unit.end()
        return result

    def _undo(self, group: Group) -> None:
        try:
            group.writing.undo_unit()
            if group.writing.connection.in_transaction:
                return
            if group.wrote:
                # when the disk is full SQLite rolls back everything, what other units wrote too
                group.failed = store_unavailable("the disk of the store refused a write of the same commit")
                return
            group.writing.connection.execute("BEGIN IMMEDIATE")
            group.writing.begin()
        except apsw.Error as error:
            group.failed = _outcome(error)

    async def _committed(self, group: Group) -> None:
        if group.failed is None:
            waiter = asyncio.get_running_loop().create_future()
            group.waiting.append(waiter)
            await waiter
        if group.failed is not None:
            raise group.failed

    def _ready(self) -> bool:
        """Whether there is a group to join, or one could be opened at once."""
        if self._group is not None:
            return True
        if not self._lock.take_at_once():
            return False
        try:
            self._begin(self._open())
        except apsw.BusyError:  # a program that does not know our lock: wait in the thread
            self._lock.release()
            return False
        except apsw.Error as error:
            self._lock.release()
            raise _outcome(error) from error
        return True

    def _open(self) -> Writing:
        if self._writing is None:
            self._writing = self._open_writing()
        return self._writing

    def _begin(self, writing: Writing) -> None:
        writing.connection.execute("BEGIN IMMEDIATE")
        try:
            writing.begin()
            self._sign.tell(writing.rules_mark)  # also of a process that died before it could
        except apsw.Error:
            if writing.connection.in_transaction:
                writing.connection.execute("ROLLBACK")
            raise
        self._group = Group(writing)

    async def _turn(self) -> None:
        """Wait in line; raises 503 when that takes too long."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._line.append(turn)
        if not self._busy:
            self._begin_in_thread()
        timer = loop.call_later(self._limits.lock_s, self._expire, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # it was this one's turn
            raise
        finally:
            timer.cancel()

    def _expire(self, turn: "asyncio.Future[None]") -> None:
        if not turn.done():
            turn.set_exception(
                lock_unavailable(f"the store was busy with other writes for {self._limits.lock_s:g} s")
            )

    def _next(self) -> None:
        """Nobody runs: give the turn to the next in line, or see to the commit."""
        self._busy = False
        group = self._group
        if group is not None and self._is_full(group):
            self._commit(group)
            return
        while self._line and self._line[0].done():
            self._line.popleft()
        if self._line:
            self._serve_line()
        elif group is not None:
            self._watch(group)
        elif self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    def _is_full(self, group: Group) -> bool:
        if group.failed is not None or group.units >= GROUP_UNITS:
            return True
        took_s = time.monotonic() - group.opened
        return took_s > GROUP_S and (took_s > LONGEST_S or self._lock.is_wanted())

    def _watch(self, group: Group) -> None:
        loop = asyncio.get_running_loop()
        if group.watched:
            if group.units == self._crowd:
                self._commit(group)  # nobody is known who could come yet
        elif group.units < self._crowd:
            loop.call_later(GATHER_S, self._commit_when_quiet, group, group.units, 1)
        else:
            loop.call_soon(self._commit_when_quiet, group, group.units, 1)
        group.watched = True

    def _serve_line(self) -> None:
        try:
            ready = self._ready()
        except (apsw.Error, FhirError) as error:
            self._refuse_line(error)
            return
        self._busy = True
        if ready:
            self._line.popleft().set_result(None)
        else:
            self._begin_in_thread()

    def _refuse_line(self, error: BaseException) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_exception(error)

    def _begin_in_thread(self) -> None:
        self._busy = self._locking = True
        self._worker.run(self._begin_blocking).add_done_callback(self._begun)

    def _begin_blocking(self) -> None:
        self._lock.take()
        try:
            writing = self._open()
            writing.connection.set_busy_timeout(int(self._limits.lock_s * 1000))
            try:
                self._begin(writing)
            finally:
                writing.connection.set_busy_timeout(0)
        except BaseException:
            self._lock.release()
            raise

    def _begun(self, begun: "asyncio.Future[None]") -> None:
        self._locking = False
        error = begun.exception()
        # another program's lock: whoever came in line meanwhile has a time to wait of his own
        if error is not None and not isinstance(error, apsw.BusyError):
            self._refuse_line(_outcome(error))
        self._next()

    def _commit_when_quiet(self, group: Group, units: int, turns: int) -> None:
        """Units of the requests that have reached the loop, or do while it turns, can still join.

        A COMMIT costs as much as several units do, however many it is for.
        """
        if self._group is not group:
            return
        if self._busy:
            group.watched = False  # whoever runs comes by here again
        elif self._is_full(group) or (units == group.units and turns >= QUIET_TURNS):
            self._commit(group)
        else:
            turns = turns + 1 if units == group.units else 1
            asyncio.get_running_loop().call_soon(self._commit_when_quiet, group, group.units, turns)

    def _commit(self, group: Group) -> None:
        self._group = None
        if group.wrote and not group.failed:
            try:
                group.writing.flush()
            except Exception as error:
                group.failed = _outcome(error)
        if group.wrote and not group.failed:
            self._busy = True
            commit = self._worker.run(lambda: self._commit_blocking(group))
            commit.add_done_callback(lambda done: self._told(group, done.exception()))
            return
        group.writing.roll_back()
        self._lock.release()
        self._told(group, group.failed)

    def _commit_blocking(self, group: Group) -> None:
        connection = group.writing.connection
        try:
            self._sign.begin_commit()
            connection.execute("COMMIT")
            self._sign.end_commit()
            self._sign.tell(group.writing.rules_mark)
            self._checkpoints.finish(connection)
        except apsw.Error:
            # what the disk has kept is uncertain: only a fresh look at the log tells
            self._writing = None
            connection.close(force=True)
            self._overwrite()
            raise
        finally:
            self._lock.release()

    def _overwrite(self) -> None:
        """After a COMMIT that failed: its pages may stand in SQLite's log, and come back after a crash.

        The next transaction takes their place there; so that there is one, this writes what stands already.
        """
        for _ in range(_OVERWRITES):
            with suppress(apsw.Error, FhirError):
                writing = self._open_writing()
                try:
                    writing.connection.pragma("user_version", writing.connection.pragma("user_version"))
                except apsw.Error:
                    writing.connection.close(force=True)
                    continue
                self._writing = writing
                return

    def _told(self, group: Group, error: BaseException | None) -> None:
        group.failed = None if error is None else _outcome(error)
        for waiter in group.waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._crowd = group.units + len(self._line)
        if error is None and group.wrote:
            self._checkpoints.committed(group.writing.connection)
            self.on_commit(group.writing)
        self._next()

    async def close(self) -> None:
        """Let the units that run come to their end, refuse those in line."""
        self._closed = True
        self._refuse_line(store_unavailable("the store is closing"))
        if (self._group is not None or self._busy) and not self._locking:
            self._idle = asyncio.get_running_loop().create_future()
            if not self._busy and self._group is not None:
                self._commit(self._group)
            await self._idle
        self._worker.close(wait=not self._locking)
        self._checkpoints.close()
        if self._writing is not None:
            self._writing.connection.close()
        self._lock.close()


def _outcome(error: BaseException) -> BaseException:
    """What a client is told; an error that nobody foresaw stays itself."""
    return (unavailable(error) if isinstance(error, apsw.Error) else None) or error

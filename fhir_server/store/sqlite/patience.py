"""How long a statement may run: a moment on the event loop, a while in a thread, then no longer.

Most reads take microseconds, less than to hand them to a thread would. One that does not is interrupted and
starts again in a thread, on another connection, so that the loop is never held for long.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, ParamSpec, Protocol, TypeVar

import apsw

from fhir_server.outcome import too_costly
from fhir_server.store.sqlite.errors import unavailable
from fhir_server.store.sqlite.reading import Connected

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=Connected)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds."""

    inline_s: float = 0.02  # a read on the event loop; it goes to a thread then
    find_s: float = 10.0  # a search or a count, in a thread
    lock_s: float = 10.0  # for a write to have its turn
    words_s: float = 2.0  # for the table of words to catch up with the log


class Patiently(Protocol):
    """Answers what a call on a connection does, when that has come to its end."""

    def __call__(
        self, call: Callable[Concatenate[Connected, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...


def within(
    here: C, limit_s: float, call: Callable[Concatenate[C, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The answer of `call`; raises apsw.InterruptError when its SQL runs longer than that."""
    here.deadline = time.monotonic() + limit_s
    try:
        return call(here, *args, **kwargs)
    except apsw.InterruptError:
        raise
    except apsw.Error as error:
        raise unavailable(error) or error from error
    finally:
        here.deadline = float("inf")


def costly(limit_s: float) -> Exception:
    return too_costly(f"the search took more than {limit_s:g} s: add a parameter that fewer resources fit")


class Readers:
    """Threads for long reads, each with a connection of its own while it reads."""

    def __init__(self, open_reader: Callable[[], Connected], threads: int, limit_s: float) -> None:
        self._open_reader = open_reader
        self._limit_s = limit_s
        self._threads = ThreadPoolExecutor(threads, "fhir-store-reader")
        self._idle: list[Connected] = []

    async def run(self, call: Callable[Concatenate[Connected, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Raises 400 `too-costly` when it takes too long."""
        abandoned: list[Connected] = []
        job = partial(self._run, abandoned, lambda here: call(here, *args, **kwargs))
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, job)
        except apsw.InterruptError:
            raise costly(self._limit_s) from None
        except asyncio.CancelledError:
            for here in abandoned:
                here.deadline = 0.0
            raise

    def _run(self, running: list[Connected], call: Callable[[Connected], T]) -> T:
        try:
            here = self._idle.pop()
        except IndexError:
            here = self._open_reader()
        running.append(here)
        try:
            return within(here, self._limit_s, call)
        finally:
            running.clear()
            self._idle.append(here)

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)
        for here in self._idle:
            here.connection.close()

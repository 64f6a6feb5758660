"""Copies what SQLite's log holds into the file, in a thread beside the writer.

https://www.sqlite.org/wal.html#checkpointing

A checkpoint within a COMMIT keeps everybody waiting for as long as it takes. So most of the log is copied
while the writer goes on, and only the little that came meanwhile after the next COMMIT: then the log begins
anew.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import apsw

from fhir_server.store.sqlite.worker import Worker

LOG_PAGES = 12_000  # of the log, from which on it is copied: the longer, the more often a page is in it twice


class Checkpoints:
    """`open_connection`: one that nobody else uses."""

    def __init__(self, open_connection: Callable[[], apsw.Connection]) -> None:
        self._open = open_connection
        self._connection: apsw.Connection | None = None  # None: none was needed yet
        self._worker = Worker("fhir-store-checkpoint")
        self.copying: asyncio.Future[None] | None = None  # None: the thread rests
        self._rest = False  # most was copied, what came meanwhile was not

    def committed(self, writer: apsw.Connection) -> None:
        """After each commit, on the event loop, while nobody uses `writer`."""
        if self.copying is None and log_pages(writer) >= LOG_PAGES:
            self.copying = self._worker.run(self._copy)
            self.copying.add_done_callback(self._copied)

    def finish(self, writer: apsw.Connection) -> None:
        """Right after a COMMIT, in its thread."""
        if self._rest:
            self._rest = False
            _copy(writer)

    def _copy(self) -> None:
        if self._connection is None:
            self._connection = self._open()
        _copy(self._connection)

    def _copied(self, done: "asyncio.Future[None]") -> None:
        self.copying = None
        self._rest = done.exception() is None

    def close(self) -> None:
        self._worker.close(wait=True)
        if self._connection is not None:
            self._connection.close()


def _copy(connection: apsw.Connection) -> None:
    # another process does it, or the disk fails: the log grows, and the next commit tries again
    with suppress(apsw.Error):
        connection.wal_checkpoint()


def log_pages(connection: apsw.Connection) -> int:
    """How many pages the log holds."""
    try:
        return connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)[0]
    except apsw.Error:
        return 0  # the next commit asks again

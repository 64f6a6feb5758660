"""Connections to the store's file, with the settings that durability and speed hang on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

PAGE_SIZE_BYTES = 4096
CACHE_KIB = 32 * 1024
SMALL_CACHE_KIB = 8 * 1024
WRITER_CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 40_000  # of the log; then a COMMIT copies it, when `checkpoint.py` could not
# the most that apsw keeps; it drops a statement that was not among so many executions, however few different
# ones there are
STATEMENTS = 512
MAPPED_BYTES = 1 << 40  # more than any store: readers map the whole file
OPENING_S = 10.0  # how long to wait for another process that makes the file, or recovers or removes its log


class SchemaError(Exception):
    """The file is not a store, or one of a newer release."""


def open_writer(path: Path) -> apsw.Connection:
    """Makes the file when it is not there."""
    connection = _open(str(path), apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, WRITER_CACHE_KIB)
    connection.pragma("page_size", PAGE_SIZE_BYTES)  # has an effect on an empty file only
    connection.pragma("journal_mode", "wal")
    # NORMAL loses acknowledged writes when the power fails
    connection.pragma("synchronous", "full")
    connection.wal_autocheckpoint(CHECKPOINT_PAGES)
    connection.set_busy_timeout(0)
    return connection


def open_reader(path: Path, cache_kib: int = CACHE_KIB) -> apsw.Connection:
    # opened for writing, as a connection must be that may have to recover the log after a crash
    connection = _open(str(path), apsw.SQLITE_OPEN_READWRITE, cache_kib)
    connection.pragma("query_only", 1)
    connection.pragma("mmap_size", MAPPED_BYTES)
    connection.wal_autocheckpoint(0)
    connection.set_busy_timeout(0)
    return connection


def open_checkpointing(path: Path) -> apsw.Connection:
    """Reads pages of the log and writes them into the file, past its cache."""
    connection = _open(str(path), apsw.SQLITE_OPEN_READWRITE, SMALL_CACHE_KIB)
    connection.set_busy_timeout(0)
    return connection


def open_immutable(path: Path) -> apsw.Connection:
    """A file that nobody writes while it is open: no locks, no log, a read-only disk will do."""
    uri = f"{path.absolute().as_uri()}?immutable=1"
    connection = _open(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, CACHE_KIB)
    connection.pragma("mmap_size", MAPPED_BYTES)
    return connection


def _open(name: str, flags: int, cache_kib: int) -> apsw.Connection:
    """Of those that can be locked out; waits OPENING_S until the caller has said otherwise."""
    connection = apsw.Connection(name, flags=flags, statementcachesize=STATEMENTS)
    # without it, a statement whose plan might depend on a bound value is prepared anew each time it runs:
    # a read takes 23 µs then, instead of 6
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.set_busy_timeout(int(OPENING_S * 1000))
    try:
        connection.pragma("cache_size", -cache_kib)
    except apsw.NotADBError:
        connection.close()
        raise SchemaError("the file is not an SQLite database") from None
    connection.pragma("temp_store", "memory")
    connection.pragma("automatic_index", 0)
    connection.pragma("trusted_schema", 0)
    return connection


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """One transaction for writing, rolled back when the block raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


class snapshot:  # noqa: N801
    """Everything read inside sees one state; nests inside a transaction."""

    __slots__ = ("_connection", "_own")

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._own = not connection.in_transaction

    def __enter__(self) -> None:
        if self._own:
            self._connection.execute("BEGIN")

    def __exit__(self, *_: object) -> None:
        if self._own and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

"""Backup of a store while others write it, and restore.

A backup is one file: a store of one committed state, that `restore` puts in place of another.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from fhir_server.store.sqlite.connection import open_immutable, open_reader, snapshot
from fhir_server.store.sqlite.lock import OpenLock
from fhir_server.store.sqlite.schema import SchemaError, version_of

PAGES_AT_ONCE = 1000

Progress = Callable[[int, int], None]
"""Is told how many pages are done, and of how many."""


class BackupError(Exception):
    """Why there is no backup, or why nothing was restored."""


def backup(path: Path, target: Path, progress: Progress = lambda done, total: None) -> None:
    """Write the present state of the store to the new file `target`; killed, it leaves `target.part` behind.

    Readers and writers go on. Raises BackupError.
    """
    if target.exists():
        raise BackupError(f"{target} is there already")
    _known(path)
    with closing(open_reader(path)) as source, snapshot(source):
        # one snapshot for all pages, so that no writer makes the copy begin again
        source.execute("SELECT count(*) FROM dictionary").fetchall()
        with _written(target) as part:
            _copy(source, part, progress)


def restore(
    source: Path, path: Path, *, overwrite: bool = False, progress: Progress = lambda d, t: None
) -> None:
    """Put the backup `source` in place of the store at `path`.

    Raises BackupError: also when there is a store and `overwrite` was not asked for, or somebody has it open.
    """
    _known(source)
    lock = OpenLock(path)
    try:
        if not lock.take_at_once():
            raise BackupError(f"{path} is open in another process: stop the server first")
        if path.exists() and not overwrite:
            raise BackupError(f"{path} is there already")
        with closing(open_immutable(source)) as connection, _written(path) as part:
            _copy(connection, part, progress)
            # the log of the store that goes must not be taken for one of the store that comes
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
    finally:
        lock.close()


def _known(path: Path) -> None:
    """Raises BackupError when the file is not a store that this release can read."""
    if not path.is_file():
        raise BackupError(f"there is no file {path}")
    try:
        with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
            known = version_of(connection) > 0
    except (SchemaError, apsw.Error) as error:
        raise BackupError(f"{path}: {error}") from error
    if not known:
        raise BackupError(f"{path} is empty")


def _copy(source: apsw.Connection, target: Path, progress: Progress) -> None:
    with closing(apsw.Connection(str(target))) as copy:
        with copy.backup("main", source, "main") as pages:
            while not pages.done:
                pages.step(PAGES_AT_ONCE)
                progress(pages.page_count - pages.remaining, pages.page_count)
        copy.pragma("journal_mode", "delete")
        found = copy.execute("PRAGMA quick_check(1)").get
        if found != "ok":
            raise BackupError(f"the copy is damaged: {found}")


@contextmanager
def _written(target: Path) -> Iterator[Path]:
    """A file that is `target` once the block has ended, whole and on disk."""
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        yield part
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync(part)
    part.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)

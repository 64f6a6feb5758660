"""Locks by which processes share a store, on side files; the kernel frees those of a process that is killed.

Writers: `.lock` is held by the one that writes, `.turn` by the one that waits next. A writer that has just
let go finds `.turn` taken and queues behind, so nobody starves, and the kernel wakes up who waits.

Everybody who has the store open shares `.open`, so that nobody replaces the file under them.
"""

import fcntl
import os
from pathlib import Path


class WriteLock:
    def __init__(self, path: Path) -> None:
        self._lock = _open(path, ".lock")
        self._turn = _open(path, ".turn")

    def take_at_once(self) -> bool:
        """False when somebody else has it or waits for it."""
        if not _try(self._turn):
            return False
        taken = _try(self._lock)
        fcntl.flock(self._turn, fcntl.LOCK_UN)
        return taken

    def take(self) -> None:
        """Blocks the thread."""
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    def is_wanted(self) -> bool:
        """For the one that has it: whether somebody waits for it."""
        if not _try(self._turn):
            return True
        fcntl.flock(self._turn, fcntl.LOCK_UN)
        return False

    def release(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._turn)
        os.close(self._lock)


class LeadLock:
    """Held by the one process that works on jobs."""

    def __init__(self, path: Path) -> None:
        self._file = _open(path, ".lead")

    def take_at_once(self) -> bool:
        return _try(self._file)

    def close(self) -> None:
        os.close(self._file)


class OpenLock:
    """Held as long as a store is open, or while its file is replaced."""

    def __init__(self, path: Path) -> None:
        self._file = _open(path, ".open")

    def share(self) -> None:
        """Waits while the file is replaced."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def take_at_once(self) -> bool:
        """Whether nobody has the store open."""
        return _try(self._file)

    def close(self) -> None:
        os.close(self._file)


def _open(path: Path, suffix: str) -> int:
    name = path.with_name(path.name + suffix)
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _try(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

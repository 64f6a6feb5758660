"""The lock by which processes that share a store take turns to write.

Two side files: `.lock` is held by the writer, `.turn` by the one that waits next. A writer that has just
let go finds `.turn` taken and queues behind, so nobody starves. The kernel wakes up who waits, and frees the
locks of a process that is killed.
"""

import fcntl
import os
from pathlib import Path


class WriteLock:
    def __init__(self, path: Path) -> None:
        self._lock = _open(path.with_name(path.name + ".lock"))
        self._turn = _open(path.with_name(path.name + ".turn"))

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

    def release(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._turn)
        os.close(self._lock)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _try(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

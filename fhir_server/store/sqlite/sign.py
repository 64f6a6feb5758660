"""How a process learns that another one has written: numbers that the processes on a store share."""

import mmap
import os
from pathlib import Path

_RULES, _BEGUN, _ENDED = range(3)


class Sign:
    """The mark of the rules committed last, and how many commits have begun and ended.

    It only says when to look at the store again, so that a look at the sign can take the place of a query.
    """

    def __init__(self, path: Path) -> None:
        file = os.open(path.with_name(f"{path.name}.rules"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.ftruncate(file, mmap.PAGESIZE)
            self._map = mmap.mmap(file, mmap.PAGESIZE)
        finally:
            os.close(file)
        self.cells = memoryview(self._map).cast("q")

    @property
    def rules(self) -> int:
        return self.cells[_RULES]

    @property
    def commits(self) -> int | None:
        """How many there were; None: one is under way, or nobody knows how it ended."""
        begun = self.cells[_BEGUN]
        return begun if begun == self.cells[_ENDED] else None

    def tell(self, rules: int) -> None:
        if self.cells[_RULES] != rules:
            self.cells[_RULES] = rules

    def begin_commit(self) -> None:
        """Before it, by the one process that may write: who is killed then has told."""
        self.cells[_BEGUN] += 1

    def end_commit(self) -> None:
        """After it, when it is sure what it has kept."""
        self.cells[_ENDED] = self.cells[_BEGUN]

    def close(self) -> None:
        self.cells.release()
        self._map.close()

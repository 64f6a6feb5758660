"""Several processes that serve one socket: forked when everything that can be shared is loaded.

A process that dies is replaced. The parent does nothing else than wait for its children.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

Work = Callable[[int], None]
"""What a child does; gets the read end of a pipe that ends when the parent is gone."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_GRACE_S = 5  # above the time that a child gives to the requests in work
_SHORT_LIFE_S = 2.0
_FAILURES = 5  # children in a row that live shortly: it will not get better


class Workers:
    def __init__(self, count: int, work: Work, stop_timeout_s: int) -> None:
        self._count = count
        self._work = work
        self._stop_timeout_s = stop_timeout_s
        self._born: dict[int, float] = {}  # of each child, by process id
        self._stopping = False
        self._failures = 0

    def run(self, started: Callable[[], None] = lambda: None) -> int:
        """Serve until SIGTERM or SIGINT; returns the exit code of the parent.

        started: called when the children are there.
        """
        self._alive, held = os.pipe()
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._kill)
        for _ in range(self._count):
            self._fork(held)
        started()
        while self._born:
            pid, _ = os.wait()
            self._ended(pid, held)
        return 1 if self._failures >= _FAILURES else 0

    def _fork(self, held: int) -> None:
        # a signal must meet either the parent or a child that is set up, not the parent's copy in between
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid == 0:
            self._be_child(held)
        self._born[pid] = time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _be_child(self, held: int) -> NoReturn:
        os.close(held)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        code = 1
        try:
            self._work(self._alive)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)  # what the parent has to clean up is not the child's

    def _ended(self, pid: int, held: int) -> None:
        lived_s = time.monotonic() - self._born.pop(pid, 0.0)
        if self._stopping:
            return
        self._failures = self._failures + 1 if lived_s < _SHORT_LIFE_S else 0
        if self._failures < _FAILURES:
            self._fork(held)
        else:
            self._stop(signal.SIGTERM, None)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        self._send(signal.SIGTERM)
        signal.alarm(self._stop_timeout_s + _GRACE_S)

    def _kill(self, number: int, frame: FrameType | None) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        for pid in self._born:
            os.kill(pid, number)

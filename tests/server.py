"""A real server: `fhir-server serve` as a process of its own, for tests that come over HTTP."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent


class Server:
    """Serves `data` on a free port of the loopback interface from `start` to `stop` or `kill`."""

    def __init__(self, data: Path, *, workers: int = 1, flags: Sequence[str] = ()) -> None:
        self.data = data
        self.workers = workers
        self.flags = flags
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.log = data.parent / f"{data.name}.log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.url}/fhir"

    def start(self, limit_s: float = 30, path: str = "/ready") -> float:
        """Answers how many seconds went by until `path` was answered with 200."""
        began = time.perf_counter()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                env=os.environ
                | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))},
                stdout=log,
                stderr=log,
                start_new_session=True,  # the workers die with it, and nobody else
            )
        while not self.answers(path):
            if self.process.poll() is not None or time.perf_counter() - began > limit_s:
                self.kill()
                raise AssertionError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.002)
        return time.perf_counter() - began

    def command(self) -> list[str]:
        return [
            sys.executable, "-m", "fhir_server.cli", "serve", "--open", "--port", str(self.port),
            "--data", str(self.data), "--workers", str(self.workers), *self.flags,
        ]  # fmt: skip

    def answers(self, path: str) -> bool:
        """Whether a GET of `path` is answered with 200 now."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, limit_s: float = 30) -> None:
        """As an operator does: SIGTERM, and wait for the end."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(limit_s)
            finally:
                self.kill()

    def kill(self) -> None:
        """As the kernel does when memory is short: SIGKILL for the server and all its workers at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

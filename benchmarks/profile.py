"""Where the time of the server's processes goes, by py-spy (https://github.com/benfred/py-spy)."""

import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server import Server

RATE = 250  # samples a second


@contextmanager
def profiled(server: Server, folder: Path | None, name: str) -> Iterator[None]:
    """Writes `folder/name.raw` (stack;stack count) and `name.txt`, the functions that take most."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    assert server.process is not None
    spy = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or "py-spy"
    raw = folder / f"{name}.raw"
    command = [spy, "record", "--pid", str(server.process.pid), "--subprocesses", "--format", "raw"]
    command += ["--rate", str(RATE), "--output", str(raw), "--nonblocking"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as recorder:
        yield
        recorder.send_signal(signal.SIGINT)
    (folder / f"{name}.txt").write_text(top(raw.read_text()))


def top(raw: str, count: int = 25) -> str:
    """Functions by the share of samples in which they run themselves, and in which they are on the stack."""
    alone: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, samples = line.rpartition(" ")
        frames = [_LINE.sub(")", frame) for frame in stack.split(";")]
        alone[frames[-1]] += int(samples)
        for frame in set(_within(frames)):
            within[frame] += int(samples)
    total = sum(alone.values()) or 1
    lines = ["self"] + [f"{100 * seen / total:6.1f} %  {frame}" for frame, seen in alone.most_common(count)]
    lines += ["", "with what it calls"]
    lines += [f"{100 * seen / total:6.1f} %  {frame}" for frame, seen in within.most_common(count)]
    return "\n".join(lines) + "\n"


def _within(frames: list[str]) -> list[str]:
    """Without what is the same in every stack: how the process came to its loop, and to a request."""
    for start in _STARTS:
        if start in frames:
            return frames[frames.index(start) + 1 :]
    return frames[1:]


_LINE = re.compile(r":\d+\)$")
_STARTS = (
    "RequestResponseCycle.run_asgi (uvicorn/protocols/http/httptools_impl.py)",
    "Runner.run (asyncio/runners.py)",
    "Thread._bootstrap_inner (threading.py)",
)

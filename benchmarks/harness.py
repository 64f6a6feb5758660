"""Starts the server, measures what its processes use, and drives clients against it."""

import asyncio
import os
import platform
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Iterator
from compileall import compile_dir
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.profile import profiled
from tests.server import ROOT, Server
from tests.wire import Answer, Connection

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Options:
    seconds: float = 10.0  # of each measurement
    rounds: int = 3
    workers: int = 1
    profile: Path | None = None  # folder for py-spy's stacks; None: no profile is taken
    largest: int = 200_000  # resources of the largest store of W10

    @property
    def quick(self) -> bool:
        """Only to see that the workload runs: small corpora."""
        return self.seconds < 3


@dataclass(slots=True)
class Result:
    workload: str  # W1
    title: str
    figure: float  # what the bar is for; the median of the rounds
    unit: str
    bar: float
    lower_is_better: bool = False
    rounds: list[float] = field(default_factory=list)
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return self.figure <= self.bar if self.lower_is_better else self.figure >= self.bar


@dataclass(slots=True)
class Usage:
    cpu_s: float = 0
    wall_s: float = 0
    most_mb: float = 0  # resident at its height; 0: nobody looked


@dataclass(slots=True)
class Load:
    """What one measurement saw."""

    usage: Usage
    count: int  # whatever the workload counts: requests, resources, transactions
    latencies_ms: list[float]

    @property
    def per_cpu_s(self) -> float:
        return self.count / max(self.usage.cpu_s, 1 / TICKS)

    def summary(self) -> dict[str, float]:
        ordered = sorted(self.latencies_ms) or [0.0]
        return {
            "count": self.count,
            "per_cpu_s": round(self.per_cpu_s, 1),
            "per_s": round(self.count / self.usage.wall_s, 1),
            "cpu_s": round(self.usage.cpu_s, 2),
            **{
                f"p{part}_ms": round(ordered[min(len(ordered) * part // 100, len(ordered) - 1)], 2)
                for part in (50, 95, 99)
            },
        }


class Client:
    """A connection that times its requests and accepts only the status it expects."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.latencies_ms: list[float] = []

    async def send(self, request: bytes, *expected: int) -> Answer:
        began = time.perf_counter()
        answer = await self._connection.send(request)
        self.latencies_ms.append((time.perf_counter() - began) * 1000)
        if answer.status not in expected:
            raise AssertionError(f"{answer.status} for {request[:80]!r}: {answer.body[:500]!r}")
        return answer


Work = Callable[[Client, Callable[[], bool]], Awaitable[int]]
"""Uses a client until the second argument answers True; answers how much it got done."""


@contextmanager
def running(options: Options, *flags: str, before: Callable[[Path], None] | None = None) -> Iterator[Server]:
    """A server with an empty store that goes when the block ends.

    before: is given the folder of the store before the server starts.
    """
    compile_dir(ROOT / "fhir_server", quiet=1)  # as an installation does
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder) / "data"
        if before is not None:
            before(data)
        with Server(data, workers=options.workers, flags=flags) as server:
            yield server


def command(*arguments: str) -> Usage:
    """Runs `fhir-server` to its end, which has to be a good one."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "fhir_server.cli", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AssertionError(f"fhir-server {arguments[0]} ended with {process.returncode}")
    return Usage(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)


def drive(server: Server, connections: int, work: Work, seconds: float) -> Load:
    """Runs `work` on so many connections at once; CPU of the server alone."""
    import uvloop

    async def run() -> Load:
        async with AsyncExitStack() as open_ones:
            clients = [
                Client(await open_ones.enter_async_context(await Connection.open(server.port)))
                for _ in range(connections)
            ]
            end = time.perf_counter() + seconds
            with measured(server) as usage:
                counts = await asyncio.gather(
                    *(work(client, lambda: time.perf_counter() >= end) for client in clients)
                )
        latencies = [latency for client in clients for latency in client.latencies_ms]
        return Load(usage, sum(counts), latencies)

    return uvloop.run(run())


@contextmanager
def measured(server: Server) -> Iterator[Usage]:
    usage = Usage()
    cpu, wall = cpu_seconds(server), time.perf_counter()
    yield usage
    usage.cpu_s, usage.wall_s = cpu_seconds(server) - cpu, time.perf_counter() - wall


def cpu_seconds(server: Server) -> float:
    """User and system time of the server, its workers, and the workers that have ended."""
    total = 0
    for pid in processes(server):
        # the name, in parentheses, may hold spaces
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def resident_mb(server: Server) -> float:
    """Resident memory, pages that processes share counted once."""
    kib = 0
    for pid in processes(server):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kib += int(line.split()[1])
    return kib / 1024


def processes(server: Server) -> list[int]:
    assert server.process is not None
    found = [server.process.pid]
    for pid in found:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    return found


def repeated(options: Options, server: Server, name: str, measure: Callable[[], Load]) -> list[Load]:
    """`options.rounds` measurements, under the profiler when it is asked for."""
    with profiled(server, options.profile, name):
        return [measure() for _ in range(options.rounds)]


def middle(loads: list[Load]) -> Load:
    return sorted(loads, key=lambda load: load.per_cpu_s)[len(loads) // 2]


def rounds_of(loads: list[Load]) -> list[float]:
    return [round(load.per_cpu_s, 1) for load in loads]


def median_of(loads: list[Load]) -> float:
    return round(median(load.per_cpu_s for load in loads), 1)


def state(options: Options) -> dict[str, Any]:
    """What a figure depends on."""
    commit = _git("rev-parse", "--short", "HEAD")
    dirty = "+changes" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return {
        "commit": commit + dirty,
        "python": platform.python_version(),
        "machine": f"{os.cpu_count()} cores, {_processor()}",
        "store": "sqlite, WAL, synchronous=FULL",
        "validation": "base specification, every write",
        "workers": options.workers,
        "seconds": options.seconds,
        "rounds": options.rounds,
    }


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def machine_speed() -> float:
    """Million steps of an empty loop in a CPU-second: what other programs take away shows here.

    Cores that share caches and power with busy neighbours do less in a CPU-second, by a third and more.
    """
    began = time.process_time()
    for _ in range(3_000_000):
        pass
    return round(3 / (time.process_time() - began), 1)


def main(run: Callable[[Options], Result]) -> None:
    """`python -m benchmarks.w1_read --seconds 1`"""
    parser = ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--profile", type=Path, help="folder for py-spy's stacks")
    parser.add_argument("--largest", type=int, default=200_000, help="resources of the largest store of W10")
    options = Options(**vars(parser.parse_args()))
    before = machine_speed()
    result = run(options)
    result.detail["machine speed"] = [before, machine_speed()]
    for name, value in asdict(result).items():
        print(f"{name}: {value}")
    print("holds" if result.holds else "MISSES THE BAR")

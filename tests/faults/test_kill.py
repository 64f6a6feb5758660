"""kill -9 of processes that share a store (fault suites K1 and K2)."""

import asyncio
import time
from pathlib import Path
from random import Random
from subprocess import Popen

import pytest

from fhir_server.clock import system_clock
from fhir_server.store.sqlite import open_store
from tests.faults.known import Known, compare, writer
from tests.store.resources import extract

READY_S = 5.0


def wait_for(process: "Popen[bytes]", oracle: Path, lines: int) -> None:
    """Until the writer has said so much; the test's own time-out is the kill of a writer that hangs."""
    deadline = time.monotonic() + 60
    while not oracle.exists() or oracle.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < deadline, "the writer says nothing"
        time.sleep(0.002)


@pytest.mark.parametrize("kills", [4, pytest.param(60, marks=pytest.mark.long)])
def test_nothing_acknowledged_is_lost_when_writers_are_killed(tmp_path: Path, kills: int) -> None:
    """Two processes write; one or both are killed at random moments, again and again."""
    chance = Random(kills)
    path, known = tmp_path / "store.db", Known()
    for kill in range(kills):
        names = [f"k{kill}a", f"k{kill}b"]
        processes = [writer(path, tmp_path / name, name) for name in names]
        first = chance.randrange(2)
        wait_for(processes[first], tmp_path / names[first], chance.randrange(2, 150))
        processes[first].kill()
        processes[first].communicate()
        if chance.random() < 0.5:
            # the one that lives goes on: the lock of the other one is free
            said = (
                (tmp_path / names[1 - first]).read_bytes().count(b"\n")
                if (tmp_path / names[1 - first]).exists()
                else 0
            )
            wait_for(processes[1 - first], tmp_path / names[1 - first], said + 10)
        processes[1 - first].kill()
        processes[1 - first].communicate()
        began = time.monotonic()
        asyncio.run(_opens(path))
        assert time.monotonic() - began < READY_S
        for name in names:
            known.read(name, tmp_path / name)
        if kill % 10 == 9 or kill == kills - 1:
            asyncio.run(compare(path, known))
    assert sum(map(len, known.acknowledged.values())) > kills


async def _opens(path: Path) -> None:
    store = open_store(path, extract=extract, clock=system_clock)
    await store.totals()
    await store.close()

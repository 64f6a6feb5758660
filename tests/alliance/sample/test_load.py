"""A network is loaded once; killed anywhere, its load goes on where it was."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from fhir_server.alliance.sample.load import load_bundles, load_sample, made
from fhir_server.alliance.sample.marker import bundles_loaded, has_sample, marker
from fhir_server.alliance.sample.networks import bundles
from fhir_server.alliance.sample.world import SIZES, World
from fhir_server.app import OpenContext, Parts
from fhir_server.config import Settings
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import OPERATOR, Request
from fhir_server.resource import Resource
from tests.alliance.sample.networks import network

ROOT = Path(__file__).parents[3]
SMALL = World("D")


def within(data: Path, work: Callable[[OpenContext], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        opened = await Parts(Settings(data=str(data))).open_context()
        try:
            return await work(opened)
        finally:
            await opened.close()

    return asyncio.run(run())


def load(data: Path, world: World = SMALL) -> int:
    loaded: int = within(data, lambda opened: load_sample(opened.context, world))
    return loaded


async def given(found: Iterable[Resource]) -> AsyncIterator[Resource]:
    for bundle in found:
        yield bundle


def load_some(data: Path, number: int) -> int:
    """The first bundles only, as of a load that was killed."""
    some = islice(bundles(SMALL), number)
    return int(within(data, lambda opened: load_bundles(opened.context, given(some), 0, lambda _: None)))


def state(data: Path) -> tuple[int, dict[str, int]]:
    async def read(opened: OpenContext) -> tuple[int, dict[str, int]]:
        return await opened.main.last_sequence(), await opened.main.totals()

    found: tuple[int, dict[str, int]] = within(data, read)
    return found


def expected(letter: str) -> dict[str, int]:
    totals = Counter(resource["resourceType"] for resource in network(letter))
    totals["Provenance"] += 1  # the marker
    return totals


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("sample")
    assert load(data) == SIZES["D"]
    return data


def test_the_store_holds_all_of_it(loaded: Path) -> None:
    assert state(loaded)[1] == expected("D")
    assert within(loaded, lambda opened: has_sample(opened.context, SMALL)) is True


def test_a_second_load_does_nothing(loaded: Path) -> None:
    before = state(loaded)
    assert load(loaded) == 0
    assert state(loaded) == before


def test_another_seed_is_another_network(loaded: Path) -> None:
    assert within(loaded, lambda opened: has_sample(opened.context, World("D", 2))) is False
    assert within(loaded, lambda opened: bundles_loaded(opened.context, World("D", 2))) == 0


def test_a_load_that_was_cut_off_goes_on_after_the_last_bundle(tmp_path: Path) -> None:
    first = load_some(tmp_path, 1)
    assert within(tmp_path, lambda opened: bundles_loaded(opened.context, SMALL)) == 1
    assert within(tmp_path, lambda opened: has_sample(opened.context, SMALL)) is False
    assert load(tmp_path) == SIZES["D"] - first
    assert state(tmp_path)[1] == expected("D")


def test_a_network_that_was_thrown_away_does_not_come_back(tmp_path: Path) -> None:
    load_some(tmp_path, 1)
    resource_type, id_ = marker(SMALL)

    async def delete(opened: OpenContext) -> None:
        request = Request("DELETE", resource_type=resource_type, id=id_, organization=OPERATOR)
        await perform(opened.context, request)

    within(tmp_path, delete)
    assert within(tmp_path, lambda opened: has_sample(opened.context, SMALL)) is False
    assert load(tmp_path) == 0


def test_the_bundles_of_another_process_are_the_same() -> None:
    async def read() -> list[Resource]:
        return [bundle async for bundle in made(SMALL)]

    assert asyncio.run(read()) == list(bundles(SMALL))


def test_a_process_that_makes_nothing_is_an_error() -> None:
    async def read() -> list[Resource]:
        return [bundle async for bundle in made(World("Z"))]

    with pytest.raises(OSError, match="could not be made"):
        asyncio.run(read())


def test_progress_counts_what_was_there_before(tmp_path: Path) -> None:
    shown: list[int] = []
    load_some(tmp_path, 1)

    async def go_on(opened: OpenContext) -> int:
        return await load_bundles(opened.context, given(bundles(SMALL)), 1, shown.append)

    within(tmp_path, go_on)
    assert shown == [500, SIZES["D"]]


def test_the_command_is_killed_and_started_again(tmp_path: Path) -> None:
    """The first bundle is committed when the progress bar says so; then nobody is asked."""
    command = [sys.executable, "-m", "fhir_server.cli", "demo", "load", "--network", "C", "--seed", "3"]
    command += ["--data", str(tmp_path)]
    running = subprocess.Popen(
        [sys.executable, "-c", _LOAD_AND_TELL, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"500\n"
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    running.stdout.close()
    assert within(tmp_path, lambda opened: bundles_loaded(opened.context, World("C", 3))) in (1, 2)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "the demonstration network C is loaded: " in done.stdout
    assert sum(state(tmp_path)[1].values()) == SIZES["C"] + 1


_LOAD_AND_TELL = """
import asyncio, sys
from fhir_server.alliance.sample.load import load_sample
from fhir_server.alliance.sample.world import World
from fhir_server.app import Parts
from fhir_server.config import Settings

async def run():
    opened = await Parts(Settings(data=sys.argv[1])).open_context()
    await load_sample(opened.context, World("C", 3), lambda done: print(done, flush=True))

asyncio.run(run())
"""

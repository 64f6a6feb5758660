"""Stores to test, each kind by the same tests: a new kind is added to `KINDS`."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fhir_server.clock import Clock
from fhir_server.store.protocol import Store
from fhir_server.store.sqlite import open_store
from tests.store.resources import WORDING, Ticking, extract

T = TypeVar("T")

Run = Callable[[Coroutine[Any, Any, T]], T]
Fresh = Callable[[], Store]


def _sqlite(folder: Path, clock: Clock) -> Store:
    return open_store(folder / "store.db", extract=extract, wording=WORDING, clock=clock)


KINDS: dict[str, Callable[[Path, Clock], Store]] = {"sqlite": _sqlite}


@pytest.fixture
def run() -> Iterator[Run[Any]]:
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


@pytest.fixture(params=sorted(KINDS))
def fresh(request: pytest.FixtureRequest, tmp_path: Path, clock: Ticking, run: Run[Any]) -> Iterator[Fresh]:
    """Opens an empty store."""
    opened: list[Store] = []

    def make() -> Store:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        opened.append(KINDS[request.param](folder, clock))
        return opened[-1]

    yield make
    for store in opened:
        run(store.close())


@pytest.fixture
def store(fresh: Fresh) -> Store:
    return fresh()

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bulk.indexed import Indexed


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as found:
        yield found


@pytest.fixture
def server(runner: asyncio.Runner, tmp_path: Path) -> Iterator[Indexed]:
    with Indexed(runner, tmp_path / "data") as found:
        yield found

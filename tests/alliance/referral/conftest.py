import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alliance.referral.world import Alliance


@pytest.fixture
def alliance(tmp_path: Path) -> Iterator[Alliance]:
    with asyncio.Runner() as runner:
        found = Alliance(runner, tmp_path)
        yield found
        found.close()

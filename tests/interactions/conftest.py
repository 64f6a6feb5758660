"""A server without HTTP: `fhir("PUT", "Patient/1", {...})` performs a request on a store of its own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interactions.fhir import Fhir


@pytest.fixture
def fhir(tmp_path: Path) -> Iterator[Fhir]:
    with asyncio.Runner() as runner:
        server = Fhir(runner, tmp_path / "fhir.sqlite")
        yield server
        server.close()

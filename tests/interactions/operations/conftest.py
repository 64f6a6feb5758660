import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.bulk.packages import CORE_CANONICALS
from fhir_server.search.index import Indexer
from fhir_server.store.sqlite import open_store
from tests.interactions.fhir import Fhir, definitions
from tests.interactions.operations.terminologies import with_core


@pytest.fixture
def hl7(tmp_path: Path) -> Iterator[Fhir]:
    """A server that has the definitions of R4 under its store."""
    extract = Indexer(definitions()).extract
    with asyncio.Runner() as runner:
        server = Fhir(runner, tmp_path / "fhir.sqlite")
        core = open_store(CORE_CANONICALS, extract=extract, clock=lambda: 0, readonly=True)
        with_core(server, core)
        yield server
        server.close()
        runner.run(core.close())

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.bulk import packages
from fhir_server.bulk.packages import make_layer
from fhir_server.definitions.packages import open_package
from fhir_server.definitions.registry import load
from fhir_server.search.index import Indexer
from tests.bulk.indexed import PETS, Indexed
from tests.definitions.archives import archive, files


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as found:
        yield found


@pytest.fixture
def server(runner: asyncio.Runner, tmp_path: Path) -> Iterator[Indexed]:
    with Indexed(runner, tmp_path / "data") as found:
        yield found


@pytest.fixture(scope="module")
def small_layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two value sets in a file that nobody writes."""
    folder = tmp_path_factory.mktemp("layer")
    wild = PETS | {"id": "wild", "url": "x:y", "experimental": False}
    package = open_package(archive(folder / "pets.tgz", files(PETS, wild)))
    path = folder / "core.canonicals"
    asyncio.run(make_layer(package, path, Indexer(load()), lambda _: []))
    return path


@pytest.fixture
def small_core(small_layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand for the definitions of R4, which are many; there are no others."""
    monkeypatch.setenv("FHIR_SERVER_ALLIANCE", "false")  # for commands
    monkeypatch.setattr(packages, "CORE_CANONICALS", small_layer)

"""The package in profiles/, as tests read it, and a store that has it as a layer."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fhir_server.app import OpenContext, Parts
from fhir_server.bulk.packages import add_package
from fhir_server.config import Settings
from fhir_server.definitions.packages import open_package
from fhir_server.resource import Resource

FOLDER = Path(__file__).parents[2] / "profiles"


@cache
def definitions() -> dict[str, list[Resource]]:
    """Everything in the package that defines, by type."""
    found: dict[str, list[Resource]] = {}
    for _, resource in open_package(FOLDER).canonicals():
        found.setdefault(resource["resourceType"], []).append(resource)
    return found


def by_id(resource_type: str) -> dict[str, Resource]:
    return {resource["id"]: resource for resource in definitions()[resource_type]}


@contextmanager
def opened() -> Iterator[tuple[asyncio.Runner, OpenContext]]:
    """An empty store over the package, and what runs coroutines on it."""
    with tempfile.TemporaryDirectory() as data, asyncio.Runner() as runner:
        parts = Parts(Settings(data=data))
        runner.run(add_package(Path(data), str(FOLDER), indexer=parts.indexer, check=parts.validator.check))
        context = runner.run(parts.open_context())
        try:
            yield runner, context
        finally:
            runner.run(context.close())

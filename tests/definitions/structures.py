"""StructureDefinitions for tests: those of the core, which the server ships, and of packages."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from fhir_server.definitions.registry import CORE_TABLES
from fhir_server.resource import Resource, decode
from fhir_server.store.algebra import Everything
from fhir_server.store.sqlite.store import open_store
from tests.examples import profile_packages

_CORE = CORE_TABLES.with_name("r4.canonicals")


@cache
def core_structures() -> dict[str, Resource]:
    """By url, the 655 of R4."""

    async def read() -> list[Any]:
        store = open_store(
            CORE_TABLES.with_name("r4.canonicals"), extract=_nothing, clock=lambda: 0, readonly=True
        )
        try:
            return await store.read_many(await store.identities("StructureDefinition", Everything(), 1000))
        finally:
            await store.close()

    found = [decode(version.body) for version in asyncio.run(read())]
    return {structure["url"]: structure for structure in found}


def _nothing(*_: Any) -> Any:
    raise AssertionError("a layer is not indexed again")


@cache
def package_structures(package: str) -> tuple[Resource, ...]:
    """Those of IPS, of SDC, or the extensions of `hl7.fhir.uv.extensions.r4` that these use."""
    return tuple(json.loads(text) for file, text in profile_packages() if file.startswith(f"{package}/"))


@cache
def all_structures() -> dict[str, Resource]:
    packages = ("hl7.fhir.uv.extensions.r4", "hl7.fhir.uv.ips", "hl7.fhir.uv.sdc")
    found = {one["url"]: one for package in packages for one in package_structures(package)}
    return found | core_structures()


def find(canonical: str) -> Resource | None:
    return all_structures().get(canonical.partition("|")[0])


@cache
def core_code_systems() -> dict[str, frozenset[str]]:
    """By url, the codes of the code systems of R4 that are complete."""

    async def read() -> list[Any]:
        store = open_store(_CORE, extract=_nothing, clock=lambda: 0, readonly=True)
        try:
            return await store.read_many(await store.identities("CodeSystem", Everything(), 5000))
        finally:
            await store.close()

    found = [decode(version.body) for version in asyncio.run(read())]
    return {
        system["url"]: frozenset(_codes(system.get("concept", ())))
        for system in found
        if system.get("content") == "complete"
    }


def _codes(concepts: Iterable[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", ()))

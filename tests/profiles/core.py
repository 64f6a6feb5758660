"""Canonicals of R4 itself, out of the layer that ships."""

import asyncio
from functools import cache

from fhir_server.bulk.packages import CORE_CANONICALS
from fhir_server.definitions.registry import load
from fhir_server.resource import decode
from fhir_server.search.index import Indexer
from fhir_server.store.algebra import Everything
from fhir_server.store.sqlite.store import open_store

_TYPES = ("CodeSystem", "ValueSet", "SearchParameter", "OperationDefinition")


@cache
def urls() -> frozenset[str]:
    async def read() -> list[str]:
        store = open_store(CORE_CANONICALS, extract=Indexer(load()).extract, clock=lambda: 0, readonly=True)
        try:
            return [
                decode(version.body)["url"]
                for resource_type in _TYPES
                for version in await store.read_many(
                    await store.identities(resource_type, Everything(), 10_000)
                )
            ]
        finally:
            await store.close()

    return frozenset(asyncio.run(read()))

"""Definitions by canonical, out of the store: what terminology works with.

https://hl7.org/fhir/R4/references.html#canonical
"""

import re
from collections.abc import Sequence
from typing import cast

from fhir_server.definitions.registry import Definitions
from fhir_server.resource import Resource, decode
from fhir_server.search.compile import criteria
from fhir_server.store.protocol import Reader
from fhir_server.terminology.canonicals import RESOURCE_TYPES, Found

_MANY = 1000


class StoredCanonicals:
    """`sources`: the user's store and the layers under it, the first of which comes first."""

    def __init__(self, store: Reader, definitions: Definitions, sources: Sequence[Reader] = ()) -> None:
        self._store = store
        self._definitions = definitions
        self._sources = sources

    async def stamp(self) -> int:
        return await self._store.last_sequence(RESOURCE_TYPES)

    async def read(self, resource_type: str, url: str) -> list[Found]:
        return await self._found(resource_type, "url", _escaped(url))

    async def maps(self, system: str, *, target: bool) -> list[Found]:
        return await self._found(
            "ConceptMap", "target-system" if target else "source-system", _escaped(system)
        )

    async def supplements(self) -> list[Found]:
        return await self._found("CodeSystem", "content-mode", "supplement")

    async def _found(self, resource_type: str, parameter: str, value: str) -> list[Found]:
        where = criteria(self._definitions, resource_type, [(parameter, value)], "")
        return [await self._of(*each) for each in await self._store.identities(resource_type, where, _MANY)]

    async def _of(self, resource_type: str, id_: str) -> Found:
        for place, source in enumerate(self._sources or (self._store,)):
            version = await source.read(resource_type, id_)
            if version is not None:
                return Found(cast(Resource, decode(version.body)), place, version.sequence, len(version.body))
        raise AssertionError(f"{resource_type}/{id_} was found and is not there")


def _escaped(text: str) -> str:
    """https://hl7.org/fhir/R4/search.html#escaping"""
    return re.sub(r"([\\,$|])", r"\\\1", text)

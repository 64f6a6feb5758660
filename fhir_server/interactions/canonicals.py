"""Definitions by canonical, out of the store: what terminology works with.

https://hl7.org/fhir/R4/references.html#canonical
"""

import asyncio
import re
from collections.abc import Sequence
from typing import cast

from fhir_server.definitions.registry import Definitions
from fhir_server.interactions.stamp import Stamp
from fhir_server.resource import Resource, decode
from fhir_server.search.compile import criteria
from fhir_server.store.algebra import Everything
from fhir_server.store.protocol import Reader, Store
from fhir_server.terminology.canonicals import RESOURCE_TYPES, Found, Known

_MANY = 1000
_ALL = 1_000_000
_AT_ONCE = 50


class StoredCanonicals:
    """`sources`: the user's store and the layers under it, the first of which comes first."""

    def __init__(self, store: Store, definitions: Definitions, sources: Sequence[Reader] = ()) -> None:
        self._store = store
        self._definitions = definitions
        self._sources = sources
        self._stamp = Stamp(store, RESOURCE_TYPES)

    async def stamp(self) -> int:
        return await self._stamp.now()

    async def read(self, resource_type: str, url: str) -> list[Found]:
        return await self._found(resource_type, "url", _escaped(url))

    async def maps(self, system: str, *, target: bool) -> list[Found]:
        return await self._found(
            "ConceptMap", "target-system" if target else "source-system", _escaped(system)
        )

    async def supplements(self) -> list[Found]:
        return await self._found("CodeSystem", "content-mode", "supplement")

    async def code_systems(self) -> list[Known]:
        found = []
        identities = await self._store.identities("CodeSystem", Everything(), _ALL)
        for start in range(0, len(identities), _AT_ONCE):
            for version in await self._store.read_many(identities[start : start + _AT_ONCE]):
                resource = decode(version.body)
                if "url" in resource:
                    texts = (resource.get(name) for name in ("version", "content", "language"))
                    found.append(Known(resource["url"], *texts))
            await asyncio.sleep(0)  # others have their turn
        return found

    async def _found(self, resource_type: str, parameter: str, value: str) -> list[Found]:
        where = criteria(self._definitions, resource_type, [(parameter, value)], "")
        found = [await self._of(*each) for each in await self._store.identities(resource_type, where, _MANY)]
        return [each for each in found if each is not None]

    async def _of(self, resource_type: str, id_: str) -> Found | None:
        """None: it was deleted since it was found."""
        for place, source in enumerate(self._sources or (self._store,)):
            version = await source.read(resource_type, id_)
            if version is not None:
                if version.deleted:
                    break
                return Found(cast(Resource, decode(version.body)), place, version.sequence, len(version.body))
        return None


def _escaped(text: str) -> str:
    """https://hl7.org/fhir/R4/search.html#escaping"""
    return re.sub(r"([\\,$|])", r"\\\1", text)

"""What validation against profiles asks: definitions, codes and resources, out of the store.

https://hl7.org/fhir/R4/validation.html
"""

import re
from collections.abc import Mapping
from typing import get_args

from fhir_server.config import Settings
from fhir_server.definitions.registry import Definitions
from fhir_server.interactions.canonicals import StoredCanonicals
from fhir_server.interactions.stamp import Stamp
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode
from fhir_server.store.protocol import Store
from fhir_server.terminology.canonicals import chosen, split
from fhir_server.terminology.terminology import Terminology
from fhir_server.validation.profile.library import Codes
from fhir_server.validation.profiles import Profiles, Unknown

_DEFINING = ("StructureDefinition", "ValueSet", "CodeSystem")
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/.+)?")


class StoredSources:
    """`validation.profiles.Sources`, of the user's store and the layers under it."""

    def __init__(self, store: Store, canonicals: StoredCanonicals, terminology: Terminology) -> None:
        self._store = store
        self._canonicals = canonicals
        self._terminology = terminology
        self._stamp = Stamp(store, _DEFINING)

    async def stamp(self) -> int:
        return await self._stamp.now()

    async def structure(self, canonical: str) -> Resource | None:
        return await self._definition("StructureDefinition", canonical)

    async def questionnaire(self, canonical: str) -> Resource | None:
        return await self._definition("Questionnaire", canonical)

    async def _definition(self, resource_type: str, canonical: str) -> Resource | None:
        url, version = split(canonical)
        found = await self._canonicals.read(resource_type, url)
        # packages name the version they were built with; another of the same release is better than none
        best = chosen(found, version) or chosen(found, None)
        return None if best is None else best.resource

    async def codes(self, value_set: str) -> Codes | None:
        try:
            return await self._terminology.codes(value_set)
        except FhirError:
            return None

    async def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        try:
            return await self._terminology.contains(value_set, system, code)
        except FhirError:
            return None

    async def has_code(self, system: str, code: str) -> bool | None:
        try:
            found = await (await self._terminology.snapshot()).code_system(system)
            if found is None or found.about.content != "complete":
                return None
            return await found.concept(code) is not None
        except FhirError:
            return None

    async def resource(self, reference: str) -> Resource | None:
        """A resource of this server; nothing is ever fetched from another."""
        match = _RELATIVE.fullmatch(reference)
        if match is None:
            return None
        found = await self._store.read(match[1], match[2])
        if found is None or found.deleted:
            return None
        resource: Resource = decode(found.body)
        return resource


def profiles(
    store: Store,
    definitions: Definitions,
    canonicals: StoredCanonicals,
    terminology: Terminology,
    settings: Settings,
) -> Profiles:
    unknown = settings.unknown_profiles
    assert unknown in get_args(Unknown)
    return Profiles(
        definitions,
        StoredSources(store, canonicals, terminology),
        bound=bound(settings.profiles),
        unknown=unknown,  # type: ignore[arg-type]
        closed=terminology.is_closed,
    )


def bound(settings: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """By resource type, the canonicals of `Type=canonical`."""
    found: dict[str, tuple[str, ...]] = {}
    for text in settings:
        name, _, canonical = text.partition("=")
        found[name] = (*found.get(name, ()), canonical)
    return found

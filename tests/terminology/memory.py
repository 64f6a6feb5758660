"""Definitions without a store, for tests of terminology alone."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from fhir_server.resource import Resource
from fhir_server.terminology.canonicals import Found, Known, ResourceType
from fhir_server.terminology.terminology import Terminology

T = TypeVar("T")

URL = "http://example.org/"


class Memory:
    """`layers`: the user's definitions, then those of packages."""

    def __init__(self, *layers: Sequence[Resource]) -> None:
        self.layers = [[*layer] for layer in layers]
        self.changes = 0
        self.reads = 0

    def put(self, resource: Resource, layer: int = 0) -> None:
        others = [each for each in self.layers[layer] if each["id"] != resource["id"]]
        self.layers[layer] = [*others, resource]
        self.changes += 1

    async def stamp(self) -> int:
        return self.changes

    async def read(self, resource_type: ResourceType, url: str) -> list[Found]:
        self.reads += 1
        return self._all(lambda each: each["resourceType"] == resource_type and each.get("url") == url)

    async def maps(self, system: str, *, target: bool) -> list[Found]:
        side = "target" if target else "source"
        return self._all(
            lambda each: (
                each["resourceType"] == "ConceptMap"
                and system in [group.get(side) for group in each.get("group", ())]
            )
        )

    async def code_systems(self) -> list[Known]:
        found = self._all(lambda each: each["resourceType"] == "CodeSystem")
        names = ("url", "version", "content", "language")
        return [Known(*(each.resource.get(name) for name in names)) for each in found]

    async def supplements(self) -> list[Found]:
        return self._all(lambda each: each.get("content") == "supplement")

    def _all(self, fits: Any) -> list[Found]:
        return [
            # the content stands for the number of the version: the same content is the same version
            Found(each, place, hash(repr(each)), len(repr(each)))
            for place, layer in enumerate(self.layers)
            for each in layer
            if fits(each)
        ]


def terminology(*resources: Resource, **more: Any) -> Terminology:
    return Terminology(Memory(resources), **more)


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


def code_system(name: str, *concepts: dict[str, Any], **more: Any) -> Resource:
    found: Resource = {
        "resourceType": "CodeSystem",
        "id": name,
        "url": URL + name,
        "status": "active",
        "content": "complete",
        "caseSensitive": True,
    }
    return found | ({"concept": [*concepts]} if concepts else {}) | more


def value_set(name: str, *includes: dict[str, Any], **more: Any) -> Resource:
    compose: dict[str, Any] = {"include": [*includes]}
    if "exclude" in more:
        compose["exclude"] = more.pop("exclude")
    found: Resource = {
        "resourceType": "ValueSet",
        "id": name,
        "url": URL + name,
        "status": "active",
        "compose": compose,
    }
    return found | more


def concept(code: str, *nested: dict[str, Any], **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"code": code, "display": code.capitalize()} | more
    return found | {"concept": [*nested]} if nested else found


ANIMALS = code_system(
    "animals",
    concept("animal", concept("dog", concept("poodle")), concept("cat")),
    concept("plant"),
    concept("robot-dog", property=[{"code": "parent", "valueCode": "dog"}]),
)
"""robot-dog is a dog by its property."""

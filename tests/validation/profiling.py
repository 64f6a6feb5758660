"""Profiles for tests: a base and some elements, and what a resource breaks of them."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_server.outcome import Issue
from fhir_server.resource import Resource, decode
from fhir_server.validation.profile.library import Codes
from fhir_server.validation.profiles import Profiles
from tests.definitions.structures import core_structures
from tests.validation.checking import definitions

CASES = Path(__file__).parents[1] / "cases" / "profiles"
URL = "http://example.org/p"


class Sources:
    """Definitions at hand: those of the core and some of a test."""

    def __init__(
        self,
        structures: list[Resource],
        resources: dict[str, Resource] | None = None,
        codes: dict[str, Codes] | None = None,
        systems: dict[str, frozenset[str]] | None = None,
    ) -> None:
        self._structures = {one["url"]: one for one in structures}
        self._resources = resources or {}
        self._codes = codes or {}
        self._systems = systems or {}

    async def stamp(self) -> int:
        return 1

    async def structure(self, canonical: str) -> Resource | None:
        url = canonical.partition("|")[0]
        return self._structures.get(url) or core_structures().get(url)

    async def questionnaire(self, canonical: str) -> Resource | None:
        return None

    async def codes(self, value_set: str) -> Codes | None:
        return self._codes.get(value_set) or definitions().codes(value_set)

    async def contains(self, value_set: str, system: str | None, code: str) -> bool | None:
        """A value set that is too large to be listed: all codes that start with a."""
        return code.startswith("a") if value_set == "http://example.org/large" else None

    async def has_code(self, system: str, code: str) -> bool | None:
        """Of the code systems that required bindings of the core know whole."""
        listed = self._systems.get(system)
        return None if listed is None else code in listed

    async def resource(self, reference: str) -> Resource | None:
        return self._resources.get(reference)


def structure(given: dict[str, Any]) -> Resource:
    """`{"type": "Patient", "elements": […]}` as a StructureDefinition; other properties as they are."""
    type_ = given["type"]
    rest = {name: value for name, value in given.items() if name not in ("elements",)}
    return {
        "resourceType": "StructureDefinition",
        "url": URL,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type_}",
        "derivation": "constraint",
        "differential": {"element": given["elements"]},
    } | rest


def issues(
    structures: list[dict[str, Any]],
    resource: Resource,
    *,
    resources: dict[str, Resource] | None = None,
    codes: dict[str, Codes] | None = None,
) -> list[Issue]:
    """What a resource breaks of the first of the profiles."""
    core_structures()  # read once, before a loop runs
    made = [structure(one) for one in structures]
    profiles = Profiles(definitions(), Sources(made, resources, codes))
    check = profiles.check(resource, resource["resourceType"], asked=[made[0]["url"]])
    return asyncio.run(check)


def cases() -> Iterator[tuple[str, str, list[dict[str, Any]], Any, list[list[str]]]]:
    """(word, name, profiles, data, issues as [severity, message, expression]) of every row."""
    for path in sorted(CASES.glob("*.json")):
        for group in json.loads(path.read_text())["groups"]:
            for case in group["tests"]:
                data = decode(json.dumps(case["data"]).encode())
                yield path.stem, case["name"], group["profiles"], data, case["issues"]

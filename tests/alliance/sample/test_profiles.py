"""Every resource claims the profile that is meant for it, and keeps it with no error."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from fhir_server.alliance import systems
from fhir_server.alliance.sample.world import LETTERS
from fhir_server.app import Parts
from fhir_server.config import Settings
from fhir_server.interactions.review import review
from fhir_server.outcome import Issue
from fhir_server.resource import Resource, decode
from tests.alliance.sample.networks import codings, name_of, network, of_type

PROFILES = Path(__file__).parents[3] / "profiles"

# types of which not every resource is one that a profile was written for
WITHOUT = {"Encounter", "Condition", "Procedure", "Group", "PractitionerRole"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every store has the profiles of the alliance."""
    return tmp_path_factory.mktemp("profiles")


def errors(data: Path, resources: Iterable[Resource]) -> list[tuple[str, Issue]]:
    async def run() -> list[tuple[str, Issue]]:
        opened = await Parts(Settings(data=str(data))).open_context()
        context = opened.context
        try:
            return [
                (name_of(resource), issue)
                for resource in resources
                for issue in await review(context.validator, context.profiles, resource)
                if issue.severity in ("error", "fatal")
            ]
        finally:
            await opened.close()

    return asyncio.run(run())


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("letter", ["A", "C", "D"])
def test_a_network_keeps_the_profiles(data: Path, letter: str, step: int) -> None:
    assert errors(data, network(letter)[::step]) == []


@pytest.mark.parametrize("step", [47, pytest.param(1, marks=pytest.mark.long)])
def test_the_large_network_keeps_the_profiles(data: Path, step: int) -> None:
    assert errors(data, network("B")[::step]) == []


def test_an_error_would_be_seen(data: Path) -> None:
    """What is wrong on purpose: a check character, a reason that is not given."""
    patient = of_type(network("A"), "Patient")[0]
    number = patient["identifier"][0]
    wrong = number | {"value": number["value"][:-1] + ("1" if number["value"][-1] != "1" else "2")}
    task = next(found for found in of_type(network("A"), "Task") if found["status"] == "rejected")
    found = errors(
        data,
        [
            patient | {"identifier": [wrong, *patient["identifier"][1:]]},
            {name: value for name, value in task.items() if name != "statusReason"},
        ],
    )
    assert {name for name, _ in found} == {name_of(patient), name_of(task)}


@pytest.mark.parametrize("letter", LETTERS)
def test_resources_claim_profiles(letter: str) -> None:
    known = {
        file.stem.removeprefix("StructureDefinition-") for file in PROFILES.glob("StructureDefinition-*")
    }
    for resource in network(letter):
        profiles = resource["meta"].get("profile", [])
        assert profiles or resource["resourceType"] in WITHOUT, name_of(resource)
        for profile in profiles:
            assert profile.removeprefix(f"{systems.BASE}/StructureDefinition/") in known, name_of(resource)


def displays() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}

    def gather(url: str, concepts: list[dict[str, Any]]) -> None:
        for concept in concepts:
            found[url, concept["code"]] = concept["display"]
            gather(url, concept.get("concept", []))

    for file in PROFILES.glob("CodeSystem-*.json"):
        system = decode(file.read_bytes())
        gather(system["url"], system.get("concept", []))
    return found


@pytest.mark.parametrize("letter", LETTERS)
def test_codes_are_called_what_their_code_system_calls_them(letter: str) -> None:
    known = displays()
    systems_known = {system for system, _ in known}
    for resource in network(letter):
        for coding in codings(resource):
            if coding["system"] in systems_known:
                assert known[coding["system"], coding["code"]] == coding["display"], name_of(resource)

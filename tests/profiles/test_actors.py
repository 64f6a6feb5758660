"""Acceptance test 28: the server does what the actors of the package ask of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_server.resource import Resource
from tests.profiles.package import by_id, definitions
from tests.profiles.running import Running

SAMPLES = {
    "token": "x", "string": "x", "date": "2026-11-28", "number": "1", "reference": "x", "uri": "urn:x",
    "special": "28.0|112.0|1|km",
}  # fmt: skip
ACTORS = [each["id"] for each in definitions()["CapabilityStatement"]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with asyncio.Runner() as runner:
        found = Running(runner, Path(tmp_path_factory.mktemp("actors")))
        yield found
        found.close()


@pytest.fixture(scope="module")
def told(running: Running) -> Resource:
    (rest,) = running("GET", "/metadata")["rest"]
    found: Resource = rest
    return found


def rest_of(actor: str) -> Resource:
    (rest,) = by_id("CapabilityStatement")[actor]["rest"]
    found: Resource = rest
    return found


def named(found: Resource, element: str) -> set[tuple[Any, Any]]:
    return {(each["name"], each["definition"]) for each in found.get(element, ())}


@pytest.mark.parametrize("actor", ACTORS)
def test_E10_28_the_server_declares_what_an_actor_asks_for(actor: str, told: Resource) -> None:
    by_type = {each["type"]: each for each in told["resource"]}
    asked = rest_of(actor)
    for wanted in asked["resource"]:
        found = by_type[wanted["type"]]
        codes = {each["code"] for each in found["interaction"]}
        assert {each["code"] for each in wanted["interaction"]} <= codes, wanted["type"]
        assert named(wanted, "searchParam") <= named(found, "searchParam"), wanted["type"]
        assert named(wanted, "operation") <= named(found, "operation"), wanted["type"]
        for kind in ("searchInclude", "searchRevInclude"):
            assert set(wanted.get(kind, ())) <= set(found.get(kind, ())), wanted["type"]
    assert {each["code"] for each in asked.get("interaction", ())} <= {
        each["code"] for each in told["interaction"]
    }
    assert named(asked, "operation") <= named(told, "operation")


def test_E10_28_the_server_says_which_statement_it_meets(running: Running, told: Resource) -> None:
    """And that of no client."""
    statement = running("GET", "/metadata")
    wanted = by_id("CapabilityStatement")["alliance-server"]
    assert statement["instantiates"] == [wanted["url"]]
    assert set(wanted["format"]) <= set(statement["format"])
    profiles = {each["type"]: each.get("supportedProfile") for each in told["resource"]}
    asked = {each["type"]: each.get("supportedProfile") for each in wanted["rest"][0]["resource"]}
    assert {name: profiles[name] for name in asked} == asked
    assert not any(profiles[name] for name in set(profiles) - set(asked))


def test_E10_28_every_profile_of_the_package_is_supported(told: Resource) -> None:
    """By the server as a whole, those of one actor by that actor."""
    supported = {url for each in told["resource"] for url in each.get("supportedProfile", ())}
    structures = by_id("StructureDefinition").values()
    assert supported == {each["url"] for each in structures if each["type"] != "Extension"}


@pytest.mark.parametrize("actor", ACTORS)
def test_E10_28_every_search_that_an_actor_makes_is_answered(actor: str, running: Running) -> None:
    for wanted in rest_of(actor)["resource"]:
        type_ = wanted["type"]
        for parameter in wanted.get("searchParam", ()):
            sample = (
                "2026-11-28T00:00:00Z" if parameter["name"] == "_lastUpdated" else SAMPLES[parameter["type"]]
            )
            bundle = running("GET", f"/{type_}?{parameter['name']}={sample}")
            assert bundle["type"] == "searchset" and bundle["total"] == 0
            assert f"{parameter['name']}=" in bundle["link"][0]["url"], "it was left out of the search"
        for include in wanted.get("searchInclude", ()):
            assert running("GET", f"/{type_}?_include={include}")["type"] == "searchset"
        for include in wanted.get("searchRevInclude", ()):
            assert running("GET", f"/{type_}?_revinclude={include}")["type"] == "searchset"


@pytest.mark.parametrize("definition", definitions()["OperationDefinition"], ids=lambda each: each["id"])
def test_E10_28_every_operation_of_the_package_is_there(definition: Resource, told: Resource) -> None:
    """At its levels, by its canonical."""
    wanted = (definition["code"], definition["url"])
    if definition["system"]:
        assert wanted in named(told, "operation")
    for type_ in definition.get("resource", ()):
        (found,) = (each for each in told["resource"] if each["type"] == type_)
        assert wanted in named(found, "operation")

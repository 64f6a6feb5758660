"""Bindings of the base that are not required: https://hl7.org/fhir/R4/terminologies.html#strength"""

import asyncio
from typing import Any

import pytest

from fhir_server.resource import Resource
from fhir_server.validation.profiles import Profiles
from tests.definitions.structures import core_structures
from tests.validation.checking import definitions, validator
from tests.validation.profiling import Sources

STATUS = "http://hl7.org/fhir/ValueSet/marital-status"  # extensible
LANGUAGES = "http://hl7.org/fhir/ValueSet/languages"  # preferred
SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"


def profiles(**given: Any) -> Profiles:
    core_structures()
    codes = {STATUS: frozenset({(SYSTEM, "M")}), LANGUAGES: frozenset({("urn:ietf:bcp:47", "zh-CN")})}
    return Profiles(definitions(), Sources([], codes=codes | given))


def told(resource: Resource, found: Profiles | None = None) -> list[tuple[str, str | None, str | None]]:
    assert validator().check(resource) == []
    review = (found or profiles()).review(resource, resource["resourceType"])
    return [(issue.severity, issue.message, issue.expression) for issue in asyncio.run(review)]


def married(*codings: dict[str, str]) -> Resource:
    return {"resourceType": "Patient", "maritalStatus": {"coding": list(codings)}}


def test_a_code_of_the_value_set_is_fine() -> None:
    assert told(married({"system": SYSTEM, "code": "M"})) == []


def test_one_of_several_codings_is_enough() -> None:
    assert (
        told(married({"system": "http://example.org/own", "code": "x"}, {"system": SYSTEM, "code": "M"}))
        == []
    )


def test_extensible_warns() -> None:
    assert told(married({"system": SYSTEM, "code": "no"})) == [
        ("warning", "binding-extensible", "Patient.maritalStatus")
    ]


def test_extensible_without_a_code_says_nothing() -> None:
    assert told({"resourceType": "Patient", "maritalStatus": {"text": "x"}}) == []


def test_preferred_informs() -> None:
    found = told({"resourceType": "Patient", "language": "xx"})
    assert found == [("information", "binding-preferred", "Patient.language")]
    assert told({"resourceType": "Patient", "language": "zh-CN"}) == []


def test_example_says_nothing() -> None:
    contact = {"resourceType": "Condition", "subject": {"display": "x"}, "code": {"coding": [{"code": "x"}]}}
    assert told(contact) == []


def test_a_value_set_that_is_not_known_decides_nothing() -> None:
    kind = {"coding": [{"system": "http://example.org/x", "code": "x"}]}
    contact = [{"relationship": [kind], "name": {"text": "x"}}]
    unlisted = Sources([])
    unlisted.codes = lambda _: _none()  # type: ignore[method-assign,assignment]
    given = {"resourceType": "Patient", "contact": contact}
    assert told(given, Profiles(definitions(), unlisted)) == []


async def _none() -> None:
    return None


def test_a_write_does_not_ask() -> None:
    found = profiles().check(married({"system": SYSTEM, "code": "no"}), "Patient")
    assert asyncio.run(found) == []


@pytest.mark.parametrize("code", ["M", "no"])
def test_what_was_looked_up_is_told_the_same_again(code: str) -> None:
    again = profiles()
    given = married({"system": SYSTEM, "code": code})
    assert told(given, again) == told(given, again)


def test_contained_resources_and_entries_are_looked_at() -> None:
    inner = married({"system": SYSTEM, "code": "no"}) | {"id": "p"}
    outer = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "contained": [inner],
        "subject": {"reference": "#p"},
    }
    assert [at for _, _, at in told(outer)] == ["Observation.contained[0].maritalStatus"]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": inner}]}
    assert [at for _, _, at in told(bundle)] == ["Bundle.entry[0].resource.maritalStatus"]

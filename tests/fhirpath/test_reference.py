from typing import Any

import pytest

from fhir_server.fhirpath.reference import target_type
from tests.fhirpath.answers import compiled

CONTAINED = {"resourceType": "Practitioner", "id": "a", "active": True}


def observation(**subject: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "contained": [CONTAINED], "subject": subject}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Patient/1", "Patient"),
        ("Patient/1/_history/2", "Patient"),
        ("http://example.org/fhir/Patient/1", "Patient"),
        ("http://example.org/Group/Patient/1", "Patient"),
        ("https://example.org/Patient/1/_history/2", "Patient"),
        ("Patient?identifier=x|1/2", "Patient"),
        ("urn:uuid:6b1e1b1c-0000-4000-8000-000000000000", None),
        ("#a", None),
        ("http://example.org/", None),
        ("Patient", None),
        ("", None),
    ],
)
def test_the_type_that_a_reference_names(text: str, found: str | None) -> None:
    assert target_type(text) == found


def is_a(type_: str, each: dict[str, Any], resolve: Any = None) -> list[Any]:
    return compiled(f"subject.resolve() is {type_}", "Observation").evaluate(each, resolve=resolve)


def never(text: str) -> dict[str, Any]:
    raise AssertionError(f"{text} was fetched")


def test_the_text_decides_without_fetching() -> None:
    assert is_a("Patient", observation(reference="Patient/1"), never) == [True]
    assert is_a("Group", observation(reference="Patient/1"), never) == [False]
    assert is_a("DomainResource", observation(reference="Patient/1"), never) == [True]


def test_a_contained_resource_decides() -> None:
    assert is_a("Practitioner", observation(reference="#a"), never) == [True]
    assert is_a("Patient", observation(reference="#a"), never) == [False]
    assert is_a("Observation", observation(reference="#")) == [True]


def test_what_the_text_leaves_open_is_fetched_or_declared() -> None:
    uuid = observation(reference="urn:uuid:1", type="Patient")
    assert is_a("Patient", uuid) == [True]
    assert is_a("Group", uuid, lambda text: {"resourceType": "Group"}) == [True]
    assert is_a("Patient", observation(reference="urn:uuid:1")) == []
    # a logical reference has no target to be of a type
    assert is_a("Patient", observation(identifier={"value": "1"}, type="Patient")) == []
    assert is_a("Patient", {"resourceType": "Observation"}) == []


def test_resolve() -> None:
    expression = compiled("subject.resolve()", "Observation")
    patient = {"resourceType": "Patient", "id": "1"}
    found = observation(reference="Patient/1")
    assert expression.evaluate(found, resolve={"Patient/1": patient}.get) == [patient]
    assert expression.evaluate(found, resolve={}.get) == []
    assert expression.evaluate(found) == []
    assert expression.evaluate(observation(reference="#a")) == [CONTAINED]
    assert expression.evaluate(observation(reference="#b")) == []
    assert expression.evaluate(observation(display="x")) == []


def test_what_is_resolved_has_its_own_type() -> None:
    active = compiled("subject.resolve().ofType(Practitioner).active", "Observation")
    assert active.evaluate(observation(reference="#a")) == [True]
    assert compiled("subject.resolve().active", "Observation").typed(observation(reference="#a")) == [
        ("boolean", True)
    ]

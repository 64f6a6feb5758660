from typing import Any

import pytest

from fhir_server.fhirpath import FhirPathError, Scope
from tests.fhirpath.answers import compiled

PATIENT = {"resourceType": "Patient", "gender": "male", "maritalStatus": {"text": "x"}}


def test_member_of_asks_with_type_and_value() -> None:
    asked: list[Any] = []

    def member_of(type_: str, value: Any, value_set: str) -> bool | None:
        asked.append((type_, value, value_set))
        return {"code": True, "CodeableConcept": None}[type_]

    scope = Scope(PATIENT, member_of=member_of)
    assert compiled("gender.memberOf('http://vs')", "Patient").items(PATIENT, scope) == [True]
    assert compiled("maritalStatus.memberOf('http://vs')", "Patient").items(PATIENT, scope) == []
    assert compiled("birthDate.memberOf('http://vs')", "Patient").items(PATIENT, scope) == []
    assert asked == [("code", "male", "http://vs"), ("CodeableConcept", {"text": "x"}, "http://vs")]


def test_conforms_to_asks_with_the_element() -> None:
    scope = Scope(PATIENT, conforms_to=lambda each, profile: each is PATIENT and profile == "http://p")
    assert compiled("conformsTo('http://p')", "Patient").items(PATIENT, scope) == [True]
    assert compiled("conformsTo('http://q')", "Patient").items(PATIENT, scope) == [False]


@pytest.mark.parametrize("text", ["gender.memberOf('http://vs')", "conformsTo('http://p')"])
def test_without_anyone_to_ask_it_is_an_error(text: str) -> None:
    with pytest.raises(FhirPathError, match="there is no"):
        compiled(text, "Patient").evaluate(PATIENT)


CODING = {"system": "s", "code": "c"}


def test_subsumes_asks_what_is_handed_in() -> None:
    asked: list[Any] = []

    def subsumes(one: Any, other: Any) -> bool:
        asked.append((one, other))
        return True

    observation = {"resourceType": "Observation", "code": {"coding": [CODING]}}
    scope = Scope(observation)
    scope.subsumes = subsumes
    concept = {"coding": [CODING]}
    assert compiled("code.subsumes(code)", "Observation").items(observation, scope) == [True]
    assert compiled("code.coding.subsumedBy(code)", "Observation").items(observation, scope) == [True]
    assert compiled("code.subsumes(value)", "Observation").items(observation, scope) == []
    assert asked == [(concept, concept), (concept, CODING)]
    with pytest.raises(FhirPathError, match="no terminology"):
        compiled("code.subsumes(code)", "Observation").evaluate(observation)


def test_slice_keeps_the_items_that_the_profile_counts_to_it() -> None:
    patient = {"resourceType": "Patient", "name": [{"use": "usual"}, {"use": "official"}, {"use": "usual"}]}
    scope = Scope(patient)
    scope.slice = lambda items, structure, name: [item for item in items if item.get("use") == name]
    found = compiled("name.slice('http://x', 'usual')", "Patient").items(patient, scope)
    assert [item.value for item in found] == [{"use": "usual"}, {"use": "usual"}]
    with pytest.raises(FhirPathError, match="no profiles"):
        compiled("name.slice('http://x', 'usual')", "Patient").evaluate(patient)


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("name", "Patient.name"),
        ("contact.name", "Patient.contact.name"),
        ("name.given", "HumanName.given"),
        ("$this", "Patient"),
    ],
)
def test_element_definition_of_where_the_focus_stands(expression: str, path: str) -> None:
    patient = {"resourceType": "Patient", "name": [{"given": ["a"]}], "contact": [{"name": {"text": "b"}}]}
    scope = Scope(patient)
    scope.element_definition = lambda asked: {"path": asked}
    found = compiled(f"{expression}.elementDefinition().path", "Patient").items(patient, scope)
    assert [item.value for item in found] == [path]


def test_check_modifiers() -> None:
    patient = {"resourceType": "Patient", "modifierExtension": [{"url": "http://x", "valueBoolean": True}]}
    expression = "Patient.checkModifiers('http://y', 'http://x').id.empty()"
    assert compiled(expression, "Patient").evaluate(patient) == [True]
    with pytest.raises(FhirPathError, match="a modifier that is not named"):
        compiled("Patient.checkModifiers('http://y')", "Patient").evaluate(patient)

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

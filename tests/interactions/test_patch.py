"""https://hl7.org/fhir/R4/http.html#patch"""

import base64
import json
from typing import Any

import pytest

from tests.interactions.fhir import BASE, Fhir, codes, content, patient

ACTIVATE = [{"op": "add", "path": "/active", "value": True}]
ACTIVATE_BY_PATH = {
    "resourceType": "Parameters",
    "parameter": [
        {
            "name": "operation",
            "part": [
                {"name": "type", "valueCode": "add"},
                {"name": "path", "valueString": "Patient"},
                {"name": "name", "valueString": "active"},
                {"name": "value", "valueBoolean": True},
            ],
        }
    ],
}


def binary(patch: object, content_type: str = "application/json-patch+json") -> dict[str, Any]:
    text = json.dumps(patch).encode()
    return {"resourceType": "Binary", "contentType": content_type, "data": base64.b64encode(text).decode()}


def test_json_patch_makes_a_version(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1", gender="male"))
    answer = fhir("PATCH", "Patient/1", patch=ACTIVATE)
    assert (answer.status, answer.location) == (200, f"{BASE}/Patient/1/_history/2")
    found = content(answer)
    assert (found["active"], found["gender"], found["meta"]["versionId"]) == (True, "male", "2")


def test_fhirpath_patch_makes_a_version(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert content(fhir("PATCH", "Patient/1", ACTIVATE_BY_PATH))["active"] is True


def test_a_patch_that_changes_nothing_makes_no_version(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1", active=True))
    assert fhir("PATCH", "Patient/1", patch=ACTIVATE).status == 200
    assert fhir("PATCH", "Patient/1", patch=[]).status == 200
    assert fhir.log_length() == 1


def test_what_was_patched_is_found(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("PATCH", "Patient/1", patch=ACTIVATE)
    assert fhir.total("Patient?active=true") == 1


def test_404_for_an_unknown_and_410_for_a_deleted_resource(fhir: Fhir) -> None:
    assert codes(fhir.refused("PATCH", "Patient/1", patch=ACTIVATE)) == (404, "not-found")
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("DELETE", "Patient/1")
    assert codes(fhir.refused("PATCH", "Patient/1", patch=ACTIVATE)) == (410, "deleted")


def test_if_match_guards_a_patch(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    error = fhir.refused("PATCH", "Patient/1", patch=ACTIVATE, if_match='W/"2"')
    assert codes(error) == (412, "conflict")
    assert fhir("PATCH", "Patient/1", patch=ACTIVATE, if_match='W/"1"').status == 200


@pytest.mark.parametrize(
    ("path", "value"), [("/id", "2"), ("/resourceType", "Group"), ("/id", 1), ("/resourceType", None)]
)
def test_C04_id_and_type_cannot_be_patched(fhir: Fhir, path: str, value: object) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    error = fhir.refused("PATCH", "Patient/1", patch=[{"op": "replace", "path": path, "value": value}])
    assert codes(error) == (400, "invalid")


def test_version_and_time_cannot_be_patched(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    patch = [{"op": "replace", "path": "/meta/versionId", "value": "9"}, *ACTIVATE]
    assert content(fhir("PATCH", "Patient/1", patch=patch))["meta"]["versionId"] == "2"


def test_a_patched_resource_is_checked(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    error = fhir.refused("PATCH", "Patient/1", patch=[{"op": "add", "path": "/gender", "value": "unsure"}])
    assert codes(error) == (400, "code-invalid")
    assert error.issues[0].expression == "Patient.gender"
    assert fhir.log_length() == 1


def test_a_request_without_a_patch(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert codes(fhir.refused("PATCH", "Patient/1")) == (400, "required")
    assert codes(fhir.refused("PATCH", "Patient/1", patient(id="1"))) == (400, "invalid")


def test_parameters_with_a_wrong_structure(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    wrong: dict[str, Any] = {"resourceType": "Parameters", "parameter": [{"name": 5}]}
    assert fhir.refused("PATCH", "Patient/1", wrong).status == 400


def test_a_json_patch_in_a_binary(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert content(fhir("PATCH", "Patient/1", binary(ACTIVATE)))["active"] is True


@pytest.mark.parametrize(
    "wrong",
    [
        binary(ACTIVATE, "text/plain"),
        binary(ACTIVATE) | {"data": "*"},
        binary(ACTIVATE) | {"data": "AAAA"},
        {"resourceType": "Binary", "contentType": "application/json-patch+json"},
    ],
)
def test_a_binary_without_a_json_patch(fhir: Fhir, wrong: dict[str, Any]) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert fhir.refused("PATCH", "Patient/1", wrong).status == 400


def test_the_patch_can_be_used_again(fhir: Fhir) -> None:
    patch = [
        {"op": "add", "path": "/name", "value": [{"family": "A"}]},
        {"op": "add", "path": "/name/-", "value": {"family": "B"}},
    ]
    before = json.dumps(patch)
    for id_ in ("1", "2"):
        fhir("PUT", f"Patient/{id_}", patient(id=id_))
        assert len(content(fhir("PATCH", f"Patient/{id_}", patch=patch))["name"]) == 2
    assert json.dumps(patch) == before

"""Rows A13, A15–A17, A19, C01, C02, C06–C08 and C12 of the catalogue of bad inputs."""

from typing import Any

import pytest

from fhir_server.resource import parse
from tests.validation.checking import codes, patient, validator

OBSERVATION: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


@pytest.mark.parametrize("number", ["2147483648", "9007199254740993", "1.0", '"1"', "true", "-0", "1e0"])
def test_A13_what_is_not_an_integer_is_refused(number: str) -> None:
    body = f'{{"resourceType":"Patient","multipleBirthInteger":{number}}}'
    assert codes(parse(body.encode())) == [("value", "Patient.multipleBirth")]


@pytest.mark.parametrize("empty", [None, "", {}, []])
@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("birthDate", "birthDate"),
        ("active", "active"),
        ("multipleBirthInteger", "multipleBirth"),
        ("maritalStatus", "maritalStatus"),
        ("name", "name"),
        ("contained", "contained"),
        ("extension", "extension"),
    ],
)
def test_A15_an_element_without_content_is_refused(name: str, at: str, empty: Any) -> None:
    assert codes(patient(**{name: empty})) == [("structure", f"Patient.{at}")]


@pytest.mark.parametrize("empty", [None, "", {}, []])
def test_A15_an_entry_without_content_is_refused(empty: Any) -> None:
    assert codes(patient(name=[empty])) == [("structure", "Patient.name[0]")]
    assert codes(patient(name=[{"given": [empty]}])) == [("structure", "Patient.name[0].given[0]")]


def test_A15_text_for_array_and_array_for_text() -> None:
    assert codes(patient(name=[{"given": "x"}])) == [("structure", "Patient.name[0].given")]
    assert codes(patient(birthDate=["2024-01-01"])) == [("structure", "Patient.birthDate")]


@pytest.mark.parametrize("name", ["nmae", "__proto__", "Name", "na me", "", "n" * 1_000_000])
def test_A16_an_unknown_property_is_refused(name: str) -> None:
    (issue,) = validator().check(patient(**{name: {"a": 1}}))
    assert (issue.code, issue.expression) == ("structure", "Patient")
    assert len(issue.diagnostics) < 300
    assert validator().check(patient()) == []  # nothing of the name stays


def test_A17_companions_of_another_length_are_refused() -> None:
    extension = {"extension": [{"url": "http://example.org/e", "valueString": "x"}]}
    assert codes(patient(name=[{"given": ["a"], "_given": [extension, extension]}])) == [
        ("structure", "Patient.name[0].given")
    ]
    assert codes(patient(_name=[extension])) == [("structure", "Patient")]


def test_A19_a_string_over_one_mebibyte_is_refused() -> None:
    assert codes(patient(name=[{"text": "x" * 1024 * 1024}])) == []
    assert codes(patient(name=[{"text": "x" * (1024 * 1024 + 1)}])) == [("too-long", "Patient.name[0].text")]


@pytest.mark.parametrize("resource", [{}, {"resourceType": None}, {"resourceType": "Nothing"}])
def test_C01_a_resource_has_a_type(resource: dict[str, Any]) -> None:
    assert codes(resource) == [("invalid", "Resource")]


@pytest.mark.parametrize("id_", ["a" * 65, "%2e%2e", "a b", "张三", "a/b", "a\n"])
def test_C02_an_id_has_its_form(id_: str) -> None:
    assert codes(patient(id=id_)) == [("value", "Patient.id")]


def test_C06_a_task_without_status_and_intent_is_refused() -> None:
    assert codes({"resourceType": "Task"}) == [("required", "Task.status"), ("required", "Task.intent")]


def test_C07_a_code_outside_a_required_binding_is_refused() -> None:
    assert codes({"resourceType": "Task", "status": "done", "intent": "order"}) == [
        ("code-invalid", "Task.status")
    ]


@pytest.mark.parametrize(
    "moment", ["2024-02-30", "2024-13", "2024-01-01T24:00:00Z", "2024-01-01T10:00:00", "0000"]
)
def test_C08_an_impossible_moment_is_refused(moment: str) -> None:
    assert codes(OBSERVATION | {"effectiveDateTime": moment}) == [("value", "Observation.effective")]


def test_C12_contained_in_contained_is_refused() -> None:
    inner = {"resourceType": "Organization", "id": "o", "name": "x", "partOf": {"reference": "#"}}
    outer = {"resourceType": "Patient", "id": "p", "contained": [inner]}
    assert codes(OBSERVATION | {"contained": [outer], "subject": {"reference": "#p"}}) == [
        ("invariant", "Observation.contained[0].contained")
    ]


def test_C12_an_unused_contained_resource_is_refused() -> None:
    contained = [{"resourceType": "Patient", "id": "p"}]
    assert codes(OBSERVATION | {"contained": contained}) == [("invariant", "Observation.contained[0]")]


def test_C12_a_ring_of_contained_resources_is_refused() -> None:
    ring = [
        {"resourceType": "Organization", "id": "a", "name": "a", "partOf": {"reference": "#b"}},
        {"resourceType": "Organization", "id": "b", "name": "b", "partOf": {"reference": "#a"}},
    ]
    assert codes(OBSERVATION | {"contained": ring, "performer": [{"reference": "#a"}]}) == [
        ("invariant", "Observation.contained")
    ]


@pytest.mark.parametrize(
    "content",
    [
        "<script>alert(1)</script>",
        '<p onclick="x()">x</p>',
        '<iframe src="https://example.org"/>',
        '<svg xmlns="http://www.w3.org/2000/svg"><circle/></svg>',
        '<p style="background: url(https://example.org/x)">x</p>',
        '<a href="javascript:x()">x</a>',
        '<a href="\tjava\nscript:x()">x</a>',
        '<a href="&#9;javascript:x()">x</a>',
        '<form action="/"><input/></form>',
        '<object data="x"/>',
        '<base href="https://example.org"/>',
    ],
)
def test_C14_active_content_in_a_narrative_is_refused(content: str) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>x</p>{content}</div>'
    assert codes(patient(text={"status": "generated", "div": div})) == [("invariant", "Patient.text.`div`")]

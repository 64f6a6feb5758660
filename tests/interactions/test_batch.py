"""https://hl7.org/fhir/R4/http.html#brules"""

from typing import Any

import pytest

from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from tests.interactions.fhir import (
    Fhir,
    bundle,
    codes,
    content,
    entry,
    identified,
    observation,
    patient,
    request,
)

P = "urn:uuid:00000000-0000-4000-8000-000000000001"
MRN = "identifier=http://example.org/mrn|"


def statuses(answers: list[Resource]) -> list[str]:
    return [answer["response"]["status"][:3] for answer in answers]


def test_each_entry_is_performed_and_answered_in_its_place(fhir: Fhir) -> None:
    fhir("PUT", "Patient/there", patient(id="there"))
    fhir("PUT", "Patient/gone", patient(id="gone"))
    found = content(
        fhir(
            "POST",
            "",
            bundle(
                "batch",
                entry("GET", "Patient/there"),
                entry("PUT", "Patient/there", patient(id="there", active=True)),
                entry("POST", "Patient", patient()),
                entry("DELETE", "Patient/gone"),
                entry("HEAD", "Patient/there"),
                entry("GET", "Patient?active=true"),
                entry("PUT", f"Patient?{MRN}1", identified("1")),
            ),
        )
    )
    assert found["type"] == "batch-response"
    assert statuses(found["entry"]) == ["200", "200", "201", "204", "200", "200", "201"]
    assert found["entry"][0]["resource"]["active"] is True  # reads come last
    assert "resource" not in found["entry"][2]
    assert found["entry"][5]["resource"]["type"] == "searchset"


def test_a_batch_without_entries(fhir: Fhir) -> None:
    assert fhir.batch() == []


def test_D16_bad_entries_do_not_hinder_the_others(fhir: Fhir) -> None:
    answers = fhir.batch(
        entry("POST", "Patient", patient()),
        entry("POST", "Patient", patient(gender="unsure")),
        entry("GET", "Patient/unknown"),
        entry("PUT", "Patient/1", patient(id="2")),
        entry("GET", "Nonsense/1"),
        entry("DELETE", "_history"),
        {"resource": patient()},
        {"request": {"method": "TRACE", "url": "Patient"}},
        entry("POST", "", bundle("batch")),
        entry("PUT", "Patient/9", patient(id="9"), ifMatch='W/"1"'),
        entry("POST", "Patient", patient()),
    )
    assert statuses(answers) == ["201", "400", "404", "400", "404", "405", "400", "400", "400", "412", "201"]
    assert fhir.log_length() == 2
    for number, answer in enumerate(answers):
        if answer["response"]["status"][0] == "4":
            issue = answer["response"]["outcome"]["issue"][0]
            assert issue["expression"][0].startswith(f"Bundle.entry[{number}]")
    assert answers[1]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[1].resource.gender"]


NO_OBJECTS: list[Any] = [None, True, 0, "", "Patient/1", [], [patient()]]


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("POST", "Patient"),
        ("PUT", "Patient/there"),
        ("PATCH", "Patient/there"),
        ("DELETE", "Patient/there"),
        ("GET", "Patient/there"),
        ("POST", "Patient/$validate"),
    ],
)
@pytest.mark.parametrize("resource", NO_OBJECTS)
def test_D16_a_resource_of_an_entry_must_be_an_object(
    fhir: Fhir, method: str, url: str, resource: Any
) -> None:
    fhir("PUT", "Patient/there", patient(id="there"))
    given = [entry("GET", "Patient/there"), entry(method, url) | {"resource": resource}]
    answers = fhir.batch(*given)
    assert statuses(answers) == ["200", "400"]
    issue = answers[1]["response"]["outcome"]["issue"][0]
    assert (issue["code"], issue["expression"]) == ("structure", ["Bundle.entry[1].resource"])
    with pytest.raises(FhirError, match="must be an object") as refused:
        fhir.transaction(*given)
    assert (refused.value.status, refused.value.issues[0].code) == (400, "structure")
    assert fhir.log_length() == 1


def test_D16_a_reference_to_an_entry_that_is_created(fhir: Fhir) -> None:
    answers = fhir.batch(entry("POST", "Patient", patient(), P), entry("POST", "Observation", observation(P)))
    assert statuses(answers) == ["201", "400"]
    assert fhir.total("Observation") == 0


def test_D16_a_conditional_reference(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answers = fhir.batch(entry("POST", "Observation", observation(f"Patient?{MRN}1")))
    assert statuses(answers) == ["400"]


def test_D16_two_entries_that_change_one_resource(fhir: Fhir) -> None:
    answers = fhir.batch(
        entry("PUT", "Patient/1", patient(id="1")),
        entry("DELETE", "Patient/1"),
        entry("PUT", "Basic/1", {"resourceType": "Basic", "id": "1", "code": {"text": "x"}}),
        entry("GET", "Patient/1"),
    )
    assert statuses(answers) == ["201", "400", "201", "200"]


def test_a_reference_to_an_entry_with_an_id_of_its_own_is_no_dependence(fhir: Fhir) -> None:
    answers = fhir.batch(
        entry("PUT", "Patient/1", patient(id="1"), "http://example.org/fhir/Patient/1"),
        entry(
            "PUT", "Observation/1", observation("Patient/1", id="1"), "http://example.org/fhir/Observation/1"
        ),
    )
    assert statuses(answers) == ["201", "201"]


def test_410_tells_the_version_of_the_deletion(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("DELETE", "Patient/1")
    (answer,) = fhir.batch(entry("GET", "Patient/1"))
    assert (answer["response"]["status"], answer["response"]["etag"]) == ("410 Gone", 'W/"2"')


def test_conditional_creates_in_one_batch_make_one_resource(fhir: Fhir) -> None:
    entries = [entry("POST", "Patient", identified("1"), ifNoneExist=f"{MRN}1") for _ in range(40)]
    assert sorted(statuses(fhir.batch(*entries))) == ["200"] * 39 + ["201"]
    assert fhir.total("Patient") == 1


@pytest.mark.parametrize("prefer", ["minimal", "representation", "OperationOutcome"])
def test_prefer_is_honoured(fhir: Fhir, prefer: str) -> None:
    (answer,) = fhir.batch(entry("POST", "Patient", patient()), prefer_return=prefer)
    assert ("resource" in answer) is (prefer == "representation")
    assert ("outcome" in answer["response"]) is (prefer == "OperationOutcome")


def test_a_bundle_that_is_wrong_itself(fhir: Fhir) -> None:
    wrong = bundle("batch", entry("POST", "Patient", patient())) | {"nonsense": 1}
    assert fhir.refused("POST", "", wrong).status == 400
    assert fhir.log_length() == 0


def test_I09_more_entries_than_the_settings_allow(fhir: Fhir) -> None:
    fhir.settings(bundle_entries=3)
    error = fhir.refused("POST", "", bundle("batch", *[entry("GET", "Patient/1")] * 4))
    assert codes(error) == (413, "too-costly")


def test_batches_at_once(fhir: Fhir) -> None:
    def of(number: int) -> Resource:
        ids = [f"{number}-{each}" for each in range(20)]
        return bundle("batch", *(entry("PUT", f"Patient/{id_}", patient(id=id_)) for id_ in ids))

    answers = fhir.together(request("POST", "", of(number)) for number in range(5))
    assert [answer.status for answer in answers] == [200] * 5
    assert fhir.total("Patient") == 100

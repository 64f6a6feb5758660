"""https://hl7.org/fhir/R4/http.html#update, https://hl7.org/fhir/R4/http.html#concurrency"""

import pytest

from fhir_server.interactions.request import Response
from fhir_server.outcome import FhirError
from tests.interactions.fhir import BASE, Fhir, codes, content, patient, request


def test_update_makes_the_next_version(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1", active=True))
    answer = fhir("PUT", "Patient/1", patient(id="1", active=False))
    assert answer.status == 200
    assert answer.location == f"{BASE}/Patient/1/_history/2"
    assert content(answer)["meta"]["versionId"] == "2"


def test_update_creates_what_is_not_there(fhir: Fhir) -> None:
    answer = fhir("PUT", "Patient/1", patient(id="1"))
    assert answer.status == 201
    assert answer.location == f"{BASE}/Patient/1/_history/1"


def test_update_brings_back_what_was_deleted(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("DELETE", "Patient/1")
    answer = fhir("PUT", "Patient/1", patient(id="1"))
    assert answer.status == 201
    assert content(answer)["meta"]["versionId"] == "3"


def test_an_update_that_changes_nothing_makes_no_version(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1", active=True))
    same = content(fhir("GET", "Patient/1"))
    answer = fhir("PUT", "Patient/1", same)
    assert answer.status == 200
    assert content(answer) == same
    assert fhir.log_length() == 1


def test_C04_the_body_has_no_id(fhir: Fhir) -> None:
    error = fhir.refused("PUT", "Patient/1", patient())
    assert codes(error) == (400, "invalid")
    assert error.issues[0].expression == "Patient.id"


def test_C04_the_body_has_another_id(fhir: Fhir) -> None:
    error = fhir.refused("PUT", "Patient/1", patient(id="2"))
    assert codes(error) == (400, "invalid")
    assert error.issues[0].diagnostics == "Patient.id is '2', the URL names '1'"
    assert fhir.log_length() == 0


@pytest.mark.parametrize("id_", ["x" * 65, "..", "a_b", "%E5%BC%A0"])
def test_C02_an_id_outside_the_rule_is_not_created(fhir: Fhir, id_: str) -> None:
    assert codes(fhir.refused("PUT", f"Patient/{id_}", patient(id=id_))) == (400, "value")


def test_C05_version_and_time_of_the_client_are_ignored(fhir: Fhir) -> None:
    meta = {"versionId": "7", "lastUpdated": "1999-01-01T00:00:00Z"}
    stored = content(fhir("PUT", "Patient/1", patient(id="1", meta=meta)))
    assert stored["meta"]["versionId"] == "1"
    assert stored["meta"]["lastUpdated"].startswith("2026-")


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', ' W/"1" ', "*"])
def test_if_match_of_the_current_version(fhir: Fhir, tag: str) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert fhir("PUT", "Patient/1", patient(id="1", active=True), if_match=tag).status == 200


@pytest.mark.parametrize("tag", ["1", "", 'W/"1', "W/1", 'W/"1", W/"2"', '"1","1"', 'w/"1"'])
def test_D08_if_match_that_is_not_one_entity_tag(fhir: Fhir, tag: str) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    error = fhir.refused("PUT", "Patient/1", patient(id="1", active=True), if_match=tag)
    assert codes(error) == (400, "value")


@pytest.mark.parametrize("tag", ['W/"2"', 'W/"abc"', 'W/"01"', 'W/"0"', 'W/""', f'W/"{"9" * 30}"'])
def test_D08_if_match_of_an_unknown_version(fhir: Fhir, tag: str) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    error = fhir.refused("PUT", "Patient/1", patient(id="1", active=True), if_match=tag)
    assert codes(error) == (412, "conflict")
    assert fhir.log_length() == 1


@pytest.mark.parametrize("tag", ['W/"1"', "*"])
def test_D08_if_match_when_there_is_no_resource(fhir: Fhir, tag: str) -> None:
    assert codes(fhir.refused("PUT", "Patient/1", patient(id="1"), if_match=tag)) == (412, "conflict")


def test_D09_versioned_update_without_if_match(fhir: Fhir) -> None:
    fhir.settings(versioned_update=("Patient",))
    fhir("PUT", "Patient/1", patient(id="1"))
    error = fhir.refused("PUT", "Patient/1", patient(id="1", active=True))
    assert codes(error) == (400, "required")
    assert fhir.log_length() == 1
    assert fhir("PUT", "Patient/1", patient(id="1", active=True), if_match='W/"1"').status == 200


def test_a_deleted_resource_is_brought_back_under_the_etag_of_its_deletion(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    tag = fhir("DELETE", "Patient/1").version
    assert tag is not None
    assert codes(fhir.refused("PUT", "Patient/1", patient(id="1"), if_match='W/"1"')) == (412, "conflict")
    assert fhir("PUT", "Patient/1", patient(id="1"), if_match=f'W/"{tag.version_id}"').status == 201


def test_412_when_the_resource_exists_and_must_not(fhir: Fhir) -> None:
    assert fhir("PUT", "Patient/1", patient(id="1"), if_none_match="*").status == 201
    error = fhir.refused("PUT", "Patient/1", patient(id="1", active=True), if_none_match="*")
    assert codes(error) == (412, "conflict")
    fhir("DELETE", "Patient/1")
    assert fhir("PUT", "Patient/1", patient(id="1"), if_none_match="*").status == 201


def test_412_when_the_version_is_the_one_that_must_not_be(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    changed = patient(id="1", active=True)
    assert codes(fhir.refused("PUT", "Patient/1", changed, if_none_match='W/"1"')) == (412, "conflict")
    assert codes(fhir.refused("PUT", "Patient/1", changed, if_none_match="1")) == (400, "value")
    assert fhir("PUT", "Patient/1", changed, if_none_match='W/"7"').status == 200


def test_D06_one_of_many_updates_under_one_if_match_succeeds(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    answers = fhir.together(
        request("PUT", "Patient/1", patient(id="1", language=f"x-{number}"), if_match='W/"1"')
        for number in range(64)
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 63
    assert all(codes(answer) == (412, "conflict") for answer in answers if isinstance(answer, FhirError))
    assert fhir.log_length() == 2


def test_D07_nothing_is_lost_by_read_modify_write_with_retry(fhir: Fhir) -> None:
    fhir("PUT", "Basic/1", {"resourceType": "Basic", "id": "1", "code": {"text": "0"}})
    waiting = 16
    while waiting:
        current = fhir.read("Basic/1")
        number = int(current["code"]["text"])
        tag = f'W/"{current["meta"]["versionId"]}"'
        changed = current | {"code": {"text": str(number + 1)}}
        answers = fhir.together(request("PUT", "Basic/1", changed, if_match=tag) for _ in range(waiting))
        waiting -= sum(isinstance(answer, Response) for answer in answers)
    assert fhir.read("Basic/1")["code"]["text"] == "16"
    assert fhir.log_length() == 17


def test_D10_creating_by_put_at_once_makes_one_resource(fhir: Fhir) -> None:
    answers = fhir.together(
        request("PUT", "Patient/1", patient(id="1", language=f"x-{number}")) for number in range(8)
    )
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    versions = fhir.read("Patient/1/_history")["entry"]
    assert [each["resource"]["meta"]["versionId"] for each in versions] == [str(n) for n in range(8, 0, -1)]


def test_D10_history_is_contiguous_when_updates_and_deletes_race(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir.together(
        request("DELETE", "Patient/1")
        if number % 2
        else request("PUT", "Patient/1", patient(id="1", language=f"x-{number}"))
        for number in range(20)
    )
    fhir("DELETE", "Patient/1")
    tags = [each["response"]["etag"] for each in fhir.read("Patient/1/_history?_count=100")["entry"]]
    assert tags == [f'W/"{number}"' for number in range(len(tags), 0, -1)]
    assert codes(fhir.refused("GET", "Patient/1")) == (410, "deleted")


def test_D11_the_same_update_again_changes_nothing(fhir: Fhir) -> None:
    for _ in range(2):
        fhir("PUT", "Patient/1", patient(id="1", active=True))
    assert fhir.log_length() == 1


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/9",
        "Patient/9/_history/2",
        f"{BASE}/Patient/9",
        "https://elsewhere.example/Patient/9",
        "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    ],
)
def test_references_are_stored_as_written(fhir: Fhir, reference: str) -> None:
    link = [{"other": {"reference": reference}, "type": "seealso"}]
    assert content(fhir("PUT", "Patient/1", patient(id="1", link=link)))["link"] == link

"""https://hl7.org/fhir/R4/http.html#read"""

import pytest

from tests.interactions.fhir import Fhir, codes, content, patient


def test_read_answers_the_current_version(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1", active=True))
    fhir("PUT", "Patient/1", patient(id="1", active=False))
    answer = fhir("GET", "Patient/1")
    assert answer.status == 200
    assert answer.version is not None and answer.version.version_id == 2
    assert content(answer)["active"] is False
    assert content(answer)["meta"]["versionId"] == "2"


def test_head_is_answered_alike(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert fhir("HEAD", "Patient/1") == fhir("GET", "Patient/1")


def test_404_for_an_unknown_id(fhir: Fhir) -> None:
    assert codes(fhir.refused("GET", "Patient/1")) == (404, "not-found")


def test_410_for_a_deleted_resource_with_the_etag_of_the_deletion(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("DELETE", "Patient/1")
    error = fhir.refused("GET", "Patient/1")
    assert codes(error) == (410, "deleted")
    assert error.headers["ETag"] == 'W/"2"'


def test_C01_404_for_an_unknown_type(fhir: Fhir) -> None:
    error = fhir.refused("GET", "Patent/1")
    assert codes(error) == (404, "not-supported")
    assert "did you mean Patient?" in error.issues[0].diagnostics


@pytest.mark.parametrize("id_", ["x" * 65, ".", "..", "%2e%2e", "a%20b", "张三", "%E5%BC%A0", "a_b"])
def test_C02_an_id_outside_the_rule(fhir: Fhir, id_: str) -> None:
    error = fhir.refused("GET", f"Patient/{id_}")
    assert codes(error) == (400, "value")
    assert error.issues[0].expression is None  # no FHIRPath leads into the URL


@pytest.mark.parametrize("tags", ['W/"1"', '"1"', "*", 'W/"7", W/"1"'])
def test_304_when_the_client_has_the_version(fhir: Fhir, tags: str) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    answer = fhir("GET", "Patient/1", if_none_match=tags)
    assert answer.status == 304
    assert answer.version is not None and answer.version.version_id == 1


@pytest.mark.parametrize("tags", ['W/"2"', "1", "", "W/"])
def test_200_when_the_client_has_another_version(fhir: Fhir, tags: str) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert fhir("GET", "Patient/1", if_none_match=tags).status == 200


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("Mon, 23 Nov 2026 00:00:01 GMT", 304),
        ("Mon, 23 Nov 2026 00:00:02 GMT", 304),
        ("Mon, 23 Nov 2026 00:00:00 GMT", 200),
        ("2026-11-23T08:00:02+08:00", 304),
        ("2026-11-23T08:00:00+08:00", 200),
        ("yesterday", 200),
    ],
)
def test_if_modified_since(fhir: Fhir, since: str, status: int) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir.clock.now_ms = 0
    assert fhir("GET", "Patient/1", if_modified_since=since).status == status


def test_if_none_match_wins_over_if_modified_since(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    since = "Mon, 23 Nov 2026 01:00:00 GMT"
    assert fhir("GET", "Patient/1", if_none_match='W/"7"', if_modified_since=since).status == 200


def test_C03_ids_that_differ_in_case_are_two_resources(fhir: Fhir) -> None:
    fhir("PUT", "Patient/AbC", patient(id="AbC", active=True))
    fhir("PUT", "Patient/abc", patient(id="abc", active=False))
    assert fhir.read("Patient/AbC")["active"] is True
    assert fhir.read("Patient/abc")["active"] is False
    assert fhir.total("Patient?_id=AbC") == 1
    fhir("DELETE", "Patient/abc")
    assert fhir.read("Patient/AbC")["active"] is True

"""https://hl7.org/fhir/R4/http.html#vread"""

import pytest

from tests.interactions.fhir import Fhir, codes, patient


def test_each_version_is_read(fhir: Fhir) -> None:
    for active in (True, False):
        fhir("PUT", "Patient/1", patient(id="1", active=active))
    assert fhir.read("Patient/1/_history/1")["active"] is True
    assert fhir.read("Patient/1/_history/2")["active"] is False
    assert fhir.read("Patient/1/_history/1")["meta"]["versionId"] == "1"


def test_a_version_that_the_client_has_is_not_sent_again(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert fhir("GET", "Patient/1/_history/1", if_none_match='W/"1"').status == 304


def test_D18_410_for_the_version_of_a_deletion(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("DELETE", "Patient/1")
    assert codes(fhir.refused("GET", "Patient/1/_history/2")) == (410, "deleted")
    assert fhir("GET", "Patient/1/_history/1").status == 200


@pytest.mark.parametrize("version_id", ["2", "0", "-1", "01", "1.0", "abc", "9" * 18, "9" * 64])
def test_D18_404_for_an_unknown_version(fhir: Fhir, version_id: str) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert codes(fhir.refused("GET", f"Patient/1/_history/{version_id}")) == (404, "not-found")


def test_404_for_a_version_of_an_unknown_resource(fhir: Fhir) -> None:
    assert codes(fhir.refused("GET", "Patient/1/_history/1")) == (404, "not-found")

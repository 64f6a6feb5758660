"""https://hl7.org/fhir/R4/http.html#delete"""

from tests.interactions.fhir import Fhir, codes, content, identified, patient


def test_delete_answers_204_with_the_version_of_the_deletion(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", identified("1", id="1"))
    answer = fhir("DELETE", "Patient/1")
    assert answer.status == 204
    assert answer.version is not None and answer.version.version_id == 2
    assert fhir.total("Patient?identifier=1") == 0


def test_deleting_what_is_not_there_succeeds(fhir: Fhir) -> None:
    assert fhir("DELETE", "Patient/1").status == 204
    assert fhir.log_length() == 0


def test_D11_the_same_delete_again_makes_no_version(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    fhir("DELETE", "Patient/1")
    answer = fhir("DELETE", "Patient/1")
    assert (answer.status, answer.version) == (204, None)
    assert fhir.log_length() == 2


def test_a_client_that_prefers_an_outcome_gets_one(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    answer = fhir("DELETE", "Patient/1", prefer_return="OperationOutcome")
    assert answer.status == 200
    assert answer.version is not None and answer.version.version_id == 2
    assert content(answer)["issue"][0]["diagnostics"] == "deleted 1"


def test_if_match_guards_a_delete(fhir: Fhir) -> None:
    fhir("PUT", "Patient/1", patient(id="1"))
    assert codes(fhir.refused("DELETE", "Patient/1", if_match='W/"2"')) == (412, "conflict")
    assert codes(fhir.refused("DELETE", "Patient/1", if_match="2")) == (400, "value")
    assert fhir("DELETE", "Patient/1", if_match='W/"1"').status == 204


def test_C02_an_id_outside_the_rule(fhir: Fhir) -> None:
    assert codes(fhir.refused("DELETE", "Patient/a_b")) == (400, "value")

"""https://hl7.org/fhir/R4/http.html#create"""

from fhir_server.interactions.answer import body_of
from fhir_server.interactions.request import Request
from fhir_server.resource import decode
from tests.interactions.fhir import BASE, Fhir, codes, content, instant, patient, plain


def test_create_answers_what_was_stored_and_where(fhir: Fhir) -> None:
    answer = fhir("POST", "Patient", patient(active=True))
    assert answer.status == 201
    assert answer.location == f"{BASE}/Patient/new-1/_history/1"
    assert content(answer) == {
        "resourceType": "Patient",
        "id": "new-1",
        "meta": {"versionId": "1", "lastUpdated": instant(1)},
        "active": True,
    }
    assert content(fhir("GET", "Patient/new-1")) == content(answer)


def test_C05_id_version_and_time_of_the_client_are_replaced(fhir: Fhir) -> None:
    meta = {"versionId": "7", "lastUpdated": "1999-01-01T00:00:00Z", "tag": [{"code": "kept"}]}
    stored = content(fhir("POST", "Patient", patient(id="mine", meta=meta)))
    assert stored["id"] == "new-1"
    assert stored["meta"] == {"versionId": "1", "lastUpdated": instant(1), "tag": [{"code": "kept"}]}
    assert codes(fhir.refused("GET", "Patient/mine")) == (404, "not-found")


def test_C01_a_body_without_resource_type(fhir: Fhir) -> None:
    error = fhir.refused("POST", "Patient", {"active": True})
    assert codes(error) == (400, "invalid")
    assert error.issues[0].diagnostics == "resourceType is missing, the URL names Patient"


def test_C01_a_body_of_another_type_than_the_url(fhir: Fhir) -> None:
    assert codes(fhir.refused("POST", "Patient", {"resourceType": "Group"})) == (400, "invalid")
    assert codes(fhir.refused("POST", "Patient", {"resourceType": 7})) == (400, "invalid")


def test_C01_an_unknown_type_in_the_url(fhir: Fhir) -> None:
    assert codes(fhir.refused("POST", "Patent", {"resourceType": "Patent"})) == (404, "not-supported")


def test_a_request_without_body(fhir: Fhir) -> None:
    assert codes(fhir.refused("POST", "Patient")) == (400, "required")


def test_all_issues_of_a_resource_are_told_at_once(fhir: Fhir) -> None:
    error = fhir.refused("POST", "Patient", patient(birthDate="2024-02-30", gender="unsure", name=[]))
    assert error.status == 400
    assert {issue.expression for issue in error.issues} >= {"Patient.birthDate", "Patient.gender"}
    assert fhir.log_length() == 0


def test_A12_decimals_keep_their_digits(fhir: Fhir) -> None:
    text = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00}}'
    )
    answer = fhir("POST", "Observation", decode(text))
    body = body_of(Request("GET"), fhir("GET", "Observation/new-1"))
    assert answer.version is not None and body == answer.version.body
    assert b'"valueQuantity":{"value":1.00}' in body


def test_prefer_minimal_sends_no_body(fhir: Fhir) -> None:
    answer = fhir("POST", "Patient", patient())
    assert body_of(Request("POST", prefer_return="minimal"), answer) is None


def test_prefer_outcome_sends_an_outcome(fhir: Fhir) -> None:
    answer = fhir("POST", "Patient", patient())
    body = body_of(Request("POST", prefer_return="OperationOutcome"), answer)
    assert body is not None
    assert decode(body)["resourceType"] == "OperationOutcome"


def test_every_element_comes_back_as_it_was_sent(fhir: Fhir) -> None:
    sent = patient(name=[{"family": "张\U00020bb7", "_given": [{"id": "a"}], "given": ["e\u0301"]}], text={
        "status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">张</div>'
    })  # fmt: skip
    assert plain(content(fhir("POST", "Patient", sent))) == sent

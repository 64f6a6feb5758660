"""https://hl7.org/fhir/R4/http.html#ccreate, https://hl7.org/fhir/R4/http.html#cond-update"""

import pytest

from fhir_server.interactions.request import Response
from tests.interactions.fhir import BASE, Fhir, codes, content, identified, patient, request

MRN = "identifier=http://example.org/mrn|"


def two_alike(fhir: Fhir) -> int:
    """Two Patients with the identifier 1; the length of the log then."""
    for id_ in ("a", "b"):
        fhir("PUT", f"Patient/{id_}", identified("1", id=id_))
    return fhir.log_length()


# create


def test_create_when_nothing_fits(fhir: Fhir) -> None:
    answer = fhir("POST", "Patient", identified("1"), if_none_exist=f"{MRN}1")
    assert (answer.status, answer.location) == (201, f"{BASE}/Patient/new-1/_history/1")


def test_create_answers_what_is_there_when_it_fits(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answer = fhir("POST", "Patient", identified("1", active=True), if_none_exist=f"{MRN}1")
    assert (answer.status, answer.location) == (200, f"{BASE}/Patient/a/_history/1")
    assert content(answer)["id"] == "a"
    assert fhir.log_length() == 1


def test_criteria_of_if_none_exist_are_percent_decoded(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    encoded = "identifier=http%3A%2F%2Fexample.org%2Fmrn%7C1&active:missing=true"
    assert fhir("POST", "Patient", identified("1"), if_none_exist=encoded).status == 200


def test_D01_one_of_many_creates_at_once_is_done(fhir: Fhir) -> None:
    requests = [
        request("POST", "Patient", identified(key), if_none_exist=f"{MRN}{key}")
        for key in ("1", "2", "3")
        for _ in range(16)
    ]
    answers = fhir.together(requests)
    assert sorted(answer.status for answer in answers) == [200] * 45 + [201] * 3
    for key in range(3):
        alike = answers[key * 16 : key * 16 + 16]
        assert len({content(answer)["id"] for answer in alike if isinstance(answer, Response)}) == 1
    assert fhir.total("Patient") == 3


def test_D02_conditional_update_and_conditional_create_at_once_make_one_resource(fhir: Fhir) -> None:
    fhir.together(
        request("PUT", f"Patient?{MRN}1", identified("1", active=True))
        if number % 2
        else request("POST", "Patient", identified("1"), if_none_exist=f"{MRN}1")
        for number in range(32)
    )
    assert fhir.total("Patient") == 1


def test_D03_created_again_when_the_match_was_deleted(fhir: Fhir) -> None:
    first = fhir("POST", "Patient", identified("1"), if_none_exist=f"{MRN}1")
    assert first.version is not None
    fhir("DELETE", f"Patient/{first.version.id}")
    second = fhir("POST", "Patient", identified("1"), if_none_exist=f"{MRN}1")
    assert second.version is not None
    assert second.status == 201 and second.version.id != first.version.id


def test_D03_created_again_when_the_identifier_was_edited_away(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    fhir("PUT", "Patient/a", identified("2", id="a"))
    assert fhir("POST", "Patient", identified("1"), if_none_exist=f"{MRN}1").status == 201


def test_D04_create_refused_when_two_fit(fhir: Fhir) -> None:
    length = two_alike(fhir)
    error = fhir.refused("POST", "Patient", identified("1"), if_none_exist=f"{MRN}1")
    assert codes(error) == (412, "multiple-matches")
    assert fhir.log_length() == length


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ("", "invalid"),
        ("   ", "invalid"),
        ("identifer=1", "not-supported"),
        ("identifier=1&identifer=2", "not-supported"),
        ("identifier=", "value"),
        ("_count=1", "not-supported"),
        ("_sort=birthdate", "not-supported"),
        ("http://example.org/fhir/Patient?identifier=1", "invalid"),
        ("birthdate=2024-02-30", "value"),
        ("identifier:foo=1", "not-supported"),
    ],
)
def test_D05_no_condition_is_dropped(fhir: Fhir, criteria: str, code: str) -> None:
    error = fhir.refused("POST", "Patient", identified("1"), if_none_exist=criteria)
    assert codes(error) == (400, code)
    assert fhir.log_length() == 0


def test_D11_a_create_that_is_sent_again_makes_nothing(fhir: Fhir) -> None:
    ids = [content(fhir("POST", "Patient", identified("1"), if_none_exist=f"{MRN}1"))["id"] for _ in range(2)]
    assert ids[0] == ids[1]
    assert fhir.log_length() == 1


def test_a_conditional_create_checks_what_it_is_sent(fhir: Fhir) -> None:
    error = fhir.refused("POST", "Patient", identified("1", gender="unsure"), if_none_exist=f"{MRN}1")
    assert codes(error) == (400, "code-invalid")


# update


def test_update_creates_when_nothing_fits_and_no_id_is_given(fhir: Fhir) -> None:
    answer = fhir("PUT", f"Patient?{MRN}1", identified("1"))
    assert (answer.status, answer.location) == (201, f"{BASE}/Patient/new-1/_history/1")


def test_update_creates_under_the_given_id_when_nothing_fits(fhir: Fhir) -> None:
    answer = fhir("PUT", f"Patient?{MRN}1", identified("1", id="mine"))
    assert (answer.status, answer.location) == (201, f"{BASE}/Patient/mine/_history/1")


def test_update_does_not_overwrite_what_does_not_fit(fhir: Fhir) -> None:
    fhir("PUT", "Patient/mine", identified("2", id="mine"))
    error = fhir.refused("PUT", f"Patient?{MRN}1", identified("1", id="mine"))
    assert codes(error) == (409, "conflict")


@pytest.mark.parametrize("given", [{}, {"id": "a"}])
def test_update_of_the_one_match(fhir: Fhir, given: dict[str, str]) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answer = fhir("PUT", f"Patient?{MRN}1", identified("1", active=True, **given))
    assert (answer.status, answer.location) == (200, f"{BASE}/Patient/a/_history/2")
    assert fhir.read("Patient/a")["active"] is True


def test_update_refused_when_the_given_id_is_not_that_of_the_match(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    error = fhir.refused("PUT", f"Patient?{MRN}1", identified("1", id="b"))
    assert codes(error) == (400, "invalid")
    assert error.issues[0].expression == "Patient.id"


def test_update_refused_for_a_given_id_outside_the_rule(fhir: Fhir) -> None:
    assert codes(fhir.refused("PUT", f"Patient?{MRN}1", identified("1", id=".."))) == (400, "value")


def test_D04_update_refused_when_two_fit(fhir: Fhir) -> None:
    length = two_alike(fhir)
    assert codes(fhir.refused("PUT", f"Patient?{MRN}1", identified("1"))) == (412, "multiple-matches")
    assert fhir.log_length() == length


@pytest.mark.parametrize("query", ["", "?", "?identifer=1", "?_format=json", "?_count=1"])
def test_D05_update_refused_without_criteria_that_are_known(fhir: Fhir, query: str) -> None:
    assert fhir.refused("PUT", f"Patient{query}", identified("1")).status == 400


def test_parameters_of_presentation_are_no_criteria(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answer = fhir("PUT", f"Patient?{MRN}1&_format=json&_pretty=true", identified("1", active=True))
    assert answer.status == 200


def test_update_under_if_match(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    changed = identified("1", active=True)
    assert codes(fhir.refused("PUT", f"Patient?{MRN}1", changed, if_match='W/"2"')) == (412, "conflict")
    assert fhir("PUT", f"Patient?{MRN}1", changed, if_match='W/"1"').status == 200
    assert codes(fhir.refused("PUT", f"Patient?{MRN}9", changed, if_match='W/"1"')) == (412, "conflict")


def test_D11_an_update_that_is_sent_again_makes_nothing(fhir: Fhir) -> None:
    statuses = [fhir("PUT", f"Patient?{MRN}1", identified("1")).status for _ in range(2)]
    assert statuses == [201, 200]
    assert fhir.log_length() == 1


# patch

ACTIVATE = [{"op": "add", "path": "/active", "value": True}]


def test_patch_of_the_one_match(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answer = fhir("PATCH", f"Patient?{MRN}1", patch=ACTIVATE)
    assert (answer.status, answer.location) == (200, f"{BASE}/Patient/a/_history/2")


def test_404_when_nothing_fits_a_patch(fhir: Fhir) -> None:
    assert codes(fhir.refused("PATCH", f"Patient?{MRN}1", patch=ACTIVATE)) == (404, "not-found")


def test_D04_patch_refused_when_two_fit(fhir: Fhir) -> None:
    two_alike(fhir)
    assert codes(fhir.refused("PATCH", f"Patient?{MRN}1", patch=ACTIVATE)) == (412, "multiple-matches")


# delete


def test_delete_of_the_one_match(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answer = fhir("DELETE", f"Patient?{MRN}1")
    assert answer.status == 204
    assert answer.version is not None and answer.version.id == "a"
    assert codes(fhir.refused("GET", "Patient/a")) == (410, "deleted")


def test_delete_of_nothing_succeeds(fhir: Fhir) -> None:
    assert fhir("DELETE", f"Patient?{MRN}1").status == 204


def test_D04_delete_refused_when_two_fit(fhir: Fhir) -> None:
    length = two_alike(fhir)
    assert codes(fhir.refused("DELETE", f"Patient?{MRN}1")) == (412, "multiple-matches")
    assert fhir.log_length() == length


def test_delete_of_all_matches_where_the_settings_allow_it(fhir: Fhir) -> None:
    two_alike(fhir)
    fhir.settings(conditional_delete="multiple")
    assert fhir("DELETE", f"Patient?{MRN}1").status == 204
    assert fhir.total("Patient") == 0


def test_delete_of_more_than_the_settings_allow(fhir: Fhir) -> None:
    length = two_alike(fhir)
    fhir.settings(conditional_delete="multiple", conditional_delete_limit=1)
    assert codes(fhir.refused("DELETE", f"Patient?{MRN}1")) == (400, "too-costly")
    assert fhir.log_length() == length


@pytest.mark.parametrize("query", ["", "?", "?identifer=1", "?_format=json"])
def test_D05_delete_refused_without_criteria_that_are_known(fhir: Fhir, query: str) -> None:
    fhir("PUT", "Patient/a", patient(id="a"))
    assert fhir.refused("DELETE", f"Patient{query}").status == 400
    assert fhir.log_length() == 1

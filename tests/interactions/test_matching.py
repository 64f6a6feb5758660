"""Conditions in a transaction: https://hl7.org/fhir/R4/http.html#trules"""

import pytest

from fhir_server.resource import Resource
from tests.interactions.fhir import (
    MRN,
    Fhir,
    P,
    Q,
    basic,
    bundle,
    codes,
    entry,
    identified,
    location,
    observation,
    patient,
    post,
    put,
    request,
    statuses,
)

# conditions


def test_conditional_create_in_an_entry(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answers = fhir.transaction(
        post(identified("1", active=True), P, ifNoneExist=f"{MRN}1"),
        post(identified("2"), Q, ifNoneExist=f"{MRN}2"),
        post(observation(P)),
        post(observation(Q)),
    )
    assert statuses(answers) == ["200 OK", "201 Created", "201 Created", "201 Created"]
    assert location(answers[0]) == "Patient/a"
    assert fhir.read(location(answers[2]))["subject"]["reference"] == "Patient/a"
    assert fhir.read(location(answers[3]))["subject"]["reference"] == location(answers[1])
    assert "active" not in fhir.read("Patient/a")


def test_conditional_update_in_an_entry(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answers = fhir.transaction(
        entry("PUT", f"Patient?{MRN}1", identified("1", active=True), P),
        entry("PUT", f"Patient?{MRN}2", identified("2"), Q),
        post(observation(P)),
        post(observation(Q)),
    )
    assert statuses(answers) == ["200 OK", "201 Created", "201 Created", "201 Created"]
    assert fhir.read("Patient/a")["active"] is True
    assert fhir.read(location(answers[2]))["subject"]["reference"] == "Patient/a"
    assert fhir.read(location(answers[3]))["subject"]["reference"] == location(answers[1])


def test_conditional_delete_in_an_entry(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answers = fhir.transaction(entry("DELETE", f"Patient?{MRN}1"), entry("DELETE", f"Patient?{MRN}2"))
    assert statuses(answers) == ["204 No Content", "204 No Content"]
    assert fhir.total("Patient") == 0


def test_deletes_come_before_conditions(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answers = fhir.transaction(
        post(identified("1"), P, ifNoneExist=f"{MRN}1"), post(observation(P)), entry("DELETE", "Patient/a")
    )
    assert statuses(answers) == ["201 Created", "201 Created", "204 No Content"]
    assert fhir.read(location(answers[1]))["subject"]["reference"] == location(answers[0])


def test_patch_in_an_entry(fhir: Fhir) -> None:
    fhir("PUT", "Observation/1", observation("Patient/9", id="1"))
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Observation.subject"},
        {"name": "value", "valueReference": {"reference": P}},
    ]
    change = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    answers = fhir.transaction(entry("PATCH", "Observation/1", change), post(patient(), P))
    assert statuses(answers) == ["200 OK", "201 Created"]
    assert fhir.read("Observation/1")["subject"]["reference"] == location(answers[1])


def test_conditional_patch_in_an_entry(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Patient.identifier"}]
    change = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}
    fhir.transaction(entry("PATCH", f"Patient?{MRN}1", change))
    assert "identifier" not in fhir.read("Patient/a")
    error = fhir.refused_transaction(entry("PATCH", f"Patient?{MRN}1", change))
    assert codes(error) == (404, "not-found")
    assert error.issues[0].expression == "Bundle.entry[0]"


def test_if_match_in_an_entry(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", patient(id="a"))
    error = fhir.refused_transaction(post(patient()), put(patient(id="a", active=True), ifMatch='W/"2"'))
    assert codes(error) == (412, "conflict")
    assert error.issues[0].expression == "Bundle.entry[1]"
    assert fhir.total("Patient") == 1
    answers = fhir.transaction(put(patient(id="a", active=True), ifMatch='W/"1"'))
    assert statuses(answers) == ["200 OK"]
    assert codes(fhir.refused_transaction(entry("DELETE", "Patient/a", ifMatch='W/"1"')))[0] == 412


def test_if_none_match_in_an_entry(fhir: Fhir) -> None:
    assert statuses(fhir.transaction(put(patient(id="a"), ifNoneMatch="*"))) == ["201 Created"]
    assert codes(fhir.refused_transaction(put(patient(id="a", active=True), ifNoneMatch="*")))[0] == 412


@pytest.mark.parametrize(
    "criteria", ["", "identifer=1", "_count=1", "http://example.org/fhir/Patient?identifier=1"]
)
def test_D05_no_condition_of_an_entry_is_dropped(fhir: Fhir, criteria: str) -> None:
    error = fhir.refused_transaction(post(identified("1"), ifNoneExist=criteria))
    assert error.status == 400
    assert fhir.log_length() == 0


def test_D02_transactions_at_once_make_one_resource_and_refer_to_it(fhir: Fhir) -> None:
    def visit(number: int) -> Resource:
        return bundle(
            "transaction",
            post(identified("1"), P, ifNoneExist=f"{MRN}1")
            if number % 2
            else entry("PUT", f"Patient?{MRN}1", identified("1"), P),
            post(observation(P, code={"text": str(number)})),
        )

    answers = fhir.together(request("POST", "", visit(number)) for number in range(16))
    assert [answer.status for answer in answers] == [200] * 16
    assert fhir.total("Patient") == 1
    (found,) = fhir.read("Patient")["entry"]
    observations = fhir.read("Observation?_count=100")["entry"]
    assert len(observations) == 16
    references = {each["resource"]["subject"]["reference"] for each in observations}
    assert references == {f"Patient/{found['resource']['id']}"}


@pytest.mark.parametrize("first", [0, 1])
def test_D02_what_was_prepared_for_a_match_that_is_gone_is_prepared_again(fhir: Fhir, first: int) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    visit = bundle("transaction", post(identified("1"), P, ifNoneExist=f"{MRN}1"), post(observation(P)))
    together = [request("DELETE", "Patient/a"), request("POST", "", visit)]
    answers = fhir.together([together[first], together[1 - first]])
    assert sorted(answer.status for answer in answers) == [200, 204]
    reference = fhir.read("Observation")["entry"][0]["resource"]["subject"]["reference"]
    assert reference == ("Patient/a" if first else "Patient/new-1")


@pytest.mark.parametrize("first", [0, 1])
def test_D02_what_was_prepared_without_a_match_that_came_is_prepared_again(fhir: Fhir, first: int) -> None:
    visit = bundle("transaction", post(identified("1"), P, ifNoneExist=f"{MRN}1"), post(observation(P)))
    together = [request("PUT", "Patient/a", identified("1", id="a")), request("POST", "", visit)]
    fhir.together([together[first], together[1 - first]])
    reference = fhir.read("Observation")["entry"][0]["resource"]["subject"]["reference"]
    assert reference == ("Patient/new-1" if first else "Patient/a")


# conditional references


def test_a_conditional_reference_leads_to_its_match(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    answers = fhir.transaction(post(observation(f"Patient?{MRN}1")), post(observation("Patient?_id=a")))
    for answer in answers:
        assert fhir.read(location(answer))["subject"]["reference"] == "Patient/a"


def test_a_conditional_reference_finds_what_the_transaction_writes(fhir: Fhir) -> None:
    answers = fhir.transaction(post(observation(f"Patient?{MRN}1")), post(identified("1")))
    assert fhir.read(location(answers[0]))["subject"]["reference"] == location(answers[1])


def test_conditional_references_lead_on_from_one_to_the_next(fhir: Fhir) -> None:
    def linked(value: str, to: str | None) -> Resource:
        link = {"link": [{"other": {"reference": f"Patient?{MRN}{to}"}, "type": "seealso"}]} if to else {}
        return post(identified(value, **link))

    entries = [linked("1", "2"), linked("2", "3"), linked("3", None)]
    answers = fhir.transaction(*entries)
    assert fhir.read(location(answers[0]))["link"][0]["other"]["reference"] == location(answers[1])
    assert fhir.read(location(answers[1]))["link"][0]["other"]["reference"] == location(answers[2])


def test_a_conditional_reference_does_not_find_what_the_transaction_deletes(fhir: Fhir) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    error = fhir.refused_transaction(post(observation(f"Patient?{MRN}1")), entry("DELETE", "Patient/a"))
    assert codes(error) == (412, "not-found")


def test_D15_a_conditional_reference_without_a_match(fhir: Fhir) -> None:
    error = fhir.refused_transaction(post(patient()), post(observation(f"Patient?{MRN}1")))
    assert codes(error) == (412, "not-found")
    assert error.issues[0].expression == "Bundle.entry[1]"
    assert fhir.log_length() == 0


def test_D15_a_conditional_reference_with_two_matches(fhir: Fhir) -> None:
    for id_ in ("a", "b"):
        fhir("PUT", f"Patient/{id_}", identified("1", id=id_))
    error = fhir.refused_transaction(post(patient()), post(observation(f"Patient?{MRN}1")))
    assert codes(error) == (412, "multiple-matches")
    assert error.issues[0].expression == "Bundle.entry[1]"
    assert fhir.log_length() == 2


def test_D15_a_ring_of_conditional_references_has_no_match(fhir: Fhir) -> None:
    def linked(value: str, to: str) -> Resource:
        link = [{"other": {"reference": f"Patient?{MRN}{to}"}, "type": "seealso"}]
        return post(identified(value, link=link))

    assert codes(fhir.refused_transaction(linked("1", "2"), linked("2", "1"))) == (412, "not-found")


@pytest.mark.parametrize("reference", ["Patient?identifer=1", "Patient?_count=1", "Patient?identifier="])
def test_D05_a_conditional_reference_that_is_not_understood(fhir: Fhir, reference: str) -> None:
    error = fhir.refused_transaction(post(patient()), post(observation(reference)))
    assert error.status == 400
    assert error.issues[0].expression == "Bundle.entry[1]"


@pytest.mark.parametrize("reference", ["Patient?", "Nonsense?identifier=1", "patient?identifier=1"])
def test_what_is_no_conditional_reference_is_refused(fhir: Fhir, reference: str) -> None:
    error = fhir.refused_transaction(post(observation(reference)))
    assert error.status == 400
    assert (error.issues[0].expression or "").startswith("Bundle.entry[0].resource.subject")


# each resource once


@pytest.mark.parametrize(
    "second",
    [
        put(patient(id="a", active=True)),
        entry("DELETE", "Patient/a"),
        entry("DELETE", f"Patient?{MRN}1"),
        entry("PUT", f"Patient?{MRN}1", identified("1")),
        entry("PUT", "Patient?_id=a", identified("1")),
        post(identified("1"), ifNoneExist=f"{MRN}1"),
    ],
)
def test_D13_one_resource_twice(fhir: Fhir, second: Resource) -> None:
    fhir("PUT", "Patient/a", identified("1", id="a"))
    for entries in (
        [put(identified("1", id="a", active=True)), second],
        [second, put(identified("1", id="a"))],
    ):
        error = fhir.refused_transaction(*entries)
        assert codes(error) == (400, "invalid")
        assert error.issues[0].expression in ("Bundle.entry[0]", "Bundle.entry[1]")
        assert fhir.log_length() == 1


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (entry("PUT", f"Patient?{MRN}1", identified("1")), entry("PUT", f"Patient?{MRN}1", identified("1"))),
        (
            entry("PUT", f"Patient?{MRN}1", identified("1")),
            entry("PUT", "Patient?identifier=1", identified("1")),
        ),
        (entry("PUT", f"Patient?{MRN}1", identified("1")), post(identified("1"), ifNoneExist=f"{MRN}1")),
        (post(identified("1"), ifNoneExist="identifier=1"), post(identified("1"), ifNoneExist=f"{MRN}1")),
    ],
)
def test_D13_two_conditions_that_resolve_alike(
    fhir: Fhir, first: Resource, second: Resource, there: bool
) -> None:
    if there:
        fhir("PUT", "Patient/a", identified("1", id="a"))
    for entries in ((first, second), (second, first)):
        error = fhir.refused_transaction(*entries)
        assert codes(error) == (400, "invalid")
        assert fhir.log_length() == there


def test_D13_a_condition_that_fits_another_new_resource_of_the_transaction(fhir: Fhir) -> None:
    error = fhir.refused_transaction(post(identified("1")), entry("PUT", f"Patient?{MRN}1", identified("1")))
    assert codes(error) == (400, "invalid")
    assert fhir.log_length() == 0


def test_D13_one_full_url_twice(fhir: Fhir) -> None:
    error = fhir.refused_transaction(post(patient(), P), post(patient(), P))
    assert codes(error) == (400, "invalid")
    assert error.issues[0].expression == "Bundle.entry[1].fullUrl"


def test_D13_ids_of_two_types_are_two_resources(fhir: Fhir) -> None:
    fhir.transaction(put(patient(id="a")), put(basic(id="a")))
    assert fhir.log_length() == 2

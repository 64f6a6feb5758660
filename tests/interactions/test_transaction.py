"""https://hl7.org/fhir/R4/http.html#trules"""

import random
from typing import Any

import pytest

from fhir_server.resource import Resource, encode
from tests.interactions.fhir import (
    BASE,
    Fhir,
    bundle,
    codes,
    content,
    entries_of,
    entry,
    identified,
    observation,
    patient,
    plain,
    request,
)

MRN = "identifier=http://example.org/mrn|"
P, Q, O = (f"urn:uuid:00000000-0000-4000-8000-00000000000{digit}" for digit in "123")  # noqa: E741


XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def basic(**elements: Any) -> Resource:
    return {"resourceType": "Basic", "code": {"text": "x"}} | elements


def post(resource: Resource, full_url: str | None = None, **given: str) -> Resource:
    return entry("POST", resource["resourceType"], resource, full_url, **given)


def put(resource: Resource, full_url: str | None = None, **given: str) -> Resource:
    return entry("PUT", f"{resource['resourceType']}/{resource['id']}", resource, full_url, **given)


def statuses(answers: list[Resource]) -> list[str]:
    return [answer["response"]["status"] for answer in answers]


def location(answer: Resource) -> str:
    """`Patient/1` of an entry of the answer."""
    found: str = answer["response"]["location"].partition("/_history/")[0]
    return found


# what an answer says


def test_each_entry_is_answered_in_its_place(fhir: Fhir) -> None:
    fhir("PUT", "Patient/gone", patient(id="gone"))
    fhir("PUT", "Patient/there", patient(id="there"))
    answers = fhir.transaction(
        entry("GET", "Patient/there"),
        put(patient(id="there", active=True)),
        post(patient()),
        entry("DELETE", "Patient/gone"),
    )
    assert statuses(answers) == ["200 OK", "200 OK", "201 Created", "204 No Content"]
    assert answers[0]["resource"]["active"] is True  # GET sees what the transaction wrote
    assert answers[2] == {
        "fullUrl": f"{BASE}/Patient/new-1",
        "response": {
            "status": "201 Created",
            "location": "Patient/new-1/_history/1",
            "etag": 'W/"1"',
            "lastModified": fhir.read("Patient/new-1")["meta"]["lastUpdated"],
        },
    }


def test_the_answer_is_a_bundle_of_its_kind(fhir: Fhir) -> None:
    answer = content(fhir("POST", "", bundle("transaction", post(patient()))))
    assert (answer["resourceType"], answer["type"]) == ("Bundle", "transaction-response")


def test_a_transaction_without_entries(fhir: Fhir) -> None:
    assert "entry" not in content(fhir("POST", "", bundle("transaction")))


def test_prefer_is_honoured(fhir: Fhir) -> None:
    minimal = fhir.transaction(post(patient(active=True)), prefer_return="minimal")
    assert "resource" not in minimal[0]
    whole = fhir.transaction(post(patient(active=True)), prefer_return="representation")
    assert whole[0]["resource"] == fhir.read(location(whole[0]))
    outcome = fhir.transaction(post(patient(active=True)), prefer_return="OperationOutcome")
    assert "resource" not in outcome[0]
    assert outcome[0]["response"]["outcome"]["resourceType"] == "OperationOutcome"


def test_reads_see_the_end_of_the_transaction(fhir: Fhir) -> None:
    answers = fhir.transaction(
        entry("GET", "Patient?active=true"),
        entry("HEAD", "Patient/1"),
        entry("GET", "Patient/1/_history"),
        entry("GET", "metadata"),
        entry("GET", "Patient/1", ifNoneMatch='W/"1"'),
        put(patient(id="1", active=True)),
    )
    assert statuses(answers) == ["200 OK"] * 4 + ["304 Not Modified", "201 Created"]
    assert answers[0]["resource"]["total"] == 1
    assert "resource" not in answers[1]
    assert answers[3]["resource"]["resourceType"] == "CapabilityStatement"


# links


def test_links_to_entries_lead_to_what_was_stored(fhir: Fhir) -> None:
    fhir.transaction(post(observation(P), O), post(patient(), P))
    (found,) = fhir.read("Observation")["entry"]
    assert found["resource"]["subject"]["reference"] == "Patient/new-2"


def test_links_are_replaced_wherever_they_stand(fhir: Fhir) -> None:
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "text": {"status": "generated", "div": f"<div {XHTML}><a href='{P}'>{P}</a><img src='{P}'/></div>"},
        "extension": [{"url": "http://example.org/x", "valueUri": P}, {"url": "urn:y", "valueString": P}],
        "contained": [basic(id="b", subject={"reference": P})],
        "_status": {"extension": [{"url": "http://example.org/z", "valueReference": {"reference": P}}]},
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": P}],
        "subject": {"reference": P, "display": P},
        "context": {"related": [{"reference": "#b"}, {"reference": P}]},
        "content": [{"attachment": {"url": P}}],
    }  # fmt: skip
    fhir.transaction(post(document), put(patient(id="p"), P))
    stored = fhir.read("DocumentReference")["entry"][0]["resource"]
    assert stored["text"]["div"].count("Patient/p") == 2 and stored["text"]["div"].count(P) == 1
    assert stored["extension"][0]["valueUri"] == "Patient/p"
    assert stored["contained"][0]["subject"]["reference"] == "Patient/p"
    assert stored["_status"]["extension"][0]["valueReference"]["reference"] == "Patient/p"
    assert stored["subject"] == {"reference": "Patient/p", "display": P}
    assert stored["context"]["related"] == [{"reference": "#b"}, {"reference": "Patient/p"}]
    assert stored["content"][0]["attachment"]["url"] == "Patient/p"
    # strings are no links
    assert stored["identifier"][0]["value"] == P
    assert stored["extension"][1]["valueString"] == P


def test_canonicals_are_not_replaced(fhir: Fhir) -> None:
    questionnaire = {"resourceType": "Questionnaire", "status": "active", "url": "urn:uuid:x"}
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": P}
    fhir.transaction(post(questionnaire, P), post(response))
    assert fhir.read("QuestionnaireResponse")["entry"][0]["resource"]["questionnaire"] == P


def test_names_of_definitions_and_systems_are_not_replaced(fhir: Fhir) -> None:
    url = "http://example.org/colours"
    system = {"resourceType": "CodeSystem", "status": "active", "content": "complete", "url": url}
    seen = {
        "code": {"coding": [{"system": url, "code": "red"}]},
        "extension": [{"url": url, "valueCode": "c"}],
    }
    answers = fhir.transaction(post(system, url), post(observation("Patient/1", **seen)))
    assert fhir.read(location(answers[0]))["url"] == url
    assert plain(fhir.read(location(answers[1]))) == observation("Patient/1", **seen)


def test_a_bundle_that_is_stored_keeps_its_links(fhir: Fhir) -> None:
    inner = bundle(
        "collection", {"fullUrl": P, "resource": patient(id="x")}, {"resource": observation(P, id="y")}
    )
    answers = fhir.transaction(post(patient(), P), post(inner))
    assert plain(fhir.read(location(answers[1]))) == inner


def test_relative_references_are_read_against_the_full_url(fhir: Fhir) -> None:
    other = "http://other.example/fhir"
    fhir.transaction(
        post(patient(), f"{other}/Patient/7"),
        post(observation("Patient/7"), f"{other}/Observation/8"),
        post(observation("Patient/7"), O),
        post(observation(f"{other}/Patient/7", status="amended")),
    )
    found = [each["resource"] for each in fhir.read("Observation?_sort=_id")["entry"]]
    assert [each["subject"]["reference"] for each in found] == ["Patient/new-1", "Patient/7", "Patient/new-1"]


def test_references_to_what_is_no_entry_are_left_alone(fhir: Fhir) -> None:
    for reference in ("Patient/1", "http://other.example/fhir/Patient/1", Q, f"{BASE}/Patient/1", "#me"):
        contained = {"contained": [patient(id="me")]} if reference == "#me" else {}
        (answer,) = fhir.transaction(post(observation(reference, **contained), O))
        assert fhir.read(location(answer))["subject"]["reference"] == reference


def test_a_reference_to_an_entry_of_this_server_is_kept_as_written(fhir: Fhir) -> None:
    answers = fhir.transaction(
        put(patient(id="1"), f"{BASE}/Patient/1"),
        post(observation(f"{BASE}/Patient/1"), f"{BASE}/Observation/x"),
    )
    assert fhir.read(location(answers[1]))["subject"]["reference"] == f"{BASE}/Patient/1"


def test_versioned_references_stay_versioned(fhir: Fhir) -> None:
    fhir("PUT", "Patient/q", patient(id="q"))
    link = [{"other": {"reference": f"{P}/_history/5"}, "type": "seealso"}]
    answers = fhir.transaction(
        post(patient(active=True), P),
        put(patient(id="q", link=link), Q),
        post(observation(f"{Q}/_history/9"), O),
    )
    assert fhir.read("Patient/q")["link"][0]["other"]["reference"] == f"{location(answers[0])}/_history/1"
    assert fhir.read(location(answers[2]))["subject"]["reference"] == "Patient/q/_history/2"


def test_a_version_that_is_referred_to_is_made_even_when_nothing_changed(fhir: Fhir) -> None:
    fhir("PUT", "Patient/q", patient(id="q"))
    answers = fhir.transaction(put(patient(id="q"), Q), post(observation(f"{Q}/_history/1")))
    reference = fhir.read(location(answers[1]))["subject"]["reference"]
    assert reference == answers[0]["response"]["location"] == "Patient/q/_history/2"


def test_D14_rings_of_references(fhir: Fhir) -> None:
    def linked(to: str) -> Resource:
        return patient(link=[{"other": {"reference": to}, "type": "seealso"}])

    answers = fhir.transaction(post(linked(Q), P), post(linked(P), Q), post(linked(O), O))
    first, second, own = (location(answer) for answer in answers)
    assert fhir.read(first)["link"][0]["other"]["reference"] == second
    assert fhir.read(second)["link"][0]["other"]["reference"] == first
    assert fhir.read(own)["link"][0]["other"]["reference"] == own


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


# all or nothing


def test_D12_one_bad_entry_of_a_hundred(fhir: Fhir) -> None:
    entries = [post(patient(language=f"x-{number}")) for number in range(100)]
    entries[56] = post(patient(gender="unsure"))
    error = fhir.refused_transaction(*entries)
    assert codes(error) == (400, "code-invalid")
    assert error.issues[0].expression == "Bundle.entry[56].resource.gender"
    assert fhir.log_length() == 0
    assert fhir.total("Patient") == 0


def test_D12_the_issues_of_all_bad_entries_are_told(fhir: Fhir) -> None:
    error = fhir.refused_transaction(post(patient(gender="a")), post(patient()), post(patient(gender="b")))
    assert [issue.expression for issue in error.issues if issue.severity == "error"] == [
        "Bundle.entry[0].resource.gender",
        "Bundle.entry[2].resource.gender",
    ]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (entry("GET", "Patient/unknown"), 404),
        (entry("GET", "Patient?nonsense=1"), 400),
        (entry("GET", "Nonsense/1"), 404),
        (entry("GET", "Patient//1"), 404),
        (entry("GET", "Patient/a_b"), 400),
        (entry("PUT", "Patient/1", patient(id="2")), 400),
        (entry("PUT", "Patient/1", patient()), 400),
        (entry("PUT", "Patient/1"), 400),
        (entry("PUT", "Group/1", patient(id="1")), 400),
        (entry("POST", "Patient"), 400),
        (entry("POST", "Patient/1", patient()), 405),
        (entry("POST", "Patient/$nonsense"), 404),
        (entry("DELETE", "Patient/1/_history/1"), 405),
        (entry("DELETE", "_history"), 405),
        (entry("DELETE", ""), 400),
        (entry("PATCH", "Patient/1"), 400),
        (entry("PATCH", "Patient/1", patient()), 400),
        (entry("POST", "", bundle("transaction")), 400),
        (entry("POST", "", bundle("batch")), 400),
        (entry("PUT", "Patient/1", patient(id="1"), ifMatch="1"), 400),
        ({"resource": patient()}, 400),
        ({"request": {"method": "POST"}}, 400),
        ({"request": {"method": "TRACE", "url": "Patient"}}, 400),
        ({"request": {"method": "POST", "url": 5}}, 400),
        ({"nonsense": 1} | entry("GET", "Patient"), 400),
        ({}, 400),
    ],
)
def test_D12_one_failure_undoes_all(fhir: Fhir, wrong: Resource, status: int) -> None:
    error = fhir.refused_transaction(post(patient()), wrong, post(patient()))
    assert error.status == status
    assert (error.issues[0].expression or "").startswith("Bundle.entry[1]")
    assert fhir.log_length() == 0


@pytest.mark.parametrize("entries", [{}, "x", [5], [[]], [None]])
def test_entries_that_are_none(fhir: Fhir, entries: Any) -> None:
    assert (
        fhir.refused("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries}).status
        == 400
    )


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


# order


def test_D14_the_order_of_entries_does_not_matter(fhir: Fhir) -> None:
    def end(order: list[int]) -> str:
        suffix = f"-{fhir.log_length()}"
        fhir("PUT", f"Patient/old{suffix}", identified(f"old{suffix}", id=f"old{suffix}"))
        fhir("PUT", f"Patient/there{suffix}", identified(f"there{suffix}", id=f"there{suffix}"))
        entries = [
            entry("DELETE", f"Patient?{MRN}old{suffix}"),
            post(identified(f"old{suffix}", active=True), P, ifNoneExist=f"{MRN}old{suffix}"),
            entry("PUT", f"Patient?{MRN}there{suffix}", identified(f"there{suffix}", active=True), Q),
            put(observation(P, id=f"o1{suffix}"), O),
            put(observation(Q, id=f"o2{suffix}", hasMember=[{"reference": O}])),
            put(observation(f"Patient?{MRN}old{suffix}", id=f"o3{suffix}")),
            entry("GET", f"Observation/o2{suffix}"),
        ]
        fhir.transaction(*(entries[number] for number in order))
        (new,) = fhir.read(f"Patient?{MRN}old{suffix}")["entry"]
        new_id = new["resource"]["id"]
        found = [fhir.read(f"Observation/o{number}{suffix}") for number in (1, 2, 3)]
        found += [new["resource"], fhir.read(f"Patient/there{suffix}")]
        text = encode([plain(each) for each in found]).decode()
        return text.replace(new_id, "NEW").replace(suffix, "")

    chance = random.Random(14)
    order = list(range(7))
    expected = end(order)
    for _ in range(12):
        chance.shuffle(order)
        assert end(order) == expected


# size


def test_I09_more_entries_than_the_settings_allow(fhir: Fhir) -> None:
    fhir.settings(bundle_entries=3)
    error = fhir.refused("POST", "", bundle("transaction", *[post(patient())] * 4))
    assert codes(error) == (413, "too-costly")
    assert fhir("POST", "", bundle("transaction", *[post(patient())] * 3)).status == 200


def test_I09_ten_thousand_and_one_entries(fhir: Fhir) -> None:
    error = fhir.refused("POST", "", bundle("transaction", *[post(patient())] * 10_001))
    assert codes(error) == (413, "too-costly")


def test_a_thousand_entries(fhir: Fhir) -> None:
    people = [post(identified(str(number)), f"urn:uuid:{number}") for number in range(500)]
    found = [post(observation(f"urn:uuid:{number}")) for number in range(500)]
    answers = fhir.transaction(*people, *found)
    assert statuses(answers) == ["201 Created"] * 1000
    assert fhir.total("Patient") == fhir.total("Observation") == 500
    assert fhir.read(location(answers[999]))["subject"]["reference"] == location(answers[499])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (None, "required"),
        (patient(), "invalid"),
        ({"resourceType": "Bundle"}, "not-supported"),
        (bundle("collection"), "not-supported"),
        (bundle("history"), "not-supported"),
    ],
)
def test_bodies_that_are_no_batch_or_transaction(fhir: Fhir, body: Resource | None, code: str) -> None:
    assert codes(fhir.refused("POST", "", body)) == (400, code)


def test_a_bundle_can_be_stored_like_any_resource(fhir: Fhir) -> None:
    sent = bundle("collection", {"fullUrl": P, "resource": patient(id="x")})
    assert plain(content(fhir("POST", "Bundle", sent))) == sent
    answers = entries_of(fhir("POST", "", bundle("transaction", post(sent))))
    assert statuses(answers) == ["201 Created"]

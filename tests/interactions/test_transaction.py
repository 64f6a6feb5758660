"""https://hl7.org/fhir/R4/http.html#trules"""

import random
from typing import Any

import pytest

from fhir_server.resource import Resource, encode
from tests.interactions.fhir import (
    BASE,
    MRN,
    Fhir,
    O,
    P,
    Q,
    bundle,
    codes,
    content,
    entries_of,
    entry,
    identified,
    location,
    observation,
    patient,
    plain,
    post,
    put,
    statuses,
)

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


def test_an_operation_that_changes_something_is_no_entry(fhir: Fhir) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "name", "valueString": "table"}]}
    error = fhir.refused_transaction(entry("POST", "$closure", body))
    assert codes(error) == (400, "not-supported")
    assert error.issues[0].expression == "Bundle.entry[0]"

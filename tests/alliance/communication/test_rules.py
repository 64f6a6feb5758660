"""Threads are between the parties of their Task; a case is discussed without its patient."""

from typing import Any

import pytest

from fhir_server.alliance.referral.elements import TASK_PROFILE
from fhir_server.alliance.systems import code_system
from fhir_server.interactions.request import OPERATOR, SERVER
from fhir_server.resource import Resource
from tests.interactions.fhir import BASE, Fhir, codes, put

UPPER, LOWER, OUTSIDE = (f"Organization/{name}" for name in ("upper", "lower", "outside"))
WARD = "Organization/ward"  # of the upper hospital
RULE, FORBIDDEN = (422, "business-rule"), (403, "forbidden")


def ref(name: str) -> Resource:
    return {"reference": name}


def category(code: str) -> list[Resource]:
    return [{"coding": [{"system": code_system("communication-category"), "code": code}]}]


def role(id_: str, at: str, **elements: Any) -> Resource:
    return {"resourceType": "PractitionerRole", "id": id_, "organization": ref(at)} | elements


def organization(name: str, **elements: Any) -> Resource:
    return {"resourceType": "Organization", "id": name.split("/")[1], "name": name} | elements


def task(id_: str = "t", **elements: Any) -> Resource:
    """A referral from the lower to the upper hospital."""
    return {
        "resourceType": "Task", "id": id_, "meta": {"profile": [TASK_PROFILE]}, "status": "received",
        "intent": "order", "for": ref("Patient/zhou"), "requester": ref("PractitionerRole/lower-doctor"),
        "owner": ref(UPPER),
    } | elements  # fmt: skip


def message(id_: str = "m", **elements: Any) -> Resource:
    """From the lower hospital's doctor to the upper hospital."""
    return {
        "resourceType": "Communication", "id": id_, "status": "completed", "partOf": [ref("Task/t")],
        "category": category("referral"), "sent": "2026-11-28T08:00:00+08:00",
        "sender": ref("PractitionerRole/lower-doctor"), "recipient": [ref(UPPER)],
        "payload": [{"contentString": "请查看心电图。"}],
    } | elements  # fmt: skip


@pytest.fixture
def hospitals(alliance: Fhir) -> Fhir:
    here = [
        *map(organization, (UPPER, LOWER, OUTSIDE)),
        organization(WARD, partOf=ref(UPPER)),
        role("lower-doctor", LOWER, practitioner=ref("Practitioner/li")),
        role("ward-doctor", WARD, practitioner=ref("Practitioner/wang")),
        role("stranger", OUTSIDE, practitioner=ref("Practitioner/zhao")),
        task(),
        task("other"),
        task("plain", meta={"tag": [{"code": "x"}]}),
    ]
    alliance.transaction(*map(put, here), organization=OPERATOR)
    return alliance


def send(hospitals: Fhir, given: Resource, acting: str | None = LOWER) -> int:
    return hospitals("PUT", f"Communication/{given['id']}", given, organization=acting).status


def refused(hospitals: Fhir, given: Resource, acting: str | None = LOWER) -> tuple[int, str]:
    return codes(hospitals.refused("PUT", f"Communication/{given['id']}", given, organization=acting))


# ---- threads


def test_the_parties_of_a_task_write_to_each_other(hospitals: Fhir) -> None:
    assert send(hospitals, message()) == 201
    answer = message(
        "a", sender=ref("PractitionerRole/ward-doctor"), recipient=[ref("PractitionerRole/lower-doctor")],
        inResponseTo=[ref("Communication/m")],
    )  # fmt: skip
    assert send(hospitals, answer, WARD) == 201
    assert hospitals.total("Communication?part-of=Task/t") == 2


PARTIES = [UPPER, WARD, LOWER, "PractitionerRole/ward-doctor", "Practitioner/wang", "Patient/zhou"]
STRANGERS = [
    OUTSIDE,
    "PractitionerRole/stranger",
    "Practitioner/zhao",
    "Patient/another",
    "Device/none",
    "Group/g",
]


@pytest.mark.parametrize("name", PARTIES)
def test_a_recipient_is_a_party(hospitals: Fhir, name: str) -> None:
    assert send(hospitals, message(recipient=[ref(name)])) == 201


@pytest.mark.parametrize("name", STRANGERS)
def test_a_recipient_is_nobody_else(hospitals: Fhir, name: str) -> None:
    given = message(recipient=[ref(UPPER), ref(name)])
    error = hospitals.refused("PUT", "Communication/m", given, organization=LOWER)
    assert codes(error) == RULE
    assert error.issues[0].expression == "Communication.recipient"


def test_groups_and_teams_are_of_their_organization(hospitals: Fhir) -> None:
    group = {
        "resourceType": "Group",
        "id": "g",
        "type": "practitioner",
        "actual": True,
        "managingEntity": ref(WARD),
    }
    team = {"resourceType": "CareTeam", "id": "c", "managingOrganization": [ref(OUTSIDE)]}
    hospitals.transaction(put(group), put(team))
    assert send(hospitals, message(recipient=[ref("Group/g")])) == 201
    assert refused(hospitals, message(recipient=[ref("CareTeam/c")])) == RULE


def test_a_sender_is_a_party(hospitals: Fhir) -> None:
    given = message(sender=ref("PractitionerRole/stranger"))
    error = hospitals.refused("PUT", "Communication/m", given, organization=OUTSIDE)
    assert codes(error) == RULE
    assert error.issues[0].expression == "Communication.sender"


def test_a_sender_is_who_acts(hospitals: Fhir) -> None:
    assert refused(hospitals, message(), UPPER) == FORBIDDEN
    assert refused(hospitals, message(sender=ref(UPPER), recipient=[ref(LOWER)])) == FORBIDDEN
    assert send(hospitals, message(sender=ref("Practitioner/wang"), recipient=[ref(LOWER)]), UPPER) == 201


def test_who_acts_has_to_be_said(hospitals: Fhir) -> None:
    error = hospitals.refused("PUT", "Communication/m", message())
    assert codes(error) == FORBIDDEN
    assert "X-Acting-Organization" in error.issues[0].diagnostics


def test_an_answer_is_in_the_thread_of_its_question(hospitals: Fhir) -> None:
    send(hospitals, message("q", partOf=[ref("Task/other")]))
    assert refused(hospitals, message(inResponseTo=[ref("Communication/q")])) == RULE
    assert send(hospitals, message(partOf=[ref("Task/other")], inResponseTo=[ref("Communication/q")])) == 201


def test_a_message_is_changed_by_its_sender_alone(hospitals: Fhir) -> None:
    send(hospitals, message())
    corrected = message(payload=[{"contentString": "请查看今日心电图。"}])
    assert refused(hospitals, corrected, UPPER) == FORBIDDEN
    assert codes(hospitals.refused("DELETE", "Communication/m", organization=UPPER)) == FORBIDDEN
    assert send(hospitals, corrected) == 200
    assert hospitals("DELETE", "Communication/m", organization=LOWER).status == 204


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": ref(LOWER)},
        {"partOf": [ref("Task/other")]},
        {"partOf": [ref("Task/plain")]},
        {"sender": None},
    ],
)
def test_a_message_stays_where_it_was_said(hospitals: Fhir, changes: Resource) -> None:
    send(hospitals, message())
    moved = {name: value for name, value in (message() | changes).items() if value is not None}
    assert refused(hospitals, moved) == RULE


@pytest.mark.parametrize("reference", ["Task/t/_history/1", f"{BASE}/Task/t"])
def test_however_the_task_is_referred_to(hospitals: Fhir, reference: str) -> None:
    assert refused(hospitals, message(partOf=[ref(reference)], recipient=[ref(OUTSIDE)])) == RULE


def test_other_tasks_have_no_parties(hospitals: Fhir) -> None:
    assert send(hospitals, message(partOf=[ref("Task/plain")], recipient=[ref(OUTSIDE)]), None) == 201


@pytest.mark.parametrize("acting", [SERVER, OPERATOR])
def test_the_server_and_the_operator_write_to_whom_they_must(hospitals: Fhir, acting: str) -> None:
    assert send(hospitals, message(recipient=[ref(OUTSIDE)]), acting) == 201


# ---- case discussions


def discussion(**elements: Any) -> Resource:
    given = message("d", category=category("case-discussion"), topic={"text": "难治性高血压"}) | elements
    return {name: value for name, value in given.items() if name != "partOf" or "partOf" in elements}


def test_a_case_is_discussed(hospitals: Fhir) -> None:
    assert send(hospitals, discussion()) == 201
    assert send(hospitals, discussion(id="e", inResponseTo=[ref("Communication/d")]), UPPER) == 201


IDENTIFYING: dict[str, Resource] = {
    "subject": {"subject": ref("Patient/zhou")},
    "about": {"about": [ref("Patient/zhou")]},
    "about at another server": {"about": [ref("http://other.example/fhir/Patient/1")]},
    "a version": {"about": [ref("Patient/zhou/_history/1")]},
    "by identifier": {"about": [{"type": "Patient", "identifier": {"value": "1"}}]},
    "a relative": {"about": [ref("RelatedPerson/r")]},
    "payload": {"payload": [{"contentReference": ref("Patient/zhou")}]},
    "an extension": {"extension": [{"url": "http://example.org/x", "valueReference": ref("Patient/zhou")}]},
    "contained": {
        "contained": [{"resourceType": "Patient", "id": "p"}], "about": [ref("#p")],
    },
    "recipient": {"recipient": [ref("Patient/zhou")]},
    "an observation of a patient": {"about": [ref("Observation/o")]},
    "an attachment of a patient": {"payload": [{"contentReference": ref("Observation/o")}]},
    "a referral's task": {"partOf": [ref("Task/plain")]},
}  # fmt: skip


@pytest.mark.parametrize("name", IDENTIFYING)
@pytest.mark.parametrize("acting", [LOWER, OPERATOR])
def test_a_case_is_discussed_without_its_patient(hospitals: Fhir, name: str, acting: str) -> None:
    observation = {
        "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
        "subject": ref("Patient/zhou"),
    }  # fmt: skip
    hospitals.transaction(put(observation))
    assert refused(hospitals, discussion(**IDENTIFYING[name]), acting) == RULE


def test_what_is_of_nobody_may_be_discussed(hospitals: Fhir) -> None:
    nobodys = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    hospitals.transaction(put(nobodys))
    assert send(hospitals, discussion(about=[ref("Observation/o")])) == 201


def test_a_message_does_not_become_a_discussion_with_its_patient(hospitals: Fhir) -> None:
    send(hospitals, message("d", subject=ref("Patient/zhou")))
    patch = [{"op": "replace", "path": "/category", "value": category("case-discussion")}]
    assert codes(hospitals.refused("PATCH", "Communication/d", patch=patch, organization=LOWER)) == RULE

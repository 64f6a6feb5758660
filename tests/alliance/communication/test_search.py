"""Messages are found as who writes and reads them asks for them."""

from typing import Any

import pytest

from fhir_server.interactions.request import OPERATOR
from fhir_server.resource import Resource
from tests.alliance.communication.test_rules import (
    LOWER,
    UPPER,
    category,
    message,
    organization,
    ref,
    role,
    task,
)
from tests.interactions.fhir import Fhir, content, put

ALERT = {
    "resourceType": "Communication", "id": "alert", "status": "completed", "priority": "stat",
    "category": category("prehospital-alert"), "sent": "2026-11-28T09:40:00+08:00",
    "sender": ref("Organization/120"), "recipient": [ref(UPPER)], "subject": ref("Patient/zhou"),
    "payload": [{"contentString": "预计10:10到达。"}],
}  # fmt: skip


def at(id_: str, time: str, **elements: Any) -> Resource:
    return message(id_, sent=f"2026-11-28T{time}:00+08:00", **elements)


@pytest.fixture
def written(alliance: Fhir) -> Fhir:
    consult = task(
        "consult",
        focus=ref("ServiceRequest/consult"),
        code={"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
    )
    thread = [
        at("second", "08:20", partOf=[ref("Task/consult")], category=category("teleconsult"),
           sender=ref(UPPER), recipient=[ref("PractitionerRole/lower-doctor")]),
        at("first", "08:10", partOf=[ref("Task/consult")], category=category("teleconsult")),
        at("third", "08:30", partOf=[ref("Task/consult")], category=category("teleconsult")),
        at("elsewhere", "08:15", partOf=[ref("Task/t")]),
    ]  # fmt: skip
    here = [
        organization(UPPER),
        organization(LOWER),
        role("lower-doctor", LOWER),
        task(),
        consult,
        *thread,
        ALERT,
    ]
    alliance.transaction(*map(put, here), organization=OPERATOR)
    return alliance


def ids(fhir: Fhir, url: str) -> list[str]:
    return [each["resource"]["id"] for each in content(fhir("GET", url)).get("entry", [])]


def test_the_thread_of_a_teleconsultation_in_its_order(written: Fhir) -> None:
    url = "Communication?part-of=Task/consult&_sort=sent"
    assert ids(written, url) == ["first", "second", "third"]
    assert ids(written, f"{url}&sent=gt2026-11-28T08:10:00%2B08:00") == ["second", "third"]
    assert ids(written, f"{url}&category=teleconsult&recipient={UPPER}") == ["first", "third"]


def test_alerts_of_a_hospital(written: Fhir) -> None:
    assert ids(written, f"Communication?category=prehospital-alert&recipient={UPPER}") == ["alert"]
    assert ids(written, f"Communication?category=prehospital-alert&recipient={LOWER}") == []


def test_a_task_with_its_thread(written: Fhir) -> None:
    url = "Task?_id=consult&_revinclude=Communication:part-of"
    assert sorted(ids(written, url)) == ["consult", "first", "second", "third"]

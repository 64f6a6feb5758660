"""B.2, element rights: each element by those who may change it, and by those who may not."""

from typing import Any

import pytest

from fhir_server.alliance.referral.rights import REQUEST_RIGHTS, TASK_RIGHTS, Right, breaches
from tests.alliance.referral.world import (
    ACTING,
    FEEDBACK,
    LOWER,
    NOTE,
    REASON,
    UPPER,
    Alliance,
    business,
    codes_of,
    output,
    service_request,
)
from tests.interactions.fhir import definitions

CLIENTS = ("placer", "filler", "dispatch", "outsider")

OF_TASK: dict[str, Any] = {
    "statusReason": REASON,
    "businessStatus": business("accepted") | {"text": "已接受"},
    "owner": {"reference": "PractitionerRole/cardiologist"},
    "executionPeriod": {"start": "2026-11-22"},
    "output": [FEEDBACK],
    "note": NOTE,
    "contained": [{"resourceType": "Practitioner", "id": "author"}],
    "input": [{"type": {"text": "x"}, "valueString": "心电图"}],
    "priority": "stat",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">转诊</div>'},
}
"""What an element of an accepted Task is changed to, its state as it is."""
OF_REQUEST: dict[str, Any] = {
    "note": NOTE,
    "supportingInfo": [{"reference": "Consent/consent"}, {"reference": "Observation/1"}],
    "priority": "urgent",
    "text": OF_TASK["text"],
}
OTHERWISE: dict[str, list[Any]] = {
    "note": [[{"text": "其他"}], []],
    "output": [[output("encounter", "Encounter/1")], []],
    "input": [[{"type": {"text": "x"}, "valueString": "其他"}], []],
    "contained": [[{"resourceType": "Practitioner", "id": "author", "active": True}]],
    "supportingInfo": [[{"reference": "Observation/1"}], []],
}
"""What takes away from a list that can only be added to."""


ALONG: dict[str, Any] = {"contained": {"note": [{"text": "x", "authorReference": {"reference": "#author"}}]}}
"""What is changed with an element: a contained resource has to be referred to."""


def accepted(alliance: Alliance, **elements: Any) -> None:
    alliance.at("accepted", "accepted", **elements)


@pytest.mark.parametrize("actor", CLIENTS)
@pytest.mark.parametrize("name", OF_TASK)
def test_elements_of_the_task(alliance: Alliance, name: str, actor: str) -> None:
    accepted(alliance)
    changed = alliance.read("Task/t") | {name: OF_TASK[name]} | ALONG.get(name, {})
    if actor in TASK_RIGHTS[name].actors:
        assert alliance.write(ACTING[actor], changed)[name] == OF_TASK[name]
    else:
        assert codes_of(alliance.refused_write(ACTING[actor], changed)) == (403, "forbidden")


@pytest.mark.parametrize("actor", CLIENTS)
@pytest.mark.parametrize("name", OF_REQUEST)
def test_elements_of_the_request(alliance: Alliance, name: str, actor: str) -> None:
    alliance.load(service_request())
    changed = alliance.read("ServiceRequest/sr") | {name: OF_REQUEST[name]}
    if actor in REQUEST_RIGHTS[name].actors:
        assert alliance.write(ACTING[actor], changed)[name] == OF_REQUEST[name]
    else:
        assert codes_of(alliance.refused_write(ACTING[actor], changed)) == (403, "forbidden")


@pytest.mark.parametrize("rights", [TASK_RIGHTS, REQUEST_RIGHTS], ids=["Task", "ServiceRequest"])
def test_every_right_has_its_test(rights: dict[str, Right]) -> None:
    """`status` and `meta` have tests of their own: the table, and the profile that stays."""
    tested = OF_TASK if rights is TASK_RIGHTS else OF_REQUEST
    assert set(tested) == set(rights) - {"status", "meta"}
    assert {name for name, right in rights.items() if right.way == "append"} <= set(OTHERWISE)


@pytest.mark.parametrize("name", [name for name, right in TASK_RIGHTS.items() if right.way == "append"])
def test_lists_of_the_task_are_added_to_only(alliance: Alliance, name: str) -> None:
    accepted(alliance, **{name: OF_TASK[name]}, **ALONG.get(name, {}))
    actor = ACTING[TASK_RIGHTS[name].actors[0]]
    before = alliance.read("Task/t")
    for given in OTHERWISE[name]:
        changed = {key: value for key, value in (before | {name: given}).items() if value != []}
        error = alliance.refused_write(actor, changed)
        assert codes_of(error) == (422, "business-rule")
        assert error.issues[0].expression == f"Task.{name}"


@pytest.mark.parametrize("name", [name for name, right in REQUEST_RIGHTS.items() if right.way == "append"])
def test_lists_of_the_request_are_added_to_only(alliance: Alliance, name: str) -> None:
    alliance.load(service_request(**{name: OF_REQUEST[name]}))
    before = alliance.read("ServiceRequest/sr")
    for given in OTHERWISE[name]:
        changed = {key: value for key, value in (before | {name: given}).items() if value != []}
        error = alliance.refused_write(LOWER, changed)
        assert codes_of(error) == (422, "business-rule")
        assert error.issues[0].expression == f"ServiceRequest.{name}"


def test_priorities_are_raised_only(alliance: Alliance) -> None:
    accepted(alliance, priority="asap")
    alliance.load(service_request(priority="asap"))
    for name in ("Task/t", "ServiceRequest/sr"):
        for priority in ("routine", "urgent"):
            error = alliance.refused_write(LOWER, alliance.read(name) | {"priority": priority})
            assert codes_of(error) == (422, "business-rule")
        assert alliance.write(LOWER, alliance.read(name) | {"priority": "stat"})["priority"] == "stat"


@pytest.mark.parametrize("resource_type", ["Task", "ServiceRequest"])
def test_all_other_elements_are_fixed(resource_type: str) -> None:
    rights = TASK_RIGHTS if resource_type == "Task" else REQUEST_RIGHTS
    fixed = set(definitions().type(resource_type).properties) - set(rights) - {"id"}
    assert {
        "code",
        "requester",
        "extension",
        "subject" if resource_type == "ServiceRequest" else "for",
    } <= fixed
    for name in fixed:
        for before, after in (({}, {name: 1}), ({name: 1}, {name: 2}), ({name: 1}, {})):
            (breach,) = breaches(before, after, rights)
            assert (breach.element, breach.text, breach.actors) == (name, "is fixed", ())


def test_the_reason_is_of_who_changed_the_state(alliance: Alliance) -> None:
    alliance.at("rejected", "declined", statusReason=REASON)
    other = alliance.read("Task/t") | {"statusReason": REASON | {"text": "其他"}}
    assert codes_of(alliance.refused_write(LOWER, other)) == (403, "forbidden")
    assert alliance.write(UPPER, other)["statusReason"]["text"] == "其他"

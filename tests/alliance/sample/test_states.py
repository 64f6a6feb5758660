"""Referrals keep to the states that a referral may be in, and to their order in time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache

import pytest

from fhir_server.alliance.referral.deadlines import deadlines
from fhir_server.alliance.referral.table import rows_from
from fhir_server.alliance.sample.world import LETTERS
from fhir_server.config import Settings
from fhir_server.resource import Resource
from tests.alliance.sample.counting import moments
from tests.alliance.sample.networks import codes, name_of, network, of_type, parts, referral_tasks, value

# by Task.status, the business statuses that go with it
STATES = {
    "requested": {"submitted"},
    "received": {"received", "awaiting-information"},
    "accepted": {"accepted", "bed-reserved", "appointment-booked"},
    "in-progress": {
        "in-transit", "arrived", "admitted", "visited", "no-show", "interim-report",
        "ready-for-down-referral",
    },
    "on-hold": {"on-hold"},
    "completed": {"outcome-returned", "down-referred"},
    "rejected": {"declined"},
    "cancelled": {"cancelled-by-placer", "cancelled-by-patient"},
    "failed": {"no-show-final", "died", "left", "unable", "expired", "cancelled-by-placer"},
    "entered-in-error": {"outcome-returned"},
}  # fmt: skip


def reaches(before: tuple[str, str | None], wanted: str, reached: set[str]) -> tuple[str, str] | None:
    """The state in which `wanted` is, by rows that lead there, going back to none but `reached`."""
    seen, waiting = {before}, [before]
    while waiting:
        state = waiting.pop(0)
        for row in rows_from(None if state[0] == "-" else state[0], state[1]):
            for business in row.after.business:
                found = row.after.status, business
                if business == wanted:
                    return found
                if business in reached and found not in seen:
                    seen.add(found)
                    waiting.append(found)
    return None


@cache
def walk(path: tuple[str, ...]) -> tuple[str, str | None] | None:
    """Where the table leads by these business statuses; None: nowhere."""
    state: tuple[str, str | None] = ("-", None)
    for place, business in enumerate(path):
        found = reaches(state, business, set(path[:place]))
        if found is None:
            return None
        state = found
    return state


@pytest.mark.parametrize("letter", LETTERS)
def test_every_referral_went_a_way_of_the_table(letter: str) -> None:
    for task, _ in pairs(letter):
        wanted = "completed" if task["status"] == "entered-in-error" else task["status"]
        assert walk(tuple(moments(task))) == (wanted, status(task)), task["id"]


def test_a_way_that_the_table_has_not_would_be_seen() -> None:
    assert walk(("submitted", "received", "accepted", "in-transit", "arrived")) == ("in-progress", "arrived")
    assert walk(("submitted", "arrived")) is None
    assert walk(("submitted", "received", "declined", "accepted")) is None


def pairs(letter: str) -> list[tuple[Resource, Resource]]:
    """(Task, the ServiceRequest that it is about)"""
    requests = {name_of(found): found for found in of_type(network(letter), "ServiceRequest")}
    return [(task, requests[task["focus"]["reference"]]) for task in referral_tasks(letter)]


def status(task: Resource) -> str:
    (found,) = codes([task["businessStatus"]], "referral-business-status")
    return found


@pytest.mark.parametrize("letter", LETTERS)
def test_business_status_goes_with_status(letter: str) -> None:
    for task, _ in pairs(letter):
        assert status(task) in STATES[task["status"]], task["id"]


@pytest.mark.parametrize("letter", ["A", "C", "D"])
def test_a_small_network_has_something_in_every_state(letter: str) -> None:
    found = {(task["status"], status(task)) for task, _ in pairs(letter)}
    assert {one for one, _ in found} == set(STATES)
    assert {other for _, other in found} >= STATES["failed"] | STATES["cancelled"] | STATES["completed"]


def rules(path: tuple[str, ...]) -> set[str]:
    """Those that lead from each milestone to the next, with one business status of before between at most."""
    found: set[str] = set()
    state: tuple[str, str | None] = ("-", None)
    for place, business in enumerate(path):
        ways = list(_ways(state, business, set(path[:place])))
        assert ways, path
        found |= {rule for taken, _ in ways for rule in taken}
        state = ways[0][1]
    return found


def _ways(
    state: tuple[str, str | None], business: str, reached: set[str]
) -> Iterator[tuple[tuple[str, ...], tuple[str, str]]]:
    """(rules, the state that they lead to)"""
    first = rows_from(None if state[0] == "-" else state[0], state[1])
    for row in first:
        if business in row.after.business:
            yield (row.rule,), (row.after.status, business)
    if any(business in row.after.business for row in first):
        return
    for row in first:
        for between in reached.intersection(row.after.business):
            for each in rows_from(row.after.status, between):
                if business in each.after.business:
                    yield (row.rule, each.rule), (each.after.status, business)


def test_every_transition_occurs_in_the_large_network() -> None:
    every = network("B")
    requests = {name_of(each): each for each in of_type(every, "ServiceRequest")}
    roles = {name_of(each): each for each in of_type(every, "PractitionerRole")}
    found = set()
    for task, request in pairs("B"):
        found |= rules(tuple(moments(task))) - {"T14", "T16"}  # alike by their states alone
        onward = [
            requests[output["valueReference"]["reference"]]
            for output in task.get("output", ())
            if codes([output["type"]], "task-output") == {"onward-referral"}
        ]
        for each in onward:
            assert each["basedOn"] == [{"reference": name_of(request)}]
            assert roles[each["requester"]["reference"]]["organization"] == request["performer"][0]
            found.add("T16")
    asked = [each for each in of_type(every, "Task") if each["code"]["coding"][0]["code"] == "abort"]
    assert {each["status"] for each in asked} == {"accepted", "rejected"}
    handed = {each["target"][0]["reference"] for each in of_type(every, "Provenance")}
    owned = {name_of(task) for task, _ in pairs("B") if task["owner"]["reference"] in roles}
    assert handed == owned != set()
    assert found | {"T14" for _ in asked} | {"T15" for _ in handed} == {f"T{n}" for n in range(1, 17)}


@pytest.mark.parametrize("letter", LETTERS)
def test_a_wish_to_cancel_goes_with_its_referral(letter: str) -> None:
    tasks = {name_of(task): task for task, _ in pairs(letter)}
    for wish in of_type(network(letter), "Task"):
        if name_of(wish) in tasks:
            continue
        task = tasks[wish["focus"]["reference"]]
        assert (wish["requester"], wish["owner"]) == (task["requester"], task["owner"])
        state = (task["status"], status(task))
        assert (state == ("failed", "cancelled-by-placer")) == (wish["status"] == "accepted"), wish["id"]
        assert task["authoredOn"] < wish["authoredOn"] < wish["lastModified"] == task["lastModified"]


@pytest.mark.parametrize("letter", LETTERS)
def test_the_request_goes_with_the_task(letter: str) -> None:
    for task, request in pairs(letter):
        match task["status"]:
            case "completed":
                assert request["status"] == "completed", task["id"]
            case "cancelled":
                assert request["status"] == "revoked", task["id"]
            case "entered-in-error":
                assert request["status"] == "entered-in-error", task["id"]
            case "rejected" | "failed":
                assert request["status"] in ("active", "revoked", "completed"), task["id"]
            case _:
                assert request["status"] == "active", task["id"]


@pytest.mark.parametrize("letter", LETTERS)
def test_milestones_come_one_after_the_other(letter: str) -> None:
    for task, request in pairs(letter):
        reached = moments(task)
        times = [_utc(when) for when in reached.values()]
        assert times == sorted(times), task["id"]
        assert list(reached)[-1] == status(task)
        assert next(iter(reached.items())) == ("submitted", request["authoredOn"])
        assert task["lastModified"] == list(reached.values())[-1]


def _utc(when: str) -> str:
    return datetime.fromisoformat(when).astimezone(UTC).isoformat()


@pytest.mark.parametrize("letter", LETTERS)
def test_who_arrived_has_a_time_of_arrival(letter: str) -> None:
    for task, _ in pairs(letter):
        reached = moments(task)
        arrived = next((reached[one] for one in ("arrived", "admitted", "visited") if one in reached), None)
        assert task.get("executionPeriod", {}).get("start") == arrived, task["id"]


@pytest.mark.parametrize("letter", LETTERS)
def test_what_was_answered_was_answered_in_time(letter: str) -> None:
    """And what expired did so at the deadline."""
    for task, _ in pairs(letter):
        end = _utc(task["restriction"]["period"]["end"])
        for answer in ("accepted", "bed-reserved", "appointment-booked", "declined"):
            if answer in moments(task):
                assert _utc(moments(task)[answer]) <= end, task["id"]
        if "expired" in moments(task):
            assert _utc(moments(task)["expired"]) == end


@pytest.mark.parametrize("letter", LETTERS)
def test_reasons_and_results_are_given(letter: str) -> None:
    for task, _ in pairs(letter):
        if task["status"] in ("rejected", "failed", "cancelled", "on-hold"):
            assert task["statusReason"]["text"]
        if task["status"] == "rejected":
            assert codes([task["statusReason"]], "reject-reason")
        kinds = codes([output["type"] for output in task.get("output", ())], "task-output")
        assert ("feedback" in kinds) == (task["status"] == "completed")
        assert ("down-referral" in kinds) == (status(task) == "down-referred")
        assert "onward-referral" not in kinds or task["status"] in ("on-hold", "completed")


@pytest.mark.parametrize("letter", LETTERS)
def test_a_task_tells_what_its_request_says(letter: str) -> None:
    roles = {name_of(found): found for found in of_type(network(letter), "PractitionerRole")}
    for task, request in pairs(letter):
        for name in ("referral-direction", "care-setting", "green-channel"):
            assert parts(task, name) == parts(request, name), task["id"]
        assert codes([value(task, "focus-category")], "referral-kind") == codes(
            request["category"], "referral-kind"
        )
        assert task["for"] == request["subject"]
        assert task["requester"] == request["requester"]
        owner = roles.get(task["owner"]["reference"], {}).get("organization", task["owner"])
        assert owner == request["performer"][0]


@pytest.mark.parametrize("letter", LETTERS)
def test_there_is_consent_or_an_emergency(letter: str) -> None:
    patients = {name_of(found): found for found in of_type(network(letter), "Consent")}
    for _, request in pairs(letter):
        along = [link["reference"] for link in request.get("supportingInfo", ())]
        consents = [patients[name] for name in along if name in patients]
        if value(request, "legal-basis") == "separate-consent":
            assert [found["patient"]["reference"] for found in consents] == [request["subject"]["reference"]]
            assert consents[0]["dateTime"] < request["authoredOn"]
        elif value(request, "legal-basis"):
            assert not consents


@pytest.mark.parametrize("letter", LETTERS)
def test_what_was_a_mistake_has_no_output(letter: str) -> None:
    mistakes = [task for task, _ in pairs(letter) if task["status"] == "entered-in-error"]
    assert mistakes and not any("output" in task for task in mistakes)


@pytest.mark.parametrize("letter", LETTERS)
def test_deadlines_are_those_of_the_server(letter: str) -> None:
    """But for what waits for an answer: that would fail as soon as a server looks at it."""
    rule = deadlines(Settings())
    for task, _ in pairs(letter):
        green = bool(parts(task, "green-channel"))
        since = datetime.fromisoformat(task["authoredOn"]).timestamp() * 1000
        due = rule.of(task["priority"], green=green, since_ms=int(since))
        end = datetime.fromisoformat(task["restriction"]["period"]["end"]).timestamp() * 1000
        if task["status"] == "requested":
            assert end > datetime(2035, 1, 1, tzinfo=UTC).timestamp() * 1000
        else:
            assert end == due, task["id"]

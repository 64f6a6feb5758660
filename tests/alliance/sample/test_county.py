"""Network B comes to the fixed totals by a count of its own; what must not count is there, left out."""

from collections import Counter
from itertools import pairwise

import pytest

from fhir_server.alliance.sample import totals
from fhir_server.resource import Resource
from tests.alliance.sample import counting
from tests.alliance.sample.networks import codes, name_of, network, of_type, referral_tasks, value

SEEDS = [1, pytest.param(2, marks=pytest.mark.long)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_totals(seed: int) -> None:
    found = list(network("B", seed))
    clinics = counting.sessions(found, "outpatient", "free-clinic", "circuit-guidance")
    courses = counting.sessions(found, "lecture", "training")
    counted = {
        "UP_ARRIVALS": len(counting.referrals(found, "up")),
        "DOWN_ARRIVALS": len(counting.referrals(found, "down")),
        "EXPERTS": len(counting.experts(found)),
        "SESSIONS": len(clinics),
        "SERVED": counting.total(clinics, "served-count"),
        "COURSES": len(courses),
        "ATTENDANCES": counting.total(courses, "attendee-count"),
        "OUTBOUND_TRAINEES": len(counting.posted(found, away=True)),
        "POSTED": len(counting.posted(found, away=False)),
        "LONG_TERM_POSTED": len(counting.long_posted(found)),
        "CASE_DISCUSSIONS": len(counting.sessions(found, "case-discussion")),
        "CONSULTS": len(counting.sessions(found, "consult")),
        "TEACHING_ROUNDS": len(counting.sessions(found, "teaching-round")),
        "NEW_TECHNIQUES": len(counting.techniques(found)),
        "CHEST_PAIN_CASES": len(counting.green_channel(found, "chest-pain")),
        "STROKE_CASES": len(counting.green_channel(found, "stroke")),
        "TELECONSULTS": len(counting.teleconsults(found)),
        "CASES_DISCUSSED": counting.cases_discussed(found)[0],
        "CASES_SOLVED": counting.cases_discussed(found)[1],
        "SURGEONS_3": len(counting.surgeons(found, "3")),
        "SURGEONS_4": len(counting.surgeons(found, "4")),
        "BATCHES": len(counting.batches(found)),
        "GROUP_MEMBERS": sum(group["quantity"] for group in of_type(network("B", seed), "Group")),
    }
    assert counted == {name: number for name, number in vars(totals).items() if name.isupper()}


def test_the_totals_are_those_of_the_articles() -> None:
    """So that nobody changes them to what the generator happens to make."""
    assert (totals.UP_ARRIVALS, totals.DOWN_ARRIVALS) == (825, 463)
    assert (totals.EXPERTS, totals.SESSIONS, totals.SERVED) == (41, 305, 12_050)
    assert (totals.COURSES, totals.ATTENDANCES) == (31, 1_210)
    assert (totals.OUTBOUND_TRAINEES, totals.POSTED) == (125, 96)
    assert (totals.CASE_DISCUSSIONS, totals.CONSULTS, totals.TEACHING_ROUNDS) == (62, 27, 91)
    assert totals.NEW_TECHNIQUES == 32
    assert (totals.CHEST_PAIN_CASES, totals.STROKE_CASES, totals.TELECONSULTS) == (60, 40, 120)


def tasks() -> list[Resource]:
    return [task for task in referral_tasks("B") if counting.kind(task) == "referral"]


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_count_that_forgets_a_rule_finds_another_number(direction: str) -> None:
    right = {task["id"] for task in counting.referrals(network("B"), direction)}

    def found(task: Resource, but: str) -> bool:
        rules = {
            "counted": counting.is_counted(task),
            "direction": value(task, "referral-direction") == direction,
            "setting": value(task, "care-setting") == "I",
            "arrived": counting.arrival(task) is not None,
            "period": counting.arrival(task) is None or counting.has_come(task),
        }
        return all(kept for rule, kept in rules.items() if rule != but)

    assert {task["id"] for task in tasks() if found(task, "none")} == right
    forgotten = ["counted", "arrived", "period", "direction"] + (["setting"] if direction == "up" else [])
    for rule in forgotten:
        assert {task["id"] for task in tasks() if found(task, rule)} > right, rule


def test_the_edges_of_the_period_are_those_of_china() -> None:
    """Counted by UTC there would be others."""
    arrivals = [when for task in tasks() if (when := counting.arrival(task))]
    shifted = [
        when for when in arrivals if counting.in_period(when) != ("2018-01-01" <= when[:10] < "2019-07-01")
    ]
    assert shifted, "some are written in UTC"
    assert "2018-01-01T00:00:00+08:00" in arrivals
    assert "2017-12-31T23:59:59+08:00" in arrivals
    assert "2019-06-30T23:59:59+08:00" in arrivals
    assert "2019-07-01T00:00:00+08:00" in arrivals


def test_test_data_and_mistakes_are_there() -> None:
    left_out = [found for found in network("B") if not counting.is_counted(found)]
    kinds = Counter(found["resourceType"] for found in left_out)
    assert kinds.keys() >= {"Task", "ServiceRequest", "Appointment", "HealthcareService", "Procedure"}
    mistakes = Counter(task["status"] for task in tasks() if not counting.is_counted(task))
    assert mistakes == {"completed": 13, "entered-in-error": 10}


def test_a_referral_down_stands_on_the_one_up() -> None:
    requests = {name_of(found): found for found in of_type(network("B"), "ServiceRequest")}
    based = [found for found in requests.values() if "basedOn" in found]
    directions = Counter(value(request, "referral-direction") for request in based)
    assert directions == {"down": 286, "up": 4}  # those further up are passed on by the county
    for request in based:
        up = requests[request["basedOn"][0]["reference"]]
        assert value(up, "referral-direction") == "up"
        assert up["subject"] == request["subject"]
        assert up["authoredOn"] < request["authoredOn"]


def test_arrivals_end_in_every_way() -> None:
    states = Counter(
        (task["status"], *codes([task["businessStatus"]], "referral-business-status"))
        for task in counting.referrals(network("B"), "up")
    )
    assert states == {
        ("completed", "outcome-returned"): 445,
        ("completed", "down-referred"): 286,
        ("failed", "died"): 18,
        ("failed", "left"): 21,
        ("failed", "unable"): 9,
        ("in-progress", "arrived"): 6,
        ("in-progress", "admitted"): 22,
        ("in-progress", "ready-for-down-referral"): 8,
        ("in-progress", "interim-report"): 5,
        ("on-hold", "on-hold"): 5,
    }


def test_threads_of_teleconsultations_answer_one_another() -> None:
    threads: dict[str, list[Resource]] = {}
    for message in of_type(network("B"), "Communication"):
        if codes(message["category"], "communication-category") == {"teleconsult"}:
            threads.setdefault(message["partOf"][0]["reference"], []).append(message)
    assert len(threads) == 120
    for messages in threads.values():
        assert [found.get("inResponseTo", [{"reference": None}])[0]["reference"] for found in messages] == [
            None,
            *(name_of(found) for found in messages[:-1]),
        ]
        assert [found["sent"] for found in messages] == sorted(found["sent"] for found in messages)
        senders = [found["sender"]["reference"] for found in messages]
        assert len(set(senders)) == 2
        assert all(one != other for one, other in pairwise(senders))


def test_sessions_lie_within_their_posting() -> None:
    roles = {name_of(role): role for role in of_type(network("B"), "PractitionerRole")}
    for appointment in of_type(network("B"), "Appointment"):
        role = roles[appointment["participant"][0]["actor"]["reference"]]
        day = appointment["start"][:10]
        assert role["period"]["start"] <= day <= role["period"]["end"], appointment["id"]
        assert value(role, "home-organization") != role["organization"]

"""E.10 test 5: a referral that nobody answers fails at its deadline, by a clock that is told the time."""

from dataclasses import replace
from typing import Any

import pytest

from fhir_server.alliance.referral import expiry as module
from fhir_server.alliance.referral.deadlines import deadlines, shown
from fhir_server.alliance.referral.elements import business_status
from fhir_server.alliance.referral.expiry import Expiry
from fhir_server.alliance.systems import code_system
from fhir_server.clock import parse_instant
from fhir_server.interactions.context import Context
from tests.alliance.referral.world import LEAD, LOWER, UPPER, Alliance, business, coded, service_request, task
from tests.interactions.fhir import START_MS

MINUTE_MS = 60_000
EARLY = "2026-11-23T08:30:00+08:00"
GREEN = {
    "url": "https://alliance-fhir.example/fhir/StructureDefinition/green-channel",
    "extension": [{"url": "type", "valueCodeableConcept": {"text": "胸痛"}}],
}


def expiry(alliance: Alliance) -> Expiry:
    async def context() -> Context:
        return alliance.context

    return Expiry(context, lambda: True)


def look(alliance: Alliance, at_ms: int) -> Any:
    alliance.now_ms = at_ms
    alliance.run(expiry(alliance).look())
    return alliance.read("Task/t")


@pytest.mark.parametrize(
    ("elements", "minutes"),
    [
        ({"priority": "stat"}, 10),
        ({"priority": "asap", "extension": [GREEN, coded("referral-direction", "up")]}, 10),
        ({"priority": "asap"}, 120),
        ({"priority": "urgent"}, 24 * 60),
        ({"priority": "routine"}, 3 * 24 * 60),  # 2026-11-23 is a Monday
        ({"priority": "stat", "supportingInfo": []}, 10),
    ],
)
def test_E10_05_expires_at_its_deadline(alliance: Alliance, elements: dict[str, Any], minutes: int) -> None:
    given = {name: value for name, value in elements.items() if value != []}
    request = service_request(**given)
    if elements.get("supportingInfo") == []:
        del request["supportingInfo"]  # an emergency needs no consent
    alliance.write(LOWER, request)
    alliance.write(LOWER, task())
    deadline_ms = START_MS + minutes * MINUTE_MS
    assert look(alliance, deadline_ms)["status"] == "requested"
    found = look(alliance, deadline_ms + 1000)
    assert (found["status"], business_status(found)) == ("failed", "expired")
    assert found["statusReason"]["text"]


def test_E10_05_placer_and_coordinator_are_alerted(alliance: Alliance) -> None:
    alliance.submitted(priority="stat")
    look(alliance, START_MS + 11 * MINUTE_MS)
    (letter,) = (each["resource"] for each in alliance.read("Communication?part-of=Task/t")["entry"])
    assert [each["reference"] for each in letter["recipient"]] == [LOWER, LEAD]
    assert alliance.read("ServiceRequest/sr")["status"] == "active"  # the placer may ask somebody else


def test_E10_05_once(alliance: Alliance) -> None:
    alliance.submitted(priority="stat")
    look(alliance, START_MS + 11 * MINUTE_MS)
    before = alliance.log_length()
    look(alliance, START_MS + 12 * MINUTE_MS)
    assert alliance.log_length() == before


@pytest.mark.parametrize(("status", "state"), [("received", "received"), ("accepted", "accepted")])
def test_E10_05_what_was_answered_does_not_expire(alliance: Alliance, status: str, state: str) -> None:
    alliance.submitted(priority="stat")
    alliance.move(UPPER, status, state)
    assert look(alliance, START_MS + 60 * MINUTE_MS)["status"] == status


def test_E10_05_an_answer_that_comes_meanwhile_wins(alliance: Alliance) -> None:
    """The Task was read as overdue, and is accepted before it is failed."""
    alliance.submitted(priority="stat")
    alliance.now_ms = START_MS + 60 * MINUTE_MS
    version = alliance.run(alliance.context.store.read("Task", "t"))
    assert version is not None
    overdue = alliance.read("Task/t")
    alliance.move(UPPER, "accepted", "accepted")
    alliance.run(expiry(alliance)._expire(alliance.context, version, overdue))
    assert alliance.read("Task/t")["status"] == "accepted"


def test_E10_01_T13_before_the_deadline_not_even_by_the_server(alliance: Alliance) -> None:
    alliance.submitted(priority="stat")
    error = alliance.refused_move("server", "failed", "expired", statusReason={"text": "x"})
    assert error.status == 422 and error.issues[0].diagnostics.startswith("T13")


def test_E10_05_many_are_looked_at_some_at_a_time(
    alliance: Alliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    alliance.load(service_request())
    due = {"period": {"end": "2026-11-01T00:00:00+08:00"}}
    later = {"period": {"end": "2027-11-01T00:00:00+08:00"}}
    for number in range(8):
        restriction = later if number % 2 else due
        alliance.load(task(f"t{number}", businessStatus=business("submitted"), restriction=restriction))
    looking = expiry(alliance)
    read = [alliance.run(looking.look()) for _ in range(4)]
    assert all(count <= 3 for count in read)
    for _ in range(4):
        alliance.run(looking.look())
    assert alliance.total("Task?status=failed") == 4
    assert alliance.total("Task?status=requested") == 4


def test_the_demonstration_goes_on_waiting(alliance: Alliance) -> None:
    sample = {"tag": [{"system": code_system("sample-data"), "code": "demonstration"}]}
    alliance.load(service_request())
    due = {"period": {"end": "2026-11-01T00:00:00+08:00"}}
    alliance.load(task(meta=task()["meta"] | sample, restriction=due))
    assert look(alliance, START_MS)["status"] == "requested"


def test_only_who_leads_looks(alliance: Alliance) -> None:
    class EnoughError(Exception):
        pass

    alliance.submitted(priority="stat")
    alliance.now_ms = START_MS + 11 * MINUTE_MS
    for leads, status in ((False, "requested"), (True, "failed")):

        async def context() -> Context:
            return alliance.context

        async def sleep(_: float) -> None:
            raise EnoughError

        with pytest.raises(EnoughError):
            alliance.run(Expiry(context, lambda leads=leads: leads, sleep=sleep).run())
        assert alliance.read("Task/t")["status"] == status


# ---- deadlines


def test_weekends_and_holidays_are_no_working_days(alliance: Alliance) -> None:
    settings = replace(
        alliance.context.settings, holidays=("2026-10-01", "2026-10-02"), working_weekends=("2026-10-10",)
    )
    found = deadlines(settings)

    def routine(day: str) -> str:
        since_ms = parse_instant(f"{day}T09:30:00+08:00")
        return shown(found.of("routine", green=False, since_ms=since_ms), found.zone)

    assert routine("2026-11-26") == "2026-12-01T09:30:00+08:00"  # over a weekend
    assert routine("2026-09-30") == "2026-10-07T09:30:00+08:00"  # over the two holidays and a weekend
    assert routine("2026-10-08") == "2026-10-12T09:30:00+08:00"  # the Saturday is worked


def test_an_earlier_end_is_kept_and_a_later_one_is_not(alliance: Alliance) -> None:
    alliance.write(LOWER, service_request(priority="asap"))
    early = {"period": {"end": EARLY}}
    assert alliance.write(LOWER, task(restriction=early))["restriction"]["period"]["end"] == EARLY
    late = {"period": {"end": "2027-01-01"}}
    other = task("t2", identifier=[{"value": "2"}], restriction=late)
    assert alliance.write(LOWER, other)["restriction"]["period"]["end"] == "2026-11-23T10:00:00+08:00"


def test_the_clock_stands_still_while_information_is_awaited(alliance: Alliance) -> None:
    end = alliance.submitted(priority="asap")["restriction"]["period"]["end"]
    assert end == "2026-11-23T10:00:00+08:00"
    alliance.move(UPPER, "received", "received")
    alliance.now_ms += 10 * MINUTE_MS
    alliance.move(UPPER, "received", "awaiting-information", note=[{"text": "心电图？"}])
    alliance.now_ms += 30 * MINUTE_MS
    found = alliance.move(LOWER, "received", "received")
    assert found["restriction"]["period"]["end"] == "2026-11-23T10:30:00+08:00"
    asked = alliance.read(found["input"][0]["valueReference"]["reference"])
    assert asked["status"] == "completed"
    period = asked["executionPeriod"]
    assert (period["start"], period["end"]) == ("2026-11-23T08:10:00+08:00", "2026-11-23T08:40:00+08:00")


def test_a_question_that_is_not_answered_ends_with_the_referral(alliance: Alliance) -> None:
    alliance.submitted()
    alliance.move(UPPER, "received", "received")
    found = alliance.move(UPPER, "received", "awaiting-information", note=[{"text": "心电图？"}])
    asked = found["input"][0]["valueReference"]["reference"]
    alliance.move(UPPER, "accepted", "accepted")
    assert alliance.read(asked)["status"] == "cancelled"

"""E.10 test 1: each of T1 to T16 by the right actor and by the wrong one, on the path of an update."""

from typing import Any

import pytest

from fhir_server.alliance.referral.elements import business_status, milestones, numbered
from fhir_server.alliance.referral.table import ABORT, HANDOVER, ROWS, TABLE, Row, State
from fhir_server.alliance.systems import extension_url
from tests.alliance.referral.world import (
    ACTING,
    ARRIVED,
    FEEDBACK,
    LOWER,
    NOTE,
    OUTSIDE,
    REASON,
    UPPER,
    Alliance,
    business,
    codes_of,
    output,
    service_request,
    task,
    text_of,
    wish,
)

ENOUGH: dict[str, Any] = {
    "coded-reason": {"statusReason": REASON},
    "reason": {"statusReason": REASON},
    "question": {"note": NOTE},
    "arrival": {"executionPeriod": ARRIVED},
    "feedback": {"output": [FEEDBACK]},
    "down-referral": {"output": [output("down-referral", "ServiceRequest/down")]},
    "onward-referral": {"output": [output("down-referral", "ServiceRequest/onward")]},
    "overdue": {},
}
"""What a change needs to satisfy a guard."""

DOWN = service_request(
    "down",
    extension=[
        {"url": extension_url("referral-direction"), "valueCode": "down"},
        {"url": extension_url("care-setting"), "valueCode": "I"},
    ],
    basedOn=[{"reference": "ServiceRequest/sr"}],
    requester={"reference": "PractitionerRole/upper-doctor"},
    performer=[{"reference": LOWER}],
)
ONWARD = service_request(
    "onward",
    replaces=[{"reference": "ServiceRequest/sr"}],
    requester={"reference": "PractitionerRole/upper-doctor"},
)


def satisfying(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for guard in row.guards:
        given = ENOUGH.get(guard, {})
        both = [*found.get("output", []), *given.get("output", [])]
        found |= given | ({"output": both} if both else {})
    return found


def prepared(alliance: Alliance, row: Row, before: State) -> None:
    """A referral in the state `before`, with what the guards look for."""
    alliance.load(DOWN)
    alliance.load(ONWARD)
    if before.status == "-":
        alliance.load(service_request())
        return
    due = {"restriction": {"period": {"end": "2026-11-01T00:00:00+08:00"}}} if "overdue" in row.guards else {}
    business = before.business[0] if before.business else _ANY.get(before.status)
    alliance.at(before.status, business, **due)
    if "abort-accepted" in row.guards:
        alliance.load(wish())


_ANY = {
    "requested": "submitted", "received": "received", "accepted": "accepted", "in-progress": "in-transit",
    "on-hold": "on-hold",
}  # fmt: skip

CASES = [
    pytest.param(row, before, after, id=f"{row.rule}-{row.title}-{before.status}-{after}".replace(" ", "-"))
    for row in ROWS
    for before in row.before
    for after in row.after.business
    if not before.business or after not in before.business
    if (before.status, after) != ("accepted", "accepted")
]


def change(alliance: Alliance, row: Row, before: State, after: str) -> Any:
    if before.status == "-":
        return task()
    return alliance.moved(row.after.status, after, **satisfying(row))


@pytest.mark.parametrize(("row", "before", "after"), CASES)
def test_E10_01_by_the_right_actor(alliance: Alliance, row: Row, before: State, after: str) -> None:
    for actor in row.actors:
        if actor == "server":
            continue
        prepared(alliance, row, before)
        written = alliance.write(ACTING[actor], change(alliance, row, before, after))
        assert (written["status"], business_status(written)) == (row.after.status, after)
        assert after in milestones(written)


def alike(row: Row, before: State, after: str) -> list[Row]:
    """The rows that say the same change."""
    return [
        each
        for each in ROWS
        if each.leads_from(before.status, before.business[0] if before.business else None)
        and each.after.holds(row.after.status, after)
    ]


WRONG = [
    pytest.param(*case.values, actor, id=f"{case.id}-{actor}")
    for case in CASES
    for actor in ("placer", "filler", "dispatch", "outsider")
    if actor not in {name for each in alike(*case.values) for name in each.actors}  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("row", "before", "after", "actor"), WRONG)
def test_E10_01_by_the_wrong_actor(
    alliance: Alliance, row: Row, before: State, after: str, actor: str
) -> None:
    prepared(alliance, row, before)
    error = alliance.refused_write(ACTING[actor], change(alliance, row, before, after))
    assert codes_of(error) == (403, "forbidden")
    assert text_of(error).partition(" ")[0] in {each.rule for each in alike(row, before, after)}


def test_all_sixteen_are_there() -> None:
    assert {row.rule for row in TABLE} == {f"T{number}" for number in range(1, 17)} | {"S5"}
    assert len(CASES) > 40


# ---- T15, and T14 from the placer's side


def test_E10_01_T15_by_the_filler(alliance: Alliance) -> None:
    alliance.at("accepted", "accepted")
    doctor = {"reference": "PractitionerRole/cardiologist"}
    written = alliance.move(UPPER, "accepted", "accepted", owner=doctor)
    assert written["owner"] == doctor
    (provenance,) = (
        entry["resource"] for entry in alliance.read(f"Provenance?target=Task/t&agent={UPPER}")["entry"]
    )
    assert provenance["target"] == [{"reference": f"Task/t/_history/{written['meta']['versionId']}"}]


def test_E10_01_T15_by_the_placer(alliance: Alliance) -> None:
    alliance.at("accepted", "accepted")
    doctor = {"reference": "PractitionerRole/cardiologist"}
    error = alliance.refused_move(LOWER, "accepted", "accepted", owner=doctor)
    assert codes_of(error) == (403, "forbidden")


def test_E10_01_T15_not_to_another_organisation(alliance: Alliance) -> None:
    alliance.at("accepted", "accepted")
    error = alliance.refused_move(UPPER, "accepted", "accepted", owner={"reference": OUTSIDE})
    assert codes_of(error) == (422, "business-rule") and text_of(error).startswith("T15")


@pytest.mark.parametrize("state", [state.status for state in HANDOVER.before])
def test_E10_01_T15_in_every_open_state(alliance: Alliance, state: str) -> None:
    alliance.at(state, _ANY[state])
    doctor = {"reference": "PractitionerRole/cardiologist"}
    assert alliance.move(UPPER, state, _ANY[state], owner=doctor)["owner"] == doctor


def test_E10_01_T15_not_once_it_is_over(alliance: Alliance) -> None:
    alliance.at("completed", "outcome-returned")
    doctor = {"reference": "PractitionerRole/cardiologist"}
    assert codes_of(alliance.refused_move(UPPER, "completed", owner=doctor)) == (422, "business-rule")


def test_E10_01_T14_the_placer_wishes_and_the_filler_accepts(alliance: Alliance) -> None:
    alliance.at("in-progress", "in-transit")
    alliance.write(LOWER, wish())
    accepted = alliance.read("Task/abort") | {"status": "accepted"}
    assert codes_of(alliance.refused_write(LOWER, accepted)) == (403, "forbidden")
    alliance.write(UPPER, accepted)
    found = alliance.read("Task/t")
    assert (found["status"], business_status(found)) == ("failed", "cancelled-by-placer")
    assert found["statusReason"]["text"]


def test_E10_01_T14_the_filler_puts_it_on_hold(alliance: Alliance) -> None:
    alliance.at("in-progress", "in-transit")
    alliance.write(LOWER, wish())
    on_hold = business("on-hold")
    alliance.write(UPPER, alliance.read("Task/abort") | {"status": "accepted", "businessStatus": on_hold})
    assert alliance.read("Task/t")["status"] == "on-hold"


def test_E10_01_T14_the_filler_rejects_and_it_goes_on(alliance: Alliance) -> None:
    alliance.at("in-progress", "in-transit")
    alliance.write(LOWER, wish())
    rejected = alliance.read("Task/abort") | {"status": "rejected"}
    assert codes_of(alliance.refused_write(UPPER, rejected)) == (422, "business-rule")
    alliance.write(UPPER, rejected | {"statusReason": {"text": "手术中"}})
    assert alliance.read("Task/t")["status"] == "in-progress"


@pytest.mark.parametrize("actor", ["filler", "outsider", "dispatch"])
def test_E10_01_T14_nobody_else_wishes(alliance: Alliance, actor: str) -> None:
    alliance.at("in-progress", "in-transit")
    error = alliance.refused_write(ACTING[actor], wish())
    assert codes_of(error) == (403, "forbidden") and text_of(error).startswith("T14")


@pytest.mark.parametrize("state", ["requested", "accepted", "on-hold", "completed"])
def test_E10_01_T14_only_what_is_in_progress(alliance: Alliance, state: str) -> None:
    alliance.at(state, _ANY.get(state, "outcome-returned"))
    assert not ABORT.leads_from(state, None)
    assert codes_of(alliance.refused_write(LOWER, wish())) == (422, "business-rule")


def test_E10_01_T14_what_was_held_meanwhile_fails_too(alliance: Alliance) -> None:
    alliance.at("in-progress", "in-transit")
    alliance.write(LOWER, wish())
    alliance.move(UPPER, "on-hold", "on-hold", statusReason=REASON)
    alliance.write(UPPER, alliance.read("Task/abort") | {"status": "accepted"})
    found = alliance.read("Task/t")
    assert (found["status"], business_status(found)) == ("failed", "cancelled-by-placer")


@pytest.mark.parametrize("actor", ["placer", "filler", "outsider"])
def test_S5_nobody_enters_a_task_in_error_but_the_server(alliance: Alliance, actor: str) -> None:
    alliance.at("accepted", "accepted")
    error = alliance.refused_move(ACTING[actor], "entered-in-error", "accepted")
    assert codes_of(error) == (403, "forbidden") and text_of(error).startswith("S5")


@pytest.mark.parametrize(
    ("status", "business", "rule"),
    [("cancelled", "cancelled-by-placer", "T6"), ("entered-in-error", "submitted", "S5")],
)
def test_S3_and_S5_of_the_task_follow_the_request_alone(
    alliance: Alliance, status: str, business: str, rule: str
) -> None:
    alliance.at("requested", "submitted")
    error = alliance.refused_move(ACTING["server"], status, business, statusReason=REASON)
    assert codes_of(error) == (422, "business-rule") and text_of(error).startswith(rule)


def test_E10_01_T14_not_without_a_wish(alliance: Alliance) -> None:
    alliance.at("in-progress", "in-transit")
    error = alliance.refused_move(ACTING["server"], "failed", "cancelled-by-placer")
    assert codes_of(error) == (422, "business-rule") and text_of(error).startswith("T14")


# ---- what is not in the table


def test_C16_a_jump_from_completed_to_requested(alliance: Alliance) -> None:
    alliance.at("completed", "outcome-returned")
    for acting in (LOWER, UPPER):
        error = alliance.refused_move(acting, "requested", "submitted")
        assert codes_of(error) == (422, "business-rule")
        assert "T1 " in text_of(error) and "Allowed next: none" in text_of(error)


def test_C16_accept_by_a_non_owner(alliance: Alliance) -> None:
    alliance.at("requested", "submitted")
    for acting in (LOWER, OUTSIDE):
        assert codes_of(alliance.refused_move(acting, "accepted", "accepted")) == (403, "forbidden")


def test_an_illegal_change_names_the_rule_and_the_next_states(alliance: Alliance) -> None:
    alliance.at("requested", "submitted")
    error = alliance.refused_move(UPPER, "completed", "outcome-returned")
    text = text_of(error)
    assert "T11 leads to completed from in-progress" in text
    for row in (each for each in ROWS if each.leads_from("requested", "submitted")):
        business = f" ({', '.join(row.after.business)})" if row.after.business else ""
        assert f"{row.rule} {row.after.status}{business} by the {' or '.join(row.actors)}" in text
    assert error.issues[0].expression == "Task.status"


def test_the_number_of_the_filler_is_on_both(alliance: Alliance) -> None:
    written = alliance.submitted()
    request = alliance.read("ServiceRequest/sr")
    number = numbered(request, "FILL")
    assert number is not None and number == numbered(written, "FILL")
    assert number["system"].endswith("/430181/referral") and number["value"].startswith("R20261123-")

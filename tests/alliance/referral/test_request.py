"""The ServiceRequest of a referral is the placer's alone."""

from typing import Any

import pytest

from fhir_server.alliance.referral.elements import (
    REFERRAL_PROFILE,
    business_status,
    claims,
    milestones,
    numbered,
)
from fhir_server.alliance.referral.table import REQUEST_ROWS
from fhir_server.interactions.request import SERVER
from fhir_server.resource import Resource
from tests.alliance.referral.world import (
    ARRIVED,
    FEEDBACK,
    LOWER,
    OUTSIDE,
    UPPER,
    Alliance,
    codes_of,
    service_request,
    task,
    text_of,
    wish,
)

_BUSINESS = {
    "requested": "submitted", "received": "received", "accepted": "accepted", "in-progress": "in-transit",
    "on-hold": "on-hold",
}  # fmt: skip
STATUSES = ("draft", "active", "on-hold", "revoked", "completed", "entered-in-error")


@pytest.mark.parametrize(
    ("before", "after"), [(one, other) for one in ("-", *STATUSES) for other in STATUSES if one != other]
)
def test_every_change_of_the_status(alliance: Alliance, before: str, after: str) -> None:
    allowed = any(before in row.before and row.after == after for row in REQUEST_ROWS)
    if before != "-":
        alliance.load(service_request(status=before))
    if allowed:
        for acting in (UPPER, OUTSIDE):
            assert codes_of(alliance.refused_write(acting, service_request(status=after))) == (
                403,
                "forbidden",
            )
        assert alliance.write(LOWER, service_request(status=after))["status"] == after
    else:
        error = alliance.refused_write(LOWER, service_request(status=after))
        assert codes_of(error) == (422, "business-rule") and "Allowed next" in text_of(error)


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"note": [{"text": "加急"}]}, 200),
        ({"priority": "urgent"}, 200),
        ({"supportingInfo": [{"reference": "Consent/consent"}, {"reference": "Observation/1"}]}, 200),
        ({"supportingInfo": [{"reference": "Observation/1"}]}, 422),
        ({"subject": {"reference": "Patient/other"}}, 422),
        ({"code": {"text": "x"}}, 422),
        ({"performer": [{"reference": OUTSIDE}]}, 422),
        ({"requester": {"reference": "PractitionerRole/outside-doctor"}}, 422),
        ({"extension": []}, 422),
        ({"reasonCode": [{"text": "x"}]}, 422),
    ],
)
def test_what_can_be_changed_once_it_is_active(alliance: Alliance, elements: Any, expected: int) -> None:
    alliance.write(LOWER, service_request())
    merged = alliance.read("ServiceRequest/sr") | elements
    changed = {name: value for name, value in merged.items() if value != []}
    assert codes_of(alliance.refused_write(UPPER, changed))[0] == 403
    if expected == 200:
        assert alliance.put(LOWER, changed).status == 200
    else:
        error = alliance.refused_write(LOWER, changed)
        assert codes_of(error) == (expected, "business-rule")
        assert error.issues[0].expression == f"ServiceRequest.{next(iter(elements))}"


def test_a_draft_can_be_changed_in_full(alliance: Alliance) -> None:
    alliance.write(LOWER, service_request(status="draft"))
    changed = service_request(status="draft", code={"text": "x"}, performer=[{"reference": OUTSIDE}])
    assert alliance.write(LOWER, changed)["performer"] == [{"reference": OUTSIDE}]
    taken = changed | {"requester": {"reference": "PractitionerRole/outside-doctor"}}
    assert alliance.refused_write(LOWER, taken).status == 403
    assert alliance.refused_write(OUTSIDE, taken).status == 403


def test_the_number_of_the_filler_comes_with_the_submission(alliance: Alliance) -> None:
    assert numbered(alliance.write(LOWER, service_request(status="draft")), "FILL") is None
    given = numbered(alliance.write(LOWER, service_request()), "FILL")
    assert given is not None and given["assigner"] == {"reference": UPPER}
    plain = service_request(note=[{"text": "x"}])
    assert numbered(alliance.write(LOWER, plain), "FILL") == given


def test_if_match_organisation_and_profile(alliance: Alliance) -> None:
    alliance.write(LOWER, service_request())
    noted = service_request(note=[{"text": "x"}])
    assert codes_of(alliance.refused_write(LOWER, noted, if_match=None)) == (428, "required")
    assert codes_of(alliance.refused_write(LOWER, noted, if_match='W/"9"')) == (412, "conflict")
    assert codes_of(alliance.refused_write(None, noted)) == (403, "forbidden")
    del noted["meta"]
    assert claims(alliance.write(LOWER, noted), REFERRAL_PROFILE)
    assert alliance.put(LOWER, service_request(note=[{"text": "x"}]), if_match=None).status == 200  # the same


@pytest.mark.parametrize("status", ["in-progress", "on-hold", "completed"])
def test_S3_not_once_the_filler_has_begun(alliance: Alliance, status: str) -> None:
    alliance.at(status, executionPeriod=ARRIVED)
    revoked = alliance.read("ServiceRequest/sr") | {"status": "revoked"}
    error = alliance.refused_write(LOWER, revoked)
    assert codes_of(error) == (422, "business-rule") and text_of(error).startswith("S3")


@pytest.mark.parametrize("status", ["requested", "received", "accepted", "rejected", "failed"])
def test_S3_before_that(alliance: Alliance, status: str) -> None:
    alliance.at(status)
    revoked = alliance.read("ServiceRequest/sr") | {"status": "revoked"}
    assert alliance.write(LOWER, revoked)["status"] == "revoked"


@pytest.mark.parametrize("status", ["requested", "received", "accepted"])
def test_S3_cancels_what_is_open(alliance: Alliance, status: str) -> None:
    alliance.at(status, _BUSINESS[status])
    alliance.write(LOWER, alliance.read("ServiceRequest/sr") | {"status": "revoked"})
    found = alliance.read("Task/t")
    assert (found["status"], business_status(found)) == ("cancelled", "cancelled-by-placer")
    assert found["statusReason"]["text"]
    assert milestones(found)[-1] == "cancelled-by-placer"
    error = alliance.refused_move(UPPER, "accepted", "accepted")
    assert codes_of(error) == (422, "business-rule") and "Allowed next: none" in text_of(error)


def test_S3_ends_the_question_to_the_placer(alliance: Alliance) -> None:
    alliance.submitted()
    alliance.move(UPPER, "received", "received")
    asked = alliance.move(UPPER, "received", "awaiting-information", note=[{"text": "心电图？"}])
    alliance.write(LOWER, alliance.read("ServiceRequest/sr") | {"status": "revoked"})
    assert alliance.read(asked["input"][0]["valueReference"]["reference"])["status"] == "cancelled"


@pytest.mark.parametrize("business", ["declined", "no-show-final", "expired"])
def test_S3_leaves_what_is_over(alliance: Alliance, business: str) -> None:
    alliance.at("rejected" if business == "declined" else "failed", business)
    before = alliance.read("Task/t")
    alliance.write(LOWER, alliance.read("ServiceRequest/sr") | {"status": "revoked"})
    assert alliance.read("Task/t") == before


def test_S3_leaves_other_tasks_about_the_request(alliance: Alliance) -> None:
    alliance.at("requested", "submitted")
    alliance.load(task("other", meta={"profile": ["http://example.org/other"]}, status="accepted"))
    alliance.write(LOWER, alliance.read("ServiceRequest/sr") | {"status": "revoked"})
    assert alliance.read("Task/other")["status"] == "accepted"


@pytest.mark.parametrize("first", ["ServiceRequest", "Task"])
def test_S3_the_placer_may_cancel_by_itself_in_the_same_transaction(alliance: Alliance, first: str) -> None:
    alliance.at("accepted", "accepted")
    revoked = alliance.read("ServiceRequest/sr") | {"status": "revoked"}
    cancelled = alliance.moved("cancelled", "cancelled-by-patient", statusReason={"text": "患者要求"})
    entries = [
        {
            "resource": each,
            "request": {
                "method": "PUT",
                "url": f"{each['resourceType']}/{each['id']}",
                "ifMatch": f'W/"{each["meta"]["versionId"]}"',
            },
        }
        for each in sorted((revoked, cancelled), key=lambda each: each["resourceType"] != first)
    ]
    alliance(
        "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries}, organization=LOWER
    )
    found = alliance.read("Task/t")
    assert business_status(found) == "cancelled-by-patient"
    assert found["meta"]["versionId"] == "2"


def test_S3_fails_what_was_put_on_hold_after_a_wish(alliance: Alliance) -> None:
    alliance.at("on-hold", "on-hold")
    alliance.load(wish(status="accepted"))
    alliance.write(LOWER, alliance.read("ServiceRequest/sr") | {"status": "revoked"})
    found = alliance.read("Task/t")
    assert (found["status"], business_status(found)) == ("failed", "cancelled-by-placer")


@pytest.mark.parametrize("status", ["requested", "received", "accepted", "in-progress", "on-hold"])
def test_S5_takes_its_tasks_with_it(alliance: Alliance, status: str) -> None:
    alliance.at(status, _BUSINESS[status])
    alliance.write(LOWER, service_request(status="entered-in-error"))
    found = alliance.read("Task/t")
    assert (found["status"], business_status(found)) == ("entered-in-error", _BUSINESS[status])


def test_S5_leaves_what_is_over(alliance: Alliance) -> None:
    alliance.at("rejected", "declined")
    alliance.write(LOWER, service_request(status="entered-in-error"))
    assert alliance.read("Task/t")["status"] == "rejected"


def test_S3_after_an_accepted_wish(alliance: Alliance) -> None:
    alliance.at("on-hold", "on-hold")
    alliance.load(wish(status="accepted"))
    revoked = alliance.read("ServiceRequest/sr") | {"status": "revoked"}
    assert alliance.write(LOWER, revoked)["status"] == "revoked"


def test_S5_not_once_there_is_an_output(alliance: Alliance) -> None:
    alliance.at("completed", "outcome-returned", output=[FEEDBACK])
    error = alliance.refused_write(LOWER, service_request(status="entered-in-error"))
    assert text_of(error).startswith("S5")


def test_S4_by_the_server(alliance: Alliance) -> None:
    alliance.write(LOWER, service_request())
    assert alliance.write(SERVER, service_request(status="completed"))["status"] == "completed"


def test_only_a_draft_is_deleted(alliance: Alliance) -> None:
    alliance.write(LOWER, service_request(status="draft"))
    tag: Resource = {"if_match": 'W/"1"'}
    assert alliance.refused("DELETE", "ServiceRequest/sr", organization=UPPER, **tag).status == 403
    assert alliance("DELETE", "ServiceRequest/sr", organization=LOWER, **tag).status == 204
    alliance.write(LOWER, service_request(), if_match=None)
    assert alliance.refused("DELETE", "ServiceRequest/sr", organization=LOWER, **tag).status in (412, 422)


def test_other_requests_are_not_governed(alliance: Alliance) -> None:
    other = service_request(meta={"profile": ["http://example.org/other"]})
    assert alliance.put(None, other).status == 201
    assert alliance("PUT", "ServiceRequest/sr", other | {"status": "revoked"}).status == 200

"""What every change of a referral's Task needs, and who may change which element of it."""

from typing import Any

import pytest

from fhir_server.alliance.referral.elements import (
    DIRECTION,
    FOCUS_CATEGORY,
    MILESTONE,
    SETTING,
    TASK_PROFILE,
    business_status,
    claims,
    extension_code,
    milestones,
)
from fhir_server.alliance.systems import extension_url
from fhir_server.resource import Resource
from tests.alliance.referral.world import (
    CARDIOLOGY,
    CONSENT,
    FEEDBACK,
    LOWER,
    NETWORK,
    NOTE,
    OUTSIDE,
    SURGERY,
    UPPER,
    Alliance,
    affiliation,
    business,
    codes_of,
    organization,
    output,
    service_request,
    task,
    text_of,
)
from tests.interactions.fhir import BASE, bundle, content, entries_of, entry, post, put

OWN = {"status": "accepted", "businessStatus": business("accepted")}
JSON_PATCH = [
    {"op": "replace", "path": "/status", "value": "accepted"},
    {"op": "replace", "path": "/businessStatus", "value": business("accepted")},
]


# ---- who, and on which version


def test_without_an_organisation_it_is_403_and_names_the_header(alliance: Alliance) -> None:
    alliance.submitted()
    error = alliance.refused_move(None, "accepted")
    assert codes_of(error) == (403, "forbidden") and "X-Acting-Organization" in text_of(error)


def test_without_if_match_it_is_428(alliance: Alliance) -> None:
    alliance.submitted()
    for given in ({"if_match": None}, {"if_match": "*"}):
        error = alliance.refused_write(UPPER, alliance.moved("accepted"), **given)
        assert codes_of(error) == (428, "required") and 'W/"1"' in text_of(error)


def test_an_old_version_is_412_whatever_it_asks_for(alliance: Alliance) -> None:
    alliance.submitted()
    alliance.move(UPPER, "accepted")
    for status in ("accepted", "completed", "received"):
        error = alliance.refused_write(UPPER, alliance.moved(status), if_match='W/"1"')
        assert codes_of(error) == (412, "conflict")


def test_E10_02_of_two_departments_that_accept_one_wins(alliance: Alliance) -> None:
    alliance.submitted()
    accepted = alliance.moved("accepted")
    assert alliance.put(CARDIOLOGY, accepted, if_match='W/"1"').status == 200
    assert alliance.refused_write(SURGERY, accepted, if_match='W/"1"').status == 412


def test_a_department_acts_for_its_hospital(alliance: Alliance) -> None:
    alliance.submitted()
    assert alliance.move(CARDIOLOGY, "accepted")["status"] == "accepted"


def test_E10_06_what_is_sent_again_changes_nothing(alliance: Alliance) -> None:
    """Without If-Match, by the number of the placer, and although the server has added to it."""
    alliance.write(LOWER, service_request())
    url = "Task?identifier=urn:example:lower:task|0001"
    made = alliance("PUT", url, task(None), organization=LOWER)
    again = alliance("PUT", url, task(None), organization=LOWER)
    assert (made.status, again.status) == (201, 200)
    assert content(again) == content(made)
    condition = "identifier=urn:example:lower:task|0001"
    found = alliance("POST", "Task", task(None), organization=LOWER, if_none_exist=condition)
    assert (found.status, content(found)) == (200, content(made))
    assert alliance.total("Task") == 1


# ---- every write path

PATHS: dict[str, Any] = {
    "update": lambda alliance, acting, tag: alliance(
        "PUT", "Task/t", alliance.read("Task/t") | OWN, organization=acting, if_match=tag
    ),
    "conditional update": lambda alliance, acting, tag: alliance(
        "PUT", "Task?_id=t", alliance.read("Task/t") | OWN, organization=acting, if_match=tag
    ),
    "patch": lambda alliance, acting, tag: alliance(
        "PATCH", "Task/t", patch=JSON_PATCH, organization=acting, if_match=tag
    ),
    "conditional patch": lambda alliance, acting, tag: alliance(
        "PATCH", "Task?_id=t", patch=JSON_PATCH, organization=acting, if_match=tag
    ),
    "transaction": lambda alliance, acting, tag: alliance(
        "POST", "", bundle("transaction", put(alliance.read("Task/t") | OWN, **matching(tag))),
        organization=acting,
    ),
}  # fmt: skip


def matching(tag: str | None) -> dict[str, str]:
    return {} if tag is None else {"ifMatch": tag}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("acting", "tag", "status"),
    [(UPPER, 'W/"1"', 200), (LOWER, 'W/"1"', 403), (UPPER, None, 428), (UPPER, 'W/"2"', 412)],
)
def test_every_path_is_governed(
    alliance: Alliance, path: str, acting: str, tag: str | None, status: int
) -> None:
    alliance.submitted()
    if status == 200:
        assert PATHS[path](alliance, acting, tag).status == 200
        assert milestones(alliance.read("Task/t")) == ["submitted", "accepted"]
        return
    with pytest.raises(Exception) as caught:
        PATHS[path](alliance, acting, tag)
    assert caught.value.status == status  # type: ignore[attr-defined]
    assert alliance.version("Task/t") == "1"


def test_a_batch_is_governed(alliance: Alliance) -> None:
    alliance.submitted()
    accepted = alliance.read("Task/t") | OWN
    entries = entries_of(alliance("POST", "", bundle("batch", put(accepted)), organization=UPPER))
    assert entries[0]["response"]["status"].startswith("428")
    entries = entries_of(
        alliance("POST", "", bundle("batch", put(accepted, ifMatch='W/"1"')), organization=UPPER)
    )
    assert entries[0]["response"]["status"].startswith("200")


@pytest.mark.parametrize("url", ["Task/t", "Task?_id=t"])
def test_only_a_draft_is_deleted_by_the_placer(alliance: Alliance, url: str) -> None:
    alliance.write(LOWER, service_request())
    alliance.write(LOWER, task(status="draft"))
    tag = {"if_match": 'W/"1"'}
    assert alliance.refused("DELETE", url, organization=UPPER, **tag).status == 403
    assert alliance.refused("DELETE", url, organization=LOWER).status == 428
    assert alliance("DELETE", url, organization=LOWER, **tag).status == 204
    alliance.at("requested", "submitted")
    for acting in (LOWER, UPPER):
        assert codes_of(alliance.refused("DELETE", url, organization=acting)) == (422, "business-rule")
    refused = alliance.refused("POST", "", bundle("transaction", entry("DELETE", url)), organization=LOWER)
    assert refused.status == 422


def test_request_and_task_in_one_transaction_in_any_order(alliance: Alliance) -> None:
    full_url = "urn:uuid:00000000-0000-4000-8000-000000000001"
    entries = [
        post(task(None, focus={"reference": full_url})),
        post(service_request(None), full_url),
    ]
    for given in (entries, entries[::-1]):
        answers = entries_of(alliance("POST", "", bundle("transaction", *given), organization=LOWER))
        assert [each["response"]["status"] for each in answers] == ["201 Created", "201 Created"]


def test_E10_07_a_task_that_is_refused_takes_its_transaction_with_it(alliance: Alliance) -> None:
    before = alliance.log_length()
    full_url = "urn:uuid:00000000-0000-4000-8000-000000000001"
    entries = [
        post(service_request(None), full_url),
        post(task(None, focus={"reference": full_url}, owner={"reference": OUTSIDE})),
    ]
    error = alliance.refused("POST", "", bundle("transaction", *entries), organization=LOWER)
    assert codes_of(error) == (422, "business-rule") and error.issues[0].expression is not None
    assert error.issues[0].expression.startswith("Bundle.entry[1]")
    assert alliance.log_length() == before


# ---- what is governed


def test_leaving_out_the_profile_is_no_way_around(alliance: Alliance) -> None:
    alliance.submitted()
    plain = {name: value for name, value in alliance.moved("completed").items() if name != "meta"}
    assert codes_of(alliance.refused_write(UPPER, plain)) == (422, "business-rule")
    plain = {name: value for name, value in alliance.moved("accepted").items() if name != "meta"}
    assert claims(alliance.write(UPPER, plain), TASK_PROFILE)


@pytest.mark.parametrize("focus", ["ServiceRequest/sr", f"{BASE}/ServiceRequest/sr"])
def test_a_task_that_fulfills_a_referral_is_one_of_it(alliance: Alliance, focus: str) -> None:
    alliance.write(LOWER, service_request())
    plain = task(focus={"reference": focus}, status="accepted")
    del plain["meta"]
    assert alliance.refused_write(UPPER, plain, base_url=BASE).status == 422


def test_other_tasks_are_not_governed(alliance: Alliance) -> None:
    alliance.load(
        {
            "resourceType": "ServiceRequest",
            "id": "other",
            "status": "active",
            "intent": "order",
            "subject": {"reference": "Patient/zhou"},
        }
    )
    other = task(focus={"reference": "ServiceRequest/other"}, status="completed")
    del other["meta"]
    assert alliance.put(None, other).status == 201
    assert alliance("PUT", "Task/t", other | {"status": "requested"}).status == 200


def test_a_task_cannot_become_a_referral_in_the_middle(alliance: Alliance) -> None:
    alliance.write(LOWER, service_request())
    other = {"resourceType": "Task", "id": "t", "status": "in-progress", "intent": "order"}
    alliance.put(None, other)
    error = alliance.refused_write(UPPER, task(status="completed"))
    assert codes_of(error) == (422, "business-rule")


def test_the_server_keeps_what_is_its_own(alliance: Alliance) -> None:
    forged = {"url": MILESTONE, "extension": [{"url": "businessStatus", "valueCode": "arrived"}]}
    alliance.write(LOWER, service_request())
    found = alliance.write(
        LOWER, task(extension=[forged, {"url": DIRECTION, "valueCode": "down"}], lastModified="2001-01-01")
    )
    assert milestones(found) == ["submitted"]
    assert extension_code(found, DIRECTION) == "up" and extension_code(found, SETTING) == "I"
    assert extension_code(found, FOCUS_CATEGORY) == "referral"
    assert found["lastModified"] == "2026-11-23T08:00:00+08:00"
    found = alliance.move(
        UPPER, "accepted", extension=[forged], restriction={"period": {"end": "2030-01-01"}}
    )
    assert milestones(found) == ["submitted", "accepted"]
    assert found["restriction"]["period"]["end"] == "2026-11-26T08:00:00+08:00"


def test_a_milestone_stands_once(alliance: Alliance) -> None:
    alliance.at("in-progress", "in-transit")
    for status in ("arrived", "admitted", "arrived"):
        found = alliance.move(UPPER, "in-progress", status, executionPeriod={"start": "2026-11-22"})
    assert milestones(found) == ["arrived", "admitted"]


# ---- element rights


@pytest.mark.parametrize(
    ("elements", "acting", "expected"),
    [
        ({"note": NOTE}, UPPER, 200),
        ({"note": NOTE}, LOWER, 200),
        ({"note": NOTE}, OUTSIDE, 403),
        ({"output": [FEEDBACK]}, UPPER, 200),
        ({"output": [FEEDBACK]}, LOWER, 403),
        ({"executionPeriod": {"start": "2026-11-22"}}, UPPER, 200),
        ({"executionPeriod": {"start": "2026-11-22"}}, LOWER, 403),
        ({"input": [{"type": {"text": "x"}, "valueString": "心电图"}]}, LOWER, 200),
        ({"input": [{"type": {"text": "x"}, "valueString": "心电图"}]}, UPPER, 403),
        ({"priority": "stat"}, LOWER, 200),
        ({"priority": "stat"}, UPPER, 403),
        ({"focus": {"reference": "ServiceRequest/other"}}, LOWER, 422),
        ({"for": {"reference": "Patient/other"}}, UPPER, 422),
        ({"requester": {"reference": "PractitionerRole/upper-doctor"}}, UPPER, 422),
        ({"description": "x"}, LOWER, 422),
        ({"code": {"text": "x"}}, LOWER, 422),
    ],
)
def test_who_may_change_what(alliance: Alliance, elements: Any, acting: str, expected: int) -> None:
    alliance.submitted()
    alliance.move(UPPER, "accepted")
    changed = alliance.read("Task/t") | elements
    if expected == 200:
        assert alliance.put(acting, changed).status == 200
    else:
        assert alliance.refused_write(acting, changed).status == expected


@pytest.mark.parametrize("name", ["note", "output"])
def test_notes_and_outputs_are_added_to_only(alliance: Alliance, name: str) -> None:
    first: list[Any] = NOTE if name == "note" else [FEEDBACK]
    second: list[Any] = [{"text": "其他"}] if name == "note" else [output("encounter", "Encounter/1")]
    alliance.at("in-progress", "arrived", executionPeriod={"start": "2026-11-22"}, **{name: first})
    before = alliance.read("Task/t")
    for changed in (second, [], [*second, *first]):
        error = alliance.refused_write(
            UPPER, {**before, name: changed} if changed else {k: v for k, v in before.items() if k != name}
        )
        assert codes_of(error) == (422, "business-rule") and f"Task.{name}" in text_of(error)
    assert alliance.write(UPPER, {**before, name: [*first, *second]})[name] == [*first, *second]


def test_priority_is_raised_only_and_the_deadline_comes_nearer(alliance: Alliance) -> None:
    alliance.submitted(priority="asap")
    found = alliance.read("Task/t")
    assert alliance.refused_write(LOWER, found | {"priority": "routine"}).status == 422
    raised = alliance.write(LOWER, found | {"priority": "stat"})
    assert raised["restriction"]["period"]["end"] == "2026-11-23T08:10:00+08:00"


def test_a_draft_is_the_placers_to_change_as_it_likes(alliance: Alliance) -> None:
    alliance.write(LOWER, service_request())
    alliance.write(LOWER, task(status="draft", description="x", owner={"reference": OUTSIDE}))
    draft = alliance.read("Task/t")
    assert alliance.refused_write(UPPER, draft | {"description": "y"}).status == 403
    assert alliance.refused_write(OUTSIDE, draft | {"requester": {"reference": OUTSIDE}}).status == 403
    alliance.write(LOWER, draft | {"description": "y", "owner": {"reference": UPPER}})
    found = alliance.write(LOWER, alliance.read("Task/t") | {"status": "requested"})
    assert (found["status"], business_status(found)) == ("requested", "submitted")


# ---- the guards of T1


def refused_submission(alliance: Alliance, request: Resource, **elements: Any) -> str:
    alliance.load(request)
    error = alliance.refused_write(LOWER, task(**elements))
    assert codes_of(error) == (422, "business-rule") and text_of(error).startswith("T1 ")
    return text_of(error)


@pytest.mark.parametrize("status", ["draft", "on-hold", "revoked", "completed"])
def test_T1_the_request_is_active(alliance: Alliance, status: str) -> None:
    assert "must be active" in refused_submission(alliance, service_request(status=status))


def test_T1_the_request_is_there(alliance: Alliance) -> None:
    assert "on this server" in refused_submission(alliance, service_request("other"))


@pytest.mark.parametrize(
    "consent",
    [
        {"status": "inactive"},
        {"patient": {"reference": "Patient/other"}},
        {"provision": {"type": "deny"}},
        {"provision": {"period": {"end": "2026-11-22"}}},
        {"provision": {"period": {"start": "2026-11-24"}}},
    ],
)
def test_T1_the_patient_consents(alliance: Alliance, consent: Resource) -> None:
    alliance.load(CONSENT | consent)
    assert "Consent" in refused_submission(alliance, service_request())


@pytest.mark.parametrize(
    "emergency",
    [
        {"priority": "stat"},
        {"extension": [{"url": extension_url("legal-basis"), "valueCode": "emergency-life"}]},
        {
            "extension": [
                {
                    "url": extension_url("green-channel"),
                    "extension": [{"url": "type", "valueCodeableConcept": {"text": "胸痛"}}],
                }
            ]
        },
    ],
)
def test_T1_or_it_is_an_emergency(alliance: Alliance, emergency: Resource) -> None:
    request = service_request(**emergency)
    del request["supportingInfo"]
    alliance.write(LOWER, request)
    assert alliance.write(LOWER, task())["status"] == "requested"


def test_T1_patient_and_placer_are_those_of_the_request(alliance: Alliance) -> None:
    assert "Task.for" in refused_submission(
        alliance, service_request(), **{"for": {"reference": "Patient/other"}}
    )
    other = service_request(requester={"reference": "PractitionerRole/outside-doctor"})
    assert "Task.requester" in refused_submission(alliance, other)


@pytest.mark.parametrize(
    "change",
    [
        affiliation(UPPER, active=False),
        affiliation(UPPER, period={"start": "2020-01-01", "end": "2026-11-22"}),
        affiliation(UPPER, period={"start": "2026-11-24"}),
        affiliation(UPPER, organization={"reference": "Organization/other-network"}),
        affiliation(LOWER, active=False),
        organization(UPPER, active=False),
    ],
)
def test_T1_the_owner_is_an_active_member(alliance: Alliance, change: Resource) -> None:
    alliance.load(change)
    assert UPPER in refused_submission(alliance, service_request())


def test_T1_not_to_an_outsider_unless_it_goes_across_alliances(alliance: Alliance) -> None:
    assert OUTSIDE in refused_submission(alliance, service_request(), owner={"reference": OUTSIDE})
    across = [{"url": DIRECTION, "valueCode": "cross-alliance"}]
    alliance.load(service_request(extension=across))
    assert alliance.write(LOWER, task(owner={"reference": OUTSIDE}))["status"] == "requested"


def test_T1_the_service_is_open_and_of_the_owner(alliance: Alliance) -> None:
    service = {
        "resourceType": "HealthcareService",
        "id": "heart",
        "active": True,
        "providedBy": {"reference": OUTSIDE},
    }
    asked = service_request(performer=[{"reference": "HealthcareService/heart"}])
    alliance.load(service)
    assert "HealthcareService/heart" in refused_submission(alliance, asked)
    alliance.load(service | {"providedBy": {"reference": UPPER}, "active": False})
    assert "HealthcareService/heart" in refused_submission(alliance, asked)
    alliance.load(service | {"providedBy": {"reference": CARDIOLOGY}})
    assert (
        alliance.write(LOWER, task(owner={"reference": "HealthcareService/heart"}))["status"] == "requested"
    )


def test_T1_the_leading_hospital_is_a_member(alliance: Alliance) -> None:
    alliance.load(affiliation(UPPER, active=False))
    alliance.load(
        organization(
            NETWORK,
            extension=[{"url": extension_url("lead-organization"), "valueReference": {"reference": UPPER}}],
        )
    )
    alliance.load(service_request())
    assert alliance.write(LOWER, task())["status"] == "requested"


@pytest.mark.parametrize("status", ["on-hold", "completed"])
def test_nothing_goes_on_once_the_request_is_not_active(alliance: Alliance, status: str) -> None:
    alliance.submitted()
    alliance.write(LOWER, alliance.read("ServiceRequest/sr") | {"status": status})
    error = alliance.refused_move(UPPER, "accepted")
    assert codes_of(error) == (422, "business-rule") and text_of(error).startswith("T3")
    alliance.move(
        UPPER,
        "rejected",
        "declined",
        statusReason={
            "coding": [
                {
                    "system": extension_url("reject-reason").replace("StructureDefinition", "CodeSystem"),
                    "code": "other",
                }
            ],
            "text": "已撤回",
        },
    )

"""The operations on referrals do what an update does, by the same table."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_server.alliance.operations import OPERATIONS
from fhir_server.alliance.referral.elements import (
    DIRECTION,
    TELECONSULT_PROFILE,
    business_status,
    extension_code,
    milestones,
    numbered,
)
from fhir_server.alliance.referral.parameters import KNOWN
from fhir_server.alliance.referral.table import ABORT, ACTORS, HANDOVER, ROWS
from fhir_server.alliance.systems import code_system, extension_url
from fhir_server.resource import Resource
from tests.alliance.referral.world import (
    ACTING,
    ARRIVED,
    FEEDBACK,
    LOWER,
    OUTSIDE,
    REASON,
    UPPER,
    Alliance,
    codes_of,
    service_request,
    task,
    text_of,
)
from tests.interactions.fhir import content

PROFILES = Path(__file__).parents[3] / "profiles"
STATES = [
    ("draft", None), ("requested", "submitted"), ("received", "received"),
    ("received", "awaiting-information"), ("accepted", "accepted"), ("in-progress", "in-transit"),
    ("in-progress", "arrived"), ("on-hold", "on-hold"), ("completed", "outcome-returned"),
    ("rejected", "declined"), ("cancelled", "cancelled-by-placer"), ("failed", "expired"),
]  # fmt: skip


@pytest.fixture
def alliance(alliance: Alliance) -> Alliance:
    alliance.context = replace(alliance.context, operations=OPERATIONS)
    return alliance


def call(alliance: Alliance, acting: str | None, name: str, *parameters: Resource, **given: Any) -> Resource:
    body = {"resourceType": "Parameters", "parameter": list(parameters)} if parameters else None
    response = alliance("POST", name, body, organization=acting, **given)
    return response.resource or content(response)


def refused(alliance: Alliance, acting: str | None, name: str, *parameters: Resource, **given: Any) -> Any:
    body = {"resourceType": "Parameters", "parameter": list(parameters)} if parameters else None
    return alliance.refused("POST", name, body, organization=acting, **given)


def said(name: str, **value: Any) -> Resource:
    return {"name": name, **value}


def actions(alliance: Alliance, acting: str | None) -> set[tuple[str, str | None, tuple[str, ...]]]:
    """Rule, status and business statuses of what can be done."""
    found = alliance("GET", "Task/t/$available-actions", organization=acting).resource or {}
    parts = [each["part"] for each in found.get("parameter", [])]
    return {
        (
            next(each["valueCode"] for each in part if each["name"] == "transition"),
            next((each["valueCode"] for each in part if each["name"] == "status"), None),
            tuple(each["valueCode"] for each in part if each["name"] == "businessStatus"),
        )
        for part in parts
    }


@pytest.mark.parametrize("actor", [*ACTING, None])
@pytest.mark.parametrize(("status", "business"), STATES)
def test_E10_03_available_actions_are_those_of_the_table(
    alliance: Alliance, status: str, business: str | None, actor: str | None
) -> None:
    alliance.at(status, business)
    expected = {
        (row.rule, None if row in (HANDOVER, ABORT) else row.after.status, row.after.business)
        for row in (*ROWS, HANDOVER, ABORT)
        if any(state.holds(status, business) for state in row.before)
        and (set(ACTORS) if actor is None else {actor}) & set(row.actors)
    }
    assert actions(alliance, None if actor is None else ACTING[actor]) == expected


def test_E10_03_each_says_what_it_requires_and_how_it_is_done(alliance: Alliance) -> None:
    alliance.at("in-progress", "arrived")
    found = alliance("GET", "Task/t/$available-actions", organization=UPPER).resource or {}
    complete = next(
        each["part"] for each in found["parameter"] if said("title", valueString="complete") in each["part"]
    )
    assert said("operation", valueCode="complete") in complete
    assert any("feedback" in each.get("valueString", "") for each in complete if each["name"] == "guard")
    assert said("actor", valueCode="filler") in complete


def test_accept(alliance: Alliance) -> None:
    alliance.submitted()
    found = call(
        alliance,
        UPPER,
        "Task/t/$accept",
        said("businessStatus", valueCode="bed-reserved"),
        said("note", valueString="3床"),
    )
    assert (found["status"], business_status(found)) == ("accepted", "bed-reserved")
    assert found["note"][0]["text"] == "3床"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("accept", []),
        ("reject", [said("reason", valueCode="no-bed"), said("text", valueString="无床位")]),
        ("request-info", [said("question", valueString="心电图？")]),
    ],
)
def test_E10_01_operations_by_the_wrong_actor(
    alliance: Alliance, name: str, parameters: list[Resource]
) -> None:
    alliance.at("received", "received")
    for acting in (LOWER, OUTSIDE, None):
        assert codes_of(refused(alliance, acting, f"Task/t/${name}", *parameters)) == (403, "forbidden")
    assert call(alliance, UPPER, f"Task/t/${name}", *parameters)["id"] == "t"


def test_reject_needs_reason_and_text(alliance: Alliance) -> None:
    alliance.submitted()
    assert refused(alliance, UPPER, "Task/t/$reject", said("text", valueString="x")).status == 422
    assert refused(alliance, UPPER, "Task/t/$reject", said("reason", valueCode="no-bed")).status == 422
    reason = said("reason", valueCodeableConcept=REASON)
    assert call(alliance, UPPER, "Task/t/$reject", reason)["statusReason"] == REASON


def test_arrive_is_now_when_it_says_no_time(alliance: Alliance) -> None:
    alliance.at("accepted", "accepted")
    found = call(alliance, UPPER, "Task/t/$arrive")
    assert found["executionPeriod"]["start"] == "2026-11-23T08:00:00+08:00"
    assert business_status(found) == "arrived"


def test_complete_with_feedback(alliance: Alliance) -> None:
    alliance.at("in-progress", "arrived", executionPeriod=ARRIVED)
    assert refused(alliance, UPPER, "Task/t/$complete").status == 422
    feedback = said("feedback", valueReference={"reference": "Composition/feedback"})
    found = call(alliance, UPPER, "Task/t/$complete", feedback)
    assert found["output"] == [FEEDBACK]
    assert alliance.read("ServiceRequest/sr")["status"] == "completed"


def test_complete_with_a_reason_why_there_is_none(alliance: Alliance) -> None:
    alliance.at("in-progress", "arrived", executionPeriod=ARRIVED)
    found = call(alliance, UPPER, "Task/t/$complete", said("noFeedbackReason", valueString="患者要求不回传"))
    assert found["status"] == "completed"


def test_request_info_asks_the_placer(alliance: Alliance) -> None:
    alliance.at("received", "received")
    call(alliance, UPPER, "Task/t/$request-info", said("question", valueString="心电图？"))
    (asked,) = (each["resource"] for each in alliance.read("Task?part-of=Task/t")["entry"])
    assert (asked["owner"]["reference"], asked["description"]) == (LOWER, "心电图？")
    (letter,) = (each["resource"] for each in alliance.read("Communication?part-of=Task/t")["entry"])
    assert letter["recipient"] == [{"reference": LOWER}] and letter["sender"] == {"reference": UPPER}


def test_an_operation_honours_if_match(alliance: Alliance) -> None:
    alliance.submitted()
    assert refused(alliance, UPPER, "Task/t/$accept", if_match='W/"7"').status == 412
    assert call(alliance, UPPER, "Task/t/$accept", if_match='W/"1"')["status"] == "accepted"


def test_an_operation_on_another_task_is_422(alliance: Alliance) -> None:
    alliance.load({"resourceType": "Task", "id": "t", "status": "requested", "intent": "order"})
    assert codes_of(refused(alliance, UPPER, "Task/t/$accept")) == (422, "business-rule")
    assert alliance.refused("GET", "Task/t/$available-actions").status == 422
    assert refused(alliance, UPPER, "Task/none/$accept").status == 404


# ---- $submit-referral

PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:example:mrn", "value": "9"}],
    "name": [{"text": "周某"}],
}
P, S, T, D = (f"urn:uuid:00000000-0000-4000-8000-00000000000{digit}" for digit in "1234")


def submission(**elements: Any) -> Resource:
    request = (
        service_request(None, subject={"reference": P}, priority="stat", supportingInfo=[{"reference": D}])
        | elements
    )
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "content": [{"attachment": {"title": "心电图"}}],
    }
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": T, "resource": task(None, focus={"reference": S}, **{"for": {"reference": P}})},
            {"fullUrl": S, "resource": request | elements},
            {"fullUrl": P, "resource": PATIENT},
            {"fullUrl": D, "resource": document},
        ],
    }


def value_of(found: Resource, name: str) -> Any:
    part = next(each for each in found["parameter"] if each["name"] == name)
    return next(value for key, value in part.items() if key.startswith("value"))


def submit(alliance: Alliance, bundle: Resource, acting: str | None = LOWER) -> Resource:
    found = alliance("POST", "$submit-referral", bundle, organization=acting).resource
    assert found is not None
    return found


def test_submit_answers_the_numbers(alliance: Alliance) -> None:
    found = submit(alliance, submission())
    request = alliance.read(value_of(found, "serviceRequest")["reference"])
    written = alliance.read(value_of(found, "task")["reference"])
    assert value_of(found, "placerNumber") == numbered(request, "PLAC")
    assert value_of(found, "fillerNumber") == numbered(request, "FILL") == numbered(written, "FILL")
    assert (
        value_of(found, "deadline") == "2026-11-23T08:10:00+08:00" == written["restriction"]["period"]["end"]
    )
    assert written["focus"]["reference"] == f"ServiceRequest/{request['id']}"


def test_E10_06_submit_is_idempotent_by_the_number_of_the_placer(alliance: Alliance) -> None:
    first = submit(alliance, submission())
    before = alliance.total("Task"), alliance.total("ServiceRequest"), alliance.total("Patient")
    assert submit(alliance, submission()) == first
    assert (alliance.total("Task"), alliance.total("ServiceRequest"), alliance.total("Patient")) == before


def test_E10_07_what_is_refused_leaves_nothing(alliance: Alliance) -> None:
    before = alliance.log_length()
    bad = submission(priority="routine")  # no consent, no emergency
    error = alliance.refused("POST", "$submit-referral", bad, organization=LOWER)
    assert codes_of(error) == (422, "business-rule") and "Consent" in text_of(error)
    assert alliance.log_length() == before


def test_submit_makes_the_task_from_the_request(alliance: Alliance) -> None:
    bundle = submission()
    bundle["entry"] = bundle["entry"][1:]
    found = submit(alliance, bundle)
    written = alliance.read(value_of(found, "task")["reference"])
    assert (written["owner"]["reference"], written["priority"]) == (UPPER, "stat")
    assert submit(alliance, bundle) == found


@pytest.mark.parametrize("acting", [UPPER, OUTSIDE, None])
def test_submit_is_the_placers(alliance: Alliance, acting: str | None) -> None:
    assert alliance.refused("POST", "$submit-referral", submission(), organization=acting).status == 403


@pytest.mark.parametrize(
    "body", [None, {"resourceType": "Bundle", "type": "collection"}, {"resourceType": "Patient"}]
)
def test_submit_without_a_request_is_400(alliance: Alliance, body: Any) -> None:
    assert alliance.refused("POST", "$submit-referral", body, organization=LOWER).status == 400


# ---- $refer-back, $convert-consult-to-referral, $check-capacity


def test_E10_04_refer_back_links_the_way_down_and_each_way_counts_once(alliance: Alliance) -> None:
    alliance.submitted()
    call(alliance, UPPER, "Task/t/$accept")
    call(alliance, UPPER, "Task/t/$arrive")
    doctor = said("requester", valueReference={"reference": "PractitionerRole/upper-doctor"})
    found = call(alliance, UPPER, "ServiceRequest/sr/$refer-back", doctor)
    request = alliance.read(value_of(found, "serviceRequest")["reference"])
    assert request["basedOn"] == [{"reference": "ServiceRequest/sr"}]
    assert request["performer"] == [{"reference": LOWER}]
    way_down = value_of(found, "task")["reference"]
    feedback = said("feedback", valueReference={"reference": "Composition/feedback"})
    down_referred = said("businessStatus", valueCode="down-referred")
    assert (
        business_status(call(alliance, UPPER, "Task/t/$complete", feedback, down_referred)) == "down-referred"
    )
    call(alliance, LOWER, f"{way_down}/$accept")
    call(alliance, LOWER, f"{way_down}/$arrive")
    arrived = [
        extension_code(each["resource"], DIRECTION)
        for each in alliance.read("Task?code=fulfill")["entry"]
        for reached in milestones(each["resource"])
        if reached == "arrived"
    ]
    assert sorted(map(str, arrived)) == ["down", "up"]


def test_refer_back_is_the_fillers(alliance: Alliance) -> None:
    alliance.at("in-progress", "arrived", executionPeriod=ARRIVED)
    assert refused(alliance, LOWER, "ServiceRequest/sr/$refer-back").status == 403
    alliance.at("requested", "submitted")
    assert refused(alliance, UPPER, "ServiceRequest/sr/$refer-back").status == 422


def test_a_consult_becomes_a_referral_when_the_placer_says_so(alliance: Alliance) -> None:
    alliance.load(service_request("consult", meta={"profile": [TELECONSULT_PROFILE]}))
    error = refused(alliance, UPPER, "ServiceRequest/consult/$convert-consult-to-referral")
    assert codes_of(error) == (403, "forbidden")
    found = call(
        alliance,
        LOWER,
        "ServiceRequest/consult/$convert-consult-to-referral",
        said("reason", valueString="需手术"),
    )
    request = alliance.read(value_of(found, "serviceRequest")["reference"])
    assert request["basedOn"] == [{"reference": "ServiceRequest/consult"}]
    assert request["reasonCode"] == [{"text": "需手术"}]
    assert alliance.read(value_of(found, "task")["reference"])["owner"] == {"reference": UPPER}


def test_only_a_consult_is_converted(alliance: Alliance) -> None:
    alliance.load(service_request())
    assert refused(alliance, LOWER, "ServiceRequest/sr/$convert-consult-to-referral").status == 422


def capacity(code: str, free: int) -> Resource:
    bed = {"coding": [{"system": code_system("bed-type"), "code": code}]}
    return {
        "url": extension_url("capacity"),
        "extension": [
            {"url": "type", "valueCodeableConcept": bed},
            {"url": "freeBeds", "valueUnsignedInt": free},
            {"url": "updated", "valueDateTime": "2026-11-23T08:00:00+08:00"},
        ],
    }


def service(id_: str, organization: str, *beds: Resource) -> Resource:
    return {
        "resourceType": "HealthcareService",
        "id": id_,
        "active": True,
        "providedBy": {"reference": organization},
        "extension": list(beds),
    }


def test_check_capacity(alliance: Alliance) -> None:
    alliance.load(service("a", UPPER, capacity("icu", 2), capacity("general", 5)))
    alliance.load(service("b", OUTSIDE, capacity("icu", 1)))

    def free(*parameters: Resource) -> list[int]:
        found = call(alliance, None, "ServiceRequest/$check-capacity", *parameters)
        parts = [each["part"] for each in found.get("parameter", [])]
        return sorted(
            each["valueUnsignedInt"] for part in parts for each in part if each["name"] == "freeBeds"
        )

    assert free() == [1, 2, 5]
    assert free(said("organization", valueReference={"reference": UPPER})) == [2, 5]
    assert free(said("bedType", valueCode="icu")) == [1, 2]
    assert free(said("organization", valueString=OUTSIDE), said("bedType", valueCode="general")) == []


def test_check_capacity_of_a_specialty(alliance: Alliance) -> None:
    heart = {"coding": [{"system": "urn:example:specialty", "code": "heart"}]}
    alliance.load(service("a", UPPER, capacity("icu", 2)) | {"specialty": [heart]})
    alliance.load(service("b", UPPER, capacity("icu", 3)))
    specialty = said("specialty", valueCodeableConcept=heart)
    found = call(alliance, None, "ServiceRequest/$check-capacity", specialty)
    assert [each["part"][0]["valueReference"]["reference"] for each in found["parameter"]] == [
        "HealthcareService/a"
    ]


@pytest.mark.parametrize("code", KNOWN)
def test_the_parameters_are_those_of_the_definition(code: str) -> None:
    definition = OPERATIONS[code].definition.rpartition("/")[2]
    found = json.loads((PROFILES / f"OperationDefinition-{definition}.json").read_bytes())
    assert {each["name"] for each in found["parameter"] if each["use"] == "in"} == set(KNOWN[code])
    assert found["code"] == code and found["affectsState"] == OPERATIONS[code].affects_state
    assert {level for level in ("system", "type", "instance") if found[level]} == OPERATIONS[code].levels
    assert frozenset(found.get("resource", ())) == OPERATIONS[code].resource_types


def test_an_unknown_parameter_is_400(alliance: Alliance) -> None:
    alliance.submitted()
    assert refused(alliance, UPPER, "Task/t/$accept", said("bed", valueString="3")).status == 400

"""Referrals are counted by the moments at which their tasks reached a business status."""

from typing import Any

import pytest

from fhir_server.resource import Resource
from tests.alliance.report.network import (
    COUNTY,
    HTEST,
    NETWORK,
    TOWNSHIP,
    UPPER,
    VILLAGE,
    directory,
    made,
    request,
    store,
    strata,
    task,
    total,
)
from tests.interactions.fhir import Fhir

ARRIVED = {"submitted": "2018-03-01T08:00:00+08:00", "arrived": "2018-03-02T08:00:00+08:00"}


def referred(fhir: Fhir, *tasks: Resource) -> None:
    store(fhir, *directory(), *tasks, *(request(f"sr-{each['id']}") for each in tasks))


COUNTED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # measure: a task that counts, what is changed in it so that it does not
    "R-UP": ({}, {"setting": "O"}),
    "R-UP-PATIENTS": ({}, {"direction": "horizontal"}),
    "R-UP-SUBMITTED": ({}, {"kind": "teleconsult"}),
    "R-UP-ACCEPTED": (
        {"reached": ARRIVED | {"bed-reserved": "2018-03-01T09:00:00+08:00"}},
        {"reached": ARRIVED},
    ),
    "R-UP-COMPLETED": (
        {"reached": ARRIVED | {"down-referred": "2018-03-09T09:00:00+08:00"}},
        {"reached": ARRIVED | {"died": "2018-03-09T09:00:00+08:00"}},
    ),
    "R-UP-OTHER": ({"setting": "E"}, {"setting": "I"}),
    "R-DOWN": ({"direction": "down"}, {"direction": "up"}),
    "R-DOWN-PATIENTS": ({"direction": "down"}, {"direction": "down", "status": "entered-in-error"}),
    "R-DOWN-SUBMITTED": ({"direction": "down"}, {"direction": "down", "meta": HTEST}),
    "R-DOWN-ACCEPTED": (
        {"direction": "down", "reached": ARRIVED | {"appointment-booked": "2018-12-31T23:59:59+08:00"}},
        {"direction": "down", "reached": ARRIVED | {"appointment-booked": "2019-01-01T00:00:00+08:00"}},
    ),
    "R-DOWN-COMPLETED": (
        {"direction": "down", "reached": ARRIVED | {"outcome-returned": "2018-03-09T09:00:00+08:00"}},
        {"direction": "down"},
    ),
    "R-DOWN-OTHER": ({"direction": "down", "setting": "A"}, {"direction": "down"}),
    "GRN-CASES": ({"green": "stroke"}, {}),
    "GRN-ACCEPT": (
        {"green": "stroke", "reached": ARRIVED | {"accepted": "2018-03-01T08:07:30+08:00"}},
        {"reached": ARRIVED | {"accepted": "2018-03-01T08:07:30+08:00"}},
    ),
    "GRN-BREACH": (
        {
            "green": "stroke",
            "reached": ARRIVED | {"accepted": "2018-03-01T08:11:00+08:00"},
            "restriction": {"period": {"end": "2018-03-01T08:10:00+08:00"}},
        },
        {
            "green": "stroke",
            "reached": ARRIVED | {"accepted": "2018-03-01T08:09:00+08:00"},
            "restriction": {"period": {"end": "2018-03-01T08:10:00+08:00"}},
        },
    ),
    "TEL-CASES": (
        {"kind": "teleconsult", "reached": ARRIVED | {"outcome-returned": "2018-03-09T09:00:00+08:00"}},
        {"reached": ARRIVED | {"outcome-returned": "2018-03-09T09:00:00+08:00"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("measure", COUNTED)
def test_a_task_that_counts_and_one_that_does_not(fhir: Fhir, measure: str) -> None:
    counted, changes = COUNTED[measure]
    referred(
        fhir,
        task("yes", counted.get("reached", ARRIVED), **{k: v for k, v in counted.items() if k != "reached"}),
        task("no", changes.get("reached", ARRIVED), **{k: v for k, v in changes.items() if k != "reached"}),
    )
    expected = 7.5 if measure == "GRN-ACCEPT" else 1
    assert total(fhir, measure) == expected


@pytest.mark.parametrize("elements", [{"status": "entered-in-error"}, {"meta": HTEST}])
def test_a_task_counts_as_its_request_does(fhir: Fhir, elements: Resource) -> None:
    store(fhir, *directory(), task("one", ARRIVED), request("sr-one", **elements))
    assert total(fhir, "R-UP") == total(fhir, "R-UP-SUBMITTED") == 0


def test_admitted_counts_as_arrived_when_that_was_left_out(fhir: Fhir) -> None:
    late = {"arrived": "2019-01-02T08:00:00+08:00", "admitted": "2018-12-31T08:00:00+08:00"}
    referred(fhir, task("one", {"admitted": "2018-12-31T08:00:00+08:00"}), task("two", late))
    assert total(fhir, "R-UP") == 1


def test_E10_26_the_year_begins_at_midnight_of_Shanghai(fhir: Fhir) -> None:
    times = {
        "before": "2017-12-31T15:59:59.999Z",
        "first": "2017-12-31T16:00:00Z",
        "last": "2018-12-31T23:59:59.999+08:00",
        "after": "2019-01-01T00:00:00+08:00",
    }
    referred(fhir, *(task(name, {"arrived": time}) for name, time in times.items()))
    assert [total(fhir, "R-UP", period=year) for year in ("2017", "2018", "2019")] == [1, 2, 1]


def test_E10_04_a_down_referral_that_follows_an_up_referral_counts_once_in_each(fhir: Fhir) -> None:
    up = task("up", ARRIVED | {"down-referred": "2018-03-08T08:00:00+08:00"})
    down = task(
        "down", {"arrived": "2018-03-09T08:00:00+08:00"}, direction="down", by="role-county", owner=VILLAGE
    )
    back = request("sr-down", "role-county", VILLAGE, basedOn=[{"reference": "ServiceRequest/sr-up"}])
    store(fhir, *directory(), up, down, request("sr-up"), back)
    found = made(fhir)
    assert [found.total(each).value for each in ("R-UP", "R-DOWN", "R-UP-COMPLETED")] == [1, 1, 1]


def test_persons_are_counted_once_each(fhir: Fhir) -> None:
    names = ("p", "p", "q")
    referred(fhir, *(task(f"t{n}", ARRIVED, patient=f"Patient/{each}") for n, each in enumerate(names)))
    assert total(fhir, "R-UP") == 3
    assert total(fhir, "R-UP-PATIENTS") == 2


def test_strata_of_referrals(fhir: Fhir) -> None:
    store(
        fhir,
        *directory(),
        task("t", ARRIVED, green="chest-pain"),
        request("sr-t", reasonCode=[{"text": "胸痛"}], performerType={"text": "心血管内科"},
                reasonReference=[{"reference": "Condition/c"}]),
        {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"},
         "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I21.0"}]}},
    )  # fmt: skip
    found = made(fhir, asking=COUNTY)
    assert {
        name: list(cells)
        for name in ("from-member", "to-member", "tier-pair", "month", "specialty", "icd-chapter", "setting",
                     "green-channel")
        if (cells := strata(found, "R-UP", name))
    } == {
        "from-member": [VILLAGE],
        "to-member": [COUNTY],
        "tier-pair": ["village>county"],
        "month": ["2018-03"],
        "specialty": ["心血管内科"],
        "icd-chapter": ["IX"],
        "setting": ["I"],
        "green-channel": ["chest-pain"],
    }  # fmt: skip


def test_departments_count_for_the_member_that_they_are_part_of(fhir: Fhir) -> None:
    department = {
        "resourceType": "Organization",
        "id": "cardiology",
        "name": "d",
        "partOf": {"reference": COUNTY},
    }
    referred(fhir, task("t", ARRIVED, owner="Organization/cardiology"))
    store(fhir, department)
    assert strata(made(fhir, asking=COUNTY), "R-UP", "to-member") == {COUNTY: 1}


def test_a_report_is_about_what_members_have_a_part_in(fhir: Fhir) -> None:
    referred(
        fhir,
        task("inside", ARRIVED),
        task("out", ARRIVED, owner="Organization/outside"),
        task("elsewhere", ARRIVED, by="role-outside", owner="Organization/outside"),
    )
    assert total(fhir, "R-UP") == 2
    assert total(fhir, "R-UP", of="Organization/outside") == 2
    assert total(fhir, "R-UP", of=TOWNSHIP) == 0
    assert total(fhir, "R-UP", members=(VILLAGE,)) == 2
    assert total(fhir, "R-UP", members=(TOWNSHIP, UPPER)) == 0


def test_the_lead_of_a_network_reports_on_all_of_it(fhir: Fhir) -> None:
    referred(fhir, task("t", ARRIVED, by="role-village", owner=TOWNSHIP))
    assert total(fhir, "R-UP", of=COUNTY) == 1
    assert total(fhir, "R-UP", of=UPPER) == 0
    assert made(fhir, of=NETWORK).members == made(fhir, of=COUNTY).members == 4

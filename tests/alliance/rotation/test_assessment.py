"""PractitionerRole/[id]/$assess: scores by what was done, and by what was answered."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fhir_server.alliance.assessment import CODES, QUESTIONNAIRE, measure
from fhir_server.alliance.operations import OPERATIONS
from fhir_server.alliance.systems import extension_url
from fhir_server.resource import Resource
from tests.alliance.report.network import HTEST, TOWNSHIP, activity, extension, ref, rotation
from tests.interactions.fhir import Fhir, codes, content, put
from tests.profiles.package import FOLDER

# the clock of the tests says 2026-11-23
ROLE = rotation("r", "wang", start="2026-03-01", end="2026-08-31")
PLANNED = {"extension": [*ROLE["extension"], extension("planned-sessions", valueUnsignedInt=4)]}


def session(number: int, status: str = "fulfilled", month: int = 4) -> Resource:
    start = f"2026-{month:02}-{number + 1:02}T09:00:00+08:00"
    return activity(f"a{number}", "outpatient", ["r"], start, status=status, served=5)


def answer(id_: str, authored: str = "2026-05-01", **scores: float | None) -> Resource:
    items = [
        {"linkId": name, "answer": [{"valueInteger": score}]}
        for name, score in scores.items()
        if score is not None
    ]
    return {
        "resourceType": "QuestionnaireResponse", "id": id_, "questionnaire": f"{QUESTIONNAIRE}|0.1.0",
        "status": "completed", "subject": ref("PractitionerRole/r"), "authored": authored, "item": items,
    }  # fmt: skip


@pytest.fixture
def assessed(fhir: Fhir) -> Fhir:
    fhir.context = replace(fhir.context, operations=OPERATIONS)
    return fhir


def scores(fhir: Fhir, *resources: Resource, query: str = "") -> dict[str, Any]:
    fhir.transaction(*map(put, resources))
    return scored(content(fhir("GET", f"PractitionerRole/r/$assess{query}")))


def scored(report: Resource) -> dict[str, Any]:
    return {
        each["code"]["coding"][0]["code"]: float(each["measureScore"]["value"]) for each in report["group"]
    }


def test_attendance_is_of_those_that_were_missed_too(assessed: Fhir) -> None:
    held = [session(1), session(2), session(3, "noshow"), session(4, "cancelled"), session(5, "booked")]
    found = scores(assessed, ROLE, *held)
    assert found == {"attendance": 66.7, "total": 66.7}


def test_workload_is_of_what_was_planned(assessed: Fhir) -> None:
    found = scores(assessed, ROLE | PLANNED, *map(session, range(1, 4)))
    assert found == {"attendance": 100, "workload": 75, "total": 87.5}


def test_more_than_was_planned_is_all_of_it(assessed: Fhir) -> None:
    assert scores(assessed, ROLE | PLANNED, *map(session, range(1, 7)))["workload"] == 100


def test_answers_are_averaged_and_the_total_is_the_mean_of_the_scores(assessed: Fhir) -> None:
    found = scores(
        assessed,
        ROLE,
        session(1),
        answer("q1", teaching=80, quality=90),
        answer("q2", teaching=90, quality=90),
    )
    assert found == {"attendance": 100, "teaching": 85, "quality": 90, "total": 91.7}
    assert list(found) == [code for code in CODES if code in found]


LEFT_OUT: dict[str, Resource] = {
    "another questionnaire": answer("q", teaching=10) | {"questionnaire": "http://example.org/q"},
    "in progress": answer("q", teaching=10) | {"status": "in-progress"},
    "of another rotation": answer("q", teaching=10) | {"subject": ref("PractitionerRole/other")},
    "after the rotation": answer("q", "2026-09-01", teaching=10),
    "test data": answer("q", teaching=10) | {"meta": HTEST},
    "no score": answer("q", teaching=101),
    "no item of the scores": answer("q", handwriting=10),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_not_counted(assessed: Fhir, name: str) -> None:
    assert scores(assessed, ROLE, session(1), LEFT_OUT[name]) == {"attendance": 100, "total": 100}


def test_the_time_may_be_given(assessed: Fhir) -> None:
    found = scores(assessed, ROLE, session(1, "noshow", 4), session(2, month=5), query="?period=2026-05")
    assert found["attendance"] == 100
    assert codes(assessed.refused("GET", "PractitionerRole/r/$assess?start=2026-05-01")) == (400, "required")


def test_the_report_names_what_it_is_made_of_and_can_be_kept(assessed: Fhir) -> None:
    scores(assessed, ROLE | PLANNED, session(1), answer("q", quality=92))
    report = content(assessed("GET", "PractitionerRole/r/$assess"))
    assert report["subject"] == ref("PractitionerRole/r")
    assert report["reporter"] == ref(TOWNSHIP)
    assert report["period"] == {"start": "2026-03-01", "end": "2026-08-31"}
    assert report["meta"]["profile"] == [extension_url("assessment-measure-report")]
    assert {each["reference"] for each in report["evaluatedResource"]} == {
        "Appointment/a1", "QuestionnaireResponse/q",
    }  # fmt: skip
    kept = assessed("POST", "MeasureReport", report)
    assert kept.status == 201


def test_a_rotation_that_goes_on_is_assessed_until_now(assessed: Fhir) -> None:
    scores(assessed, rotation("r", "wang", start="2026-03-01"), session(1))
    report = content(assessed("GET", "PractitionerRole/r/$assess"))
    assert report["period"]["end"].startswith("2026-11-23T08:")


@pytest.mark.parametrize(
    ("role", "answered"),
    [
        (ROLE, (422, "business-rule")),  # nothing was done
        ({"resourceType": "PractitionerRole", "id": "r"}, (422, "business-rule")),
        ({"resourceType": "PractitionerRole", "id": "other"}, (404, "not-found")),
    ],
)
def test_what_cannot_be_assessed(assessed: Fhir, role: Resource, answered: tuple[int, str]) -> None:
    assessed.transaction(put(role))
    assert codes(assessed.refused("GET", "PractitionerRole/r/$assess")) == answered


def test_the_questionnaire_asks_for_scores_of_the_code_system() -> None:
    questionnaire = json.loads((FOLDER / "Questionnaire-rotation-assessment.json").read_bytes())
    assert questionnaire["url"] == QUESTIONNAIRE
    system = json.loads((FOLDER / "CodeSystem-assessment.json").read_bytes())
    assert {each["code"] for each in system["concept"]} == CODES.keys()
    asked = {each["linkId"] for each in questionnaire["item"]}
    assert asked == {"teaching", "quality", "satisfaction"} <= CODES.keys()
    assert {each["code"]["coding"][0]["code"] for each in measure()["group"]} == CODES.keys()

"""PractitionerRole/[id]/$assess: the quantitative assessment (量化考核) of a rotation, from 0 to 100.

https://hl7.org/fhir/R4/measurereport.html, https://hl7.org/fhir/R4/questionnaireresponse.html

What was done is counted from activities; what those think who saw it is asked by a Questionnaire.
"""

from collections.abc import Iterator
from statistics import mean
from typing import Any

from fhir_server.alliance import systems
from fhir_server.alliance.elements import end_moment, first_moment, target, value
from fhir_server.alliance.report.definitions import DATE, PUBLISHER, VERSION
from fhir_server.alliance.report.period import ReportPeriod, instant, read_period
from fhir_server.alliance.report.sources import Sources
from fhir_server.alliance.rotation import is_activity, is_rotation
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import arguments
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import business_rule
from fhir_server.resource import Resource, decode

CODES: dict[str, tuple[str, str]] = {
    "attendance": (
        "出勤",
        "fulfilled activities of those that were fulfilled or missed (`noshow`), in percent",
    ),
    "workload": ("工作量", "fulfilled activities of `planned-sessions`, in percent, at most 100"),
    "teaching": ("带教", "mean of the answers to `teaching`"),
    "quality": ("质量", "mean of the answers to `quality`"),
    "satisfaction": ("满意度", "mean of the answers to `satisfaction`"),
    "total": ("总分", "mean of the scores that there are"),
}
"""Codes of the code system `assessment`: what they are called, and how they are scored."""

MEASURE = f"{systems.BASE}/Measure/rotation-assessment"
QUESTIONNAIRE = f"{systems.BASE}/Questionnaire/rotation-assessment"
_PROFILE = systems.extension_url("assessment-measure-report")
_PARAMETERS = ("start", "end", "period")


async def assess(context: Context, request: Request) -> Response:
    """A MeasureReport, which is not kept; raises 422 for what is no rotation, or has no score yet."""
    assert request.id is not None
    given = arguments(request, _PARAMETERS)
    name = f"PractitionerRole/{request.id}"
    role = decode(existing(await context.store.read("PractitionerRole", request.id), name).body)
    if not is_rotation(role):
        raise business_rule(
            f"{name} is no rotation: it has no code of rotation-mode", "PractitionerRole.code"
        )
    asked = [given.text("start"), given.text("end"), given.value("period")]
    period = read_period(*asked) if any(asked) else _own_period(role, context.clock() * 1000)
    sources = Sources(context, request.base_url)
    activities = await _activities(sources, name, period)
    answers = await _answers(sources, name, period)
    scores = dict(_scores(role, activities, answers))
    if not scores:
        raise business_rule(f"{name} has no activity and no answer in that time to be assessed by")
    made = _report(role, period, scores, [*activities, *answers], context.clock() * 1000)
    return Response(200, resource=made)


def _own_period(role: Resource, now: int) -> ReportPeriod:
    """That of the rotation, as far as it is over."""
    found = role.get("period", {})
    start = first_moment(found.get("start")) or 0
    end = end_moment(found.get("end"))
    return ReportPeriod(start, max(start + 1, now if end is None else min(end, now)))


async def _activities(sources: Sources, name: str, period: ReportPeriod) -> list[Resource]:
    found = await sources.walk("Appointment", [("actor", name), ("status", "fulfilled,noshow")])
    return [each for each in found if is_activity(each) and period.has(first_moment(each.get("start")))]


async def _answers(sources: Sources, name: str, period: ReportPeriod) -> list[Resource]:
    found = await sources.walk("QuestionnaireResponse", [("subject", name), ("status", "completed,amended")])
    return [
        each
        for each in found
        if str(each.get("questionnaire", "")).partition("|")[0] == QUESTIONNAIRE
        and period.has(first_moment(each.get("authored")))
    ]


def _scores(
    role: Resource, activities: list[Resource], answers: list[Resource]
) -> Iterator[tuple[str, float]]:
    """In the order of `CODES`; what nothing is known of is left out."""
    found: dict[str, list[float]] = {}
    for each in answers:
        for code, score in _answered(each.get("item", ())):
            found.setdefault(code, []).append(score)
    fulfilled = sum(each["status"] == "fulfilled" for each in activities)
    if activities:
        found["attendance"] = [100 * fulfilled / len(activities)]
    planned = value(role, "planned-sessions")
    if isinstance(planned, int) and planned > 0:
        found["workload"] = [min(100.0, 100 * fulfilled / planned)]
    scores = {code: round(mean(found[code]), 1) for code in CODES if code in found and code != "total"}
    yield from scores.items()
    if scores:
        yield "total", round(mean(scores.values()), 1)


def _answered(items: Any) -> Iterator[tuple[str, float]]:
    """Scores by `linkId`, those of groups too; what is not from 0 to 100 is none."""
    for item in items:
        for answer in item.get("answer", ()):
            number = answer.get("valueDecimal", answer.get("valueInteger"))
            if number is not None and 0 <= number <= 100 and item.get("linkId") in CODES:
                yield item["linkId"], float(number)
        yield from _answered(item.get("item", ()))


def _report(
    role: Resource, period: ReportPeriod, scores: dict[str, float], of: list[Resource], now: int
) -> Resource:
    organization = target(role.get("organization"))
    reporter = {"reporter": {"reference": organization}} if organization else {}
    return {
        "resourceType": "MeasureReport",
        "meta": {"profile": [_PROFILE]},
        "language": "zh-CN",
        "status": "complete",
        "type": "individual",
        "measure": MEASURE,
        "subject": {"reference": f"PractitionerRole/{role['id']}"},
        "date": instant(now),
        **reporter,
        "period": period.as_fhir(),
        "group": [
            {"code": concept(code), "measureScore": {"value": score}} for code, score in scores.items()
        ],
        "evaluatedResource": [{"reference": f"{each['resourceType']}/{each['id']}"} for each in of],
    }


def concept(code: str) -> Resource:
    return {
        "coding": [{"system": systems.code_system("assessment"), "code": code, "display": CODES[code][0]}]
    }


def measure() -> Resource:
    """How the scores are made, as a Measure; it stands in `profiles/`."""
    population = {"system": "http://terminology.hl7.org/CodeSystem/measure-population"}
    return {
        "resourceType": "Measure",
        "id": "rotation-assessment",
        "language": "zh-CN",
        "url": MEASURE,
        "version": VERSION,
        "name": "RotationAssessment",
        "title": "派驻量化考核 / Assessment of a rotation",
        "status": "active",
        "experimental": False,
        "subjectCodeableConcept": {
            "coding": [{"system": "http://hl7.org/fhir/resource-types", "code": "PractitionerRole"}]
        },
        "date": DATE,
        "publisher": PUBLISHER,
        "description": "Scores (0 to 100) of a rotation: what was done, and what those think who saw it.",
        "scoring": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/measure-scoring",
                    "code": "continuous-variable",
                }
            ]
        },
        "group": [
            {
                "code": concept(code),
                "description": rule,
                "population": [
                    {
                        "code": {"coding": [population | {"code": "measure-population"}]},
                        "criteria": {"language": "text/plain", "expression": rule},
                    }
                ],
            }
            for code, (_, rule) in CODES.items()
        ],
    }

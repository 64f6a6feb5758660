"""How an expert who was posted is judged where he was: scores of one posting.

https://hl7.org/fhir/R4/measurereport.html
"""

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from fhir.resources.R4B.measurereport import MeasureReport, MeasureReportGroup
from fhir.resources.R4B.quantity import Quantity

from fhir_server.alliance import systems
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import at, local, meta, period, reference
from fhir_server.alliance.sample.rotations import Rotation
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

SCORES = {
    "attendance": "出勤",
    "workload": "工作量",
    "teaching": "带教",
    "quality": "质量",
    "satisfaction": "满意度",
}


def assessment(world: World, number: int, posted: Rotation, on: date, chance: Random) -> Resource:
    """Each of the scores of 100, and their mean as the total."""
    scores = {name: chance.randrange(78, 101) for name in SCORES}
    groups = [_group(name, SCORES[name], score) for name, score in scores.items()]
    groups.append(_group("total", "总分", sum(scores.values()) // len(scores)))
    judged: Any = at(on, 17)
    return plain(
        MeasureReport(
            id=world.id("assessment", f"{number:03}"),
            meta=meta("assessment-measure-report"),
            status="complete",
            type="individual",
            measure=f"{systems.BASE}/Measure/rotation-assessment",
            subject=reference(posted.role),
            date=judged,
            reporter=reference(posted.host.organization),
            period=period(posted.posting.start, on),
            group=groups,
        )
    )


def _group(code: str, display: str, score: int) -> MeasureReportGroup:
    return MeasureReportGroup(
        code=local("assessment", code, display), measureScore=Quantity(value=Decimal(score))
    )

"""The measures as Measure resources: what a reader of a report looks their definitions up in.

https://hl7.org/fhir/R4/measure.html. `python -m fhir_server.alliance.report` writes them to `profiles/`.
"""

from fhir_server.alliance import systems
from fhir_server.alliance.report.measure import EVERYWHERE, STRATIFIERS, Measure
from fhir_server.alliance.report.table import MEASURES
from fhir_server.resource import Resource

_SCORING = "http://terminology.hl7.org/CodeSystem/measure-scoring"
_POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
DATE = "2026-11-28"
VERSION = "0.1.0"
PUBLISHER = "医联体 FHIR 服务器项目 / Hospital alliance FHIR server"
WORDS = {
    "count": "number of {}",
    "sum": "sum of {}",
    "distinct": "number of {}",
    "median": "median of {}",
}


def canonical(measure: Measure) -> str:
    return f"{systems.BASE}/Measure/{measure.id.lower()}"


def population(measure: Measure) -> Resource:
    """The code of the one population that a report counts."""
    code = "measure-population" if measure.statistic == "median" else "initial-population"
    return {"coding": [{"system": _POPULATION, "code": code}]}


def definition(measure: Measure) -> Resource:
    summed = WORDS[measure.statistic].format(measure.sums)
    text = f"{measure.resource}: {measure.criterion}. Counted: {summed}; unit {measure.unit}."
    return {
        "resourceType": "Measure",
        "id": measure.id.lower(),
        "language": "zh-CN",
        "url": canonical(measure),
        "version": VERSION,
        "name": "".join(part.capitalize() for part in measure.id.split("-")),
        "title": f"{measure.chinese} / {measure.english}",
        "status": "active",
        "experimental": False,
        "date": DATE,
        "publisher": PUBLISHER,
        "description": text,
        "subjectCodeableConcept": {
            "coding": [{"system": "http://hl7.org/fhir/resource-types", "code": measure.resource}]
        },
        "scoring": {
            "coding": [
                {
                    "system": _SCORING,
                    "code": "continuous-variable" if measure.statistic == "median" else "cohort",
                }
            ]
        },
        "group": [
            {
                "code": {"text": measure.chinese},
                "population": [
                    {
                        "code": population(measure),
                        "description": summed,
                        "criteria": {"language": "text/plain", "expression": measure.criterion},
                    }
                ],
                "stratifier": [
                    {
                        "code": {"text": code},
                        "description": "{} / {}".format(*STRATIFIERS[code]),
                        "criteria": {"language": "text/plain", "expression": code},
                    }
                    for code in (*EVERYWHERE, *measure.stratifiers)
                ],
            }
        ],
    }


def definitions() -> list[Resource]:
    return [definition(each) for each in MEASURES.values()]


def table() -> str:
    """The table of measures in Markdown."""
    rows = [
        "| measure | 指标 | meaning | unit | counts | when | what is added up |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in MEASURES.values():
        counted = WORDS[each.statistic].format(each.sums)
        rows.append(
            f"| `{each.id}` | {each.chinese} | {each.english} | {each.unit} | `{each.resource}` "
            f"| {each.criterion} | {counted} |"
        )
    return "\n".join(rows) + "\n"

"""The report as a document: a Composition with a section a chapter, and a MeasureReport a measure.

https://hl7.org/fhir/R4/documents.html, https://hl7.org/fhir/R4/measurereport.html

The organization is `reporter` of a MeasureReport: R4 does not let it be the subject.
"""

from html import escape
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhir_server.alliance.report.definitions import VERSION, canonical, population
from fhir_server.alliance.report.figures import TIERS, Cell, Figure
from fhir_server.alliance.report.measure import NONE, STRATIFIERS, Measure
from fhir_server.alliance.report.period import instant
from fhir_server.alliance.report.report import Report
from fhir_server.alliance.report.table import Chapter
from fhir_server.alliance.systems import code_system
from fhir_server.resource import Resource

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_UCUM = "http://unitsofmeasure.org"
_SYSTEMS = {
    "month": "urn:iso:std:iso:8601",
    "icd-chapter": "http://hl7.org/fhir/sid/icd-10",
    "setting": code_system("care-setting"),
    "green-channel": code_system("green-channel-type"),
    "tier": code_system("organization-tier"),
    "governance": code_system("governance-tier"),
    "activity": code_system("rotation-activity"),
}
"""Where the codes of strata come from; the others are told by their text."""


def document(report: Report, base_url: str) -> Resource:
    """A Bundle of type document."""
    return _Document(report, base_url).bundle()


def title(report: Report) -> str:
    return f"{report.name}医联体工作报告"


def shown(measure: Measure, cell: Cell) -> str:
    """A number for people; `*` for one that is hidden."""
    if cell.hidden:
        return "*"
    if measure.statistic == "median":
        return f"{cell.value:g}" if cell.cases else "–"
    return f"{cell.value:,.0f}"


class _Document:
    def __init__(self, report: Report, base_url: str) -> None:
        self._report = report
        self._base = base_url
        self._date = instant(report.made_ms * 1000)
        self._period = report.period.as_fhir()
        self._name = f"{base_url}/{report.organization}/$work-report?{report.period}"

    def bundle(self) -> Resource:
        organization = self._report.labels.directory.resource(self._report.organization)
        entries = [
            self._entry("Composition", self._composition()),
            *(self._entry(each.measure.id, self._measure_report(each)) for each in self._report.figures),
        ]
        if organization is not None:
            url = f"{self._base}/{self._report.organization}"
            entries.insert(1, {"fullUrl": url, "resource": organization})
        return {
            "resourceType": "Bundle",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": self._url(self._date)},
            "type": "document",
            "timestamp": self._date,
            "entry": entries,
        }

    def _url(self, name: str) -> str:
        return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{self._name}#{name}')}"

    def _entry(self, name: str, resource: Resource) -> Resource:
        url = self._url(name)
        return {"fullUrl": url, "resource": resource | {"id": url.removeprefix("urn:uuid:")}}

    def _organization(self) -> Resource:
        return {"reference": f"{self._base}/{self._report.organization}", "display": self._report.name}

    def _composition(self) -> Resource:
        return {
            "resourceType": "Composition",
            "language": "zh-CN",
            "status": "final",
            "type": {"text": "医联体工作报告"},
            "subject": self._organization(),
            "date": self._date,
            "author": [self._organization()],
            "title": title(self._report),
            "event": [{"period": self._period}],
            "section": [self._section(*each) for each in self._report.chapters],
        }

    def _section(self, chapter: Chapter, figures: tuple[Figure, ...]) -> Resource:
        rows = "".join(
            f"<tr><td>{escape(each.measure.chinese)}</td>"
            f"<td>{escape(shown(each.measure, each.total))}</td><td>{each.measure.unit}</td></tr>"
            for each in figures
        )
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><table>{rows}</table></div>'
        return {
            "title": f"{chapter.chinese} / {chapter.english}",
            "text": {"status": "generated", "div": div},
            "entry": [{"reference": self._url(each.measure.id)} for each in figures],
        }

    def _measure_report(self, figure: Figure) -> Resource:
        group: dict[str, Any] = self._population(figure.measure, figure.total)
        stratifiers = [
            {
                "id": stratifier,
                "code": [{"text": STRATIFIERS[stratifier][0]}],
                "stratum": [
                    {"value": self._stratum(stratifier, stratum)} | self._population(figure.measure, cell)
                    for stratum, cell in cells.items()
                ],
            }
            for stratifier, cells in figure.strata.items()
            if cells
        ]
        if stratifiers:
            group["stratifier"] = stratifiers
        return {
            "resourceType": "MeasureReport",
            "status": "complete",
            "type": "summary",
            "measure": f"{canonical(figure.measure)}|{VERSION}",
            "date": self._date,
            "reporter": self._organization(),
            "period": self._period,
            "group": [{"code": {"text": figure.measure.chinese}} | group],
        }

    def _population(self, measure: Measure, cell: Cell) -> dict[str, Any]:
        """The count of a group or a stratum, and its score where the measure has one."""
        counted: dict[str, Any] = {"code": population(measure)}
        if cell.hidden:
            counted["_count"] = _MASKED
        else:
            counted["count"] = cell.cases if measure.statistic == "median" else int(cell.value)
        found: dict[str, Any] = {"population": [counted]}
        if measure.statistic == "median" and cell.cases and not cell.hidden:
            found["measureScore"] = {
                "value": cell.value, "unit": measure.unit, "system": _UCUM, "code": "min",
            }  # fmt: skip
        return found

    def _stratum(self, stratifier: str, stratum: str) -> Resource:
        text = self._report.labels.of(stratifier, stratum)
        if stratum == NONE:
            return {"text": text}
        if stratifier in ("from-member", "to-member"):
            id_ = stratum.partition("/")[2]
            return {"coding": [{"system": f"{self._base}/Organization", "code": id_}], "text": text}
        if stratifier == "tier-pair":
            system = code_system("organization-tier")
            codings = [{"system": system, "code": each} for each in stratum.split(TIERS) if each != NONE]
            return {"coding": codings, "text": text} if codings else {"text": text}
        if stratifier not in _SYSTEMS:
            return {"text": text}
        return {"coding": [{"system": _SYSTEMS[stratifier], "code": stratum}], "text": text}


_MASKED = {"extension": [{"url": _ABSENT, "valueCode": "masked"}]}

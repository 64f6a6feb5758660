"""A work report: reads what the measures count, counts it, and knows the words for it."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fhir_server.alliance.report.directory import Directory, Scope, directory
from fhir_server.alliance.report.figures import TIERS, Cell, Figure, figure
from fhir_server.alliance.report.icd import TITLES
from fhir_server.alliance.report.measure import NONE, Measure
from fhir_server.alliance.report.period import ReportPeriod
from fhir_server.alliance.report.sources import Sources
from fhir_server.alliance.report.table import CHAPTERS, Chapter, Reading, events_of
from fhir_server.alliance.systems import code_system
from fhir_server.interactions.context import Context
from fhir_server.outcome import business_rule
from fhir_server.terminology.terminology import Terminology

_SYSTEMS = {
    "setting": "care-setting",
    "green-channel": "green-channel-type",
    "tier": "organization-tier",
    "governance": "governance-tier",
    "activity": "rotation-activity",
    "surgical-level": "surgical-level",
}
_MODES = ("cooperation-mode", "rotation-mode")
_UNKNOWN = "未标明"
_MOST_CODES = 500  # of one code system


@dataclass(frozen=True, slots=True)
class Labels:
    """What people call the strata."""

    directory: Directory
    displays: Mapping[str, Mapping[str, str]]  # by short name of the code system

    def of(self, stratifier: str, stratum: str) -> str:
        if stratum == NONE:
            return _UNKNOWN
        match stratifier:
            case "from-member" | "to-member":
                return self.directory.name(stratum)
            case "tier-pair":
                return " → ".join(self.tier(each) for each in stratum.split(TIERS))
            case "icd-chapter":
                return f"{stratum} {TITLES[stratum]}"
            case "mode":
                found = (self.displays[each].get(stratum) for each in _MODES)
                return next((each for each in found if each), stratum)
            case _:
                return self.displays.get(_SYSTEMS.get(stratifier, ""), {}).get(stratum, stratum)

    def tier(self, code: str) -> str:
        if code in (NONE, "unknown"):
            return _UNKNOWN
        return self.displays["organization-tier"].get(code, code)


@dataclass(frozen=True, slots=True)
class Report:
    organization: str  # `Organization/1`
    name: str
    period: ReportPeriod
    made_ms: int
    members: int
    labels: Labels
    chapters: tuple[tuple[Chapter, tuple[Figure, ...]], ...]

    @property
    def figures(self) -> Iterable[Figure]:
        return (figure for _, figures in self.chapters for figure in figures)

    def total(self, id_: str) -> Cell:
        """Of the measure `id_`."""
        return next(each.total for each in self.figures if each.measure.id == id_)


@dataclass(frozen=True, slots=True)
class Wanted:
    organization: str  # `Organization/1`
    period: ReportPeriod
    members: tuple[str, ...] = ()  # (): all
    asking: str | None = None  # the organization that small numbers of its own are shown to; None: nobody's


async def report(context: Context, wanted: Wanted, base_url: str) -> Report:
    """Raises 422 for a department. Counting is done in a thread: other requests go on."""
    sources = Sources(context, base_url)
    known = await directory(sources)
    institution = known.home(wanted.organization)
    if institution != wanted.organization:
        raise business_rule(f"{wanted.organization} is a department of {institution}: that has a report")
    scope = known.scope(wanted.organization, wanted.period)
    if wanted.members:
        scope = scope.only(wanted.members)
    reading = Reading(sources, known, scope, wanted.period)
    records = {
        subject.read: await subject.read(reading) for chapter in CHAPTERS for subject in chapter.subjects
    }
    labels = Labels(known, await _displays(context.terminology))
    asking = known.home(wanted.asking)

    def tier(member: str | None) -> str:
        return NONE if member is None else known.tier(member)

    def counted(measure: Measure, found: list[object]) -> Figure:
        return figure(measure, events_of(measure, found, scope, wanted.period), tier, asking)

    def chapters() -> tuple[tuple[Chapter, tuple[Figure, ...]], ...]:
        return tuple(
            (
                chapter,
                tuple(
                    counted(measure, records[subject.read])
                    for subject in chapter.subjects
                    for measure in subject.measures
                ),
            )
            for chapter in CHAPTERS
        )

    return Report(
        wanted.organization,
        known.name(wanted.organization),
        wanted.period,
        context.clock(),
        _members(known, scope, wanted),
        labels,
        await asyncio.to_thread(chapters),
    )


def _members(known: Directory, scope: Scope, wanted: Wanted) -> int:
    """How many; a network is none of its own."""
    networks = {each.network for each in known.memberships}
    return len(scope.members - (networks & {wanted.organization}))


async def _displays(terminology: Terminology) -> dict[str, dict[str, str]]:
    """Of the alliance's own code systems; without them there are codes."""
    snapshot = await terminology.snapshot()
    found: dict[str, dict[str, str]] = {}
    for name in (*_SYSTEMS.values(), *_MODES):
        system = await snapshot.code_system(code_system(name))
        page = await (await system.select(())).page((), -1, _MOST_CODES) if system is not None else []
        found[name] = {each.code: each.display or each.code for _, each in page}
    return found

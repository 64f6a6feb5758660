"""What members came to be able to do, members themselves, and groups: new techniques, surgery, affiliations.

https://hl7.org/fhir/R4/healthcareservice.html, https://hl7.org/fhir/R4/procedure.html,
https://hl7.org/fhir/R4/organizationaffiliation.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from fhir_server.alliance.elements import code, codes, first_moment, value
from fhir_server.alliance.report.directory import Directory, Scope, specialty
from fhir_server.alliance.report.measure import NONE, Event, Measure
from fhir_server.alliance.report.period import ReportPeriod, day, instant
from fhir_server.alliance.report.sources import Sources
from fhir_server.resource import Resource

_SURGERY = ("3", "4")


@dataclass(frozen=True, slots=True)
class Technique:
    since: int
    destination: str | None  # who offers it
    specialty: str


@dataclass(frozen=True, slots=True)
class Surgery:
    at: int
    level: str
    surgeon: str | None
    origin: str | None
    destination: str | None


@dataclass(frozen=True, slots=True)
class Affiliation:
    """One that holds at the end of the period."""

    member: str
    tier: str
    modes: tuple[str, ...]
    governance: str


@dataclass(frozen=True, slots=True)
class Size:
    """A number that an organization says of itself, or the size of a group."""

    name: str  # "bed-count", "catchment-population", "group"
    number: int
    member: str | None


async def techniques(sources: Sources, directory: Directory, period: ReportPeriod) -> list[Technique]:
    found = [
        (first_moment(value(each, "new-technology")), each)
        for each in await sources.walk("HealthcareService")
    ]
    return [
        Technique(since, directory.of(each.get("providedBy")), specialty(each) or NONE)
        for since, each in found
        if since is not None and period.has(since)
    ]


async def surgeries(sources: Sources, directory: Directory, period: ReportPeriod) -> list[Surgery]:
    found = await sources.walk(
        "Procedure",
        [
            ("status", "completed"),
            ("date", f"ge{day(period.start)}"),
            ("date", f"lt{instant(period.end)}"),
        ],
    )
    levelled = [each for each in found if code(value(each, "surgical-level")) in _SURGERY]
    await sources.load(name for each in levelled for name in _actors(sources, each))
    made = [one for each in levelled for one in _surgeries(sources, directory, each)]
    return [each for each in made if period.has(each.at)]


def _actors(sources: Sources, procedure: Resource) -> Iterator[str | None]:
    yield sources.target(procedure.get("location"))
    for performer in procedure.get("performer", ()):
        yield sources.target(performer.get("actor"))
        yield sources.target(performer.get("onBehalfOf"))


def _surgeries(sources: Sources, directory: Directory, procedure: Resource) -> Iterator[Surgery]:
    """One for each performer."""
    start = procedure.get("performedPeriod", {}).get("start")
    at = first_moment(procedure.get("performedDateTime") or start)
    if at is None:
        return
    level = code(value(procedure, "surgical-level")) or NONE
    place = directory.of(procedure.get("location"))
    for performer in procedure.get("performer", ()):
        actor = performer.get("actor")
        role = sources.resource(actor) or {}
        surgeon = sources.target(role.get("practitioner")) or sources.target(actor)
        origin = directory.of(performer.get("onBehalfOf")) or directory.of(actor)
        yield Surgery(at, level, surgeon, origin, place or origin)


def affiliations(directory: Directory, scope: Scope, period: ReportPeriod) -> list[Affiliation]:
    last = ReportPeriod(period.end - 1, period.end)
    return [
        Affiliation(
            each.member,
            directory.tier(each.member),
            tuple(sorted(codes(each.resource.get("code", ()), "cooperation-mode"))) or (NONE,),
            next(codes(each.resource.get("code", ()), "governance-tier"), NONE),
        )
        for each in scope.memberships
        if each.member and each.resource.get("active") is not False and each.during(last)
    ]


async def sizes(sources: Sources, directory: Directory, scope: Scope) -> list[Size]:
    found = []
    for member in sorted(scope.members):
        organization = directory.resource(member) or {}
        for name in ("bed-count", "catchment-population"):
            if isinstance(number := value(organization, name), int):
                found.append(Size(name, number, member))
    for group in await sources.walk("Group", [("type", "practitioner"), ("actual", "true")]):
        if group.get("active") is not False:
            number = group.get("quantity", sum(not each.get("inactive") for each in group.get("member", ())))
            found.append(Size("group", number, directory.of(group.get("managingEntity"))))
    return found


# ---- what is counted


def _techniques(techniques: list[Technique], _: ReportPeriod) -> Iterator[Event]:
    for each in techniques:
        yield Event(each.since, None, each.destination, strata={"specialty": each.specialty})


def _surgeons(surgeries: list[Surgery], _: ReportPeriod, level: str) -> Iterator[Event]:
    for each in surgeries:
        if each.level == level and each.surgeon:
            yield Event(each.at, each.origin, each.destination, 1, each.surgeon)


def _affiliated(affiliations: list[Affiliation], period: ReportPeriod) -> Iterator[Event]:
    for each in affiliations:
        for mode in each.modes:
            strata = {"mode": mode, "tier": each.tier, "governance": each.governance}
            yield Event(period.end - 1, each.member, None, 1, each.member, strata)


def _sizes(sizes: list[Size], period: ReportPeriod, name: str) -> Iterator[Event]:
    for each in sizes:
        if each.name == name:
            yield Event(period.end - 1, each.member, None, each.number)


def _surgeon(level: str, word: str) -> Measure:
    return Measure(
        f"CAP-SURGEON-{level}", f"开展{word}类手术医师", f"surgeons of level {level}", "名", "Procedure",
        f"status `completed`; performed in the period; surgical-level `{level}`", "distinct performers",
        partial(_surgeons, level=level), "distinct",
    )  # fmt: skip


TECHNIQUE_MEASURES = (
    Measure(
        "CAP-NEWTECH", "新诊疗项目", "new techniques", "项", "HealthcareService",
        "new-technology in the period", "services", _techniques, stratifiers=("specialty",),
    ),
)  # fmt: skip
SURGERY_MEASURES = (_surgeon("3", "三"), _surgeon("4", "四"))
AFFILIATION_MEASURES = (
    Measure(
        "MEM-BY-MODE", "成员单位", "members", "家", "OrganizationAffiliation",
        "active and in force at the end of the period", "distinct participating organizations", _affiliated,
        "distinct", ("mode", "tier", "governance"),
    ),
)  # fmt: skip
SIZE_MEASURES = (
    Measure(
        "GRP-SIZE", "专业交流群成员", "members of groups of practitioners", "人", "Group",
        "type `practitioner`, actual, active; managed by a member", "quantity, else members that are active",
        partial(_sizes, name="group"), "sum",
    ),
    Measure(
        "STA-BEDS", "编制床位", "beds", "张", "Organization", "member in the period", "bed-count",
        partial(_sizes, name="bed-count"), "sum",
    ),
    Measure(
        "STA-POPULATION", "服务人口", "population served", "人", "Organization", "member in the period",
        "catchment-population", partial(_sizes, name="catchment-population"), "sum",
    ),
)  # fmt: skip

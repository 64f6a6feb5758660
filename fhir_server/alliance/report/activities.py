"""What experts did where they were posted, and what was taught: activities, and the postings themselves.

https://hl7.org/fhir/R4/appointment.html, https://hl7.org/fhir/R4/practitionerrole.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fhir_server.alliance import systems
from fhir_server.alliance.elements import SHANGHAI, codes, end_moment, first_moment, value
from fhir_server.alliance.report.directory import Directory, specialty
from fhir_server.alliance.report.measure import NONE, Event, Measure
from fhir_server.alliance.report.period import ReportPeriod, instant
from fhir_server.alliance.report.sources import Sources
from fhir_server.resource import Resource

OUTBOUND = frozenset(("outbound-training", "residency"))
"""Codes of rotation-mode by which somebody is sent away to learn; by the others an expert is sent to help."""
_SESSIONS = frozenset(("outpatient", "free-clinic", "circuit-guidance"))
_COURSES = frozenset(("lecture", "training"))
_MONTHS_OF_LONG_TERM = 6


@dataclass(frozen=True, slots=True)
class Posting:
    modes: frozenset[str]
    practitioner: str | None
    start: int | None  # microseconds
    after: int | None  # the first microsecond when it is over; None: it goes on
    batch: str | None
    origin: str | None
    destination: str | None
    specialty: str


@dataclass(frozen=True, slots=True)
class Activity:
    """One fulfilled Appointment."""

    kinds: frozenset[str]  # codes of rotation-activity
    start: int
    served: int
    attendees: int
    experts: tuple[Posting, ...]
    origin: str | None
    destination: str | None


async def activities(sources: Sources, directory: Directory, period: ReportPeriod) -> list[Activity]:
    found = await sources.walk(
        "Appointment",
        [
            ("service-type", f"{systems.code_system('rotation-activity')}|"),
            ("status", "fulfilled"),
            ("date", f"ge{instant(period.start)}"),
            ("date", f"lt{instant(period.end)}"),
        ],
    )
    await sources.load(sources.target(each) for one in found for each in _actors(one))
    made = (_activity(sources, directory, each) for each in found)
    return [each for each in made if period.has(each.start)]


def _actors(appointment: Resource) -> list[Any]:
    return [each.get("actor") for each in appointment.get("participant", ())]


def _activity(sources: Sources, directory: Directory, appointment: Resource) -> Activity:
    actors = _actors(appointment)
    roles = [sources.get(each) for each in sources.targets(actors, "PractitionerRole")]
    experts = tuple(_posting(sources, directory, each) for each in roles if each)
    sites = [each for each in actors if sources.targets([each], "Location", "HealthcareService")]
    return Activity(
        kinds=frozenset(codes(appointment.get("serviceType", ()), "rotation-activity")),
        start=first_moment(appointment.get("start")) or 0,
        served=_number(appointment, "served-count"),
        attendees=_number(appointment, "attendee-count"),
        experts=experts,
        origin=next((each.origin for each in experts if each.origin), None),
        destination=next((each.destination for each in experts if each.destination), None)
        or directory.first_of(sites),
    )


def _number(resource: Resource, name: str) -> int:
    found = value(resource, name)
    return found if isinstance(found, int) else 0


async def postings(sources: Sources, directory: Directory, period: ReportPeriod) -> list[Posting]:
    """Those that hold at some time of the period."""
    mode = ("role", f"{systems.code_system('rotation-mode')}|")
    found = [_posting(sources, directory, each) for each in await sources.walk("PractitionerRole", [mode])]
    return [each for each in found if period.overlaps(each.start, each.after)]


def _posting(sources: Sources, directory: Directory, role: Resource) -> Posting:
    found = role.get("period", {})
    batch = value(role, "batch")
    if isinstance(batch, dict):
        batch = f"{batch.get('system', '')}|{batch.get('value', '')}"
    return Posting(
        modes=frozenset(codes(role.get("code", ()), "rotation-mode")),
        practitioner=sources.target(role.get("practitioner")),
        start=first_moment(found.get("start")),
        after=end_moment(found.get("end")),
        batch=batch,
        origin=directory.of(value(role, "home-organization")),
        destination=directory.of(role.get("organization")),
        specialty=specialty(role) or NONE,
    )


def is_long_term(posting: Posting) -> bool:
    """Of six months or more; one without an end is."""
    if posting.start is None:
        return False
    if posting.after is None:
        return True
    first = datetime.fromtimestamp(posting.start // 1_000_000, UTC).astimezone(SHANGHAI)
    months = first.month - 1 + _MONTHS_OF_LONG_TERM
    # the day of the month may not be there, as 31 February: the one before counts
    for day in range(first.day, 0, -1):
        try:
            least = first.replace(year=first.year + months // 12, month=months % 12 + 1, day=day)
        except ValueError:
            continue
        return posting.after >= int(least.timestamp()) * 1_000_000
    return False


# ---- what is counted


def _of(activity: Activity, value: float = 1) -> Event:
    kind = min(activity.kinds, default=NONE)
    special = next((each.specialty for each in activity.experts), NONE)
    strata = {"activity": kind, "specialty": special}
    return Event(activity.start, activity.origin, activity.destination, value, None, strata)


def _experts(activities: list[Activity], _: ReportPeriod) -> Iterator[Event]:
    for each in activities:
        for expert in each.experts:
            if expert.practitioner:
                strata = {"specialty": expert.specialty, "activity": min(each.kinds, default=NONE)}
                yield Event(each.start, expert.origin, expert.destination, 1, expert.practitioner, strata)


def _kinds(activities: list[Activity], _: ReportPeriod, kinds: frozenset[str]) -> Iterator[Event]:
    return (_of(each) for each in activities if each.kinds & kinds)


def _served(activities: list[Activity], _: ReportPeriod) -> Iterator[Event]:
    return (_of(each, each.served) for each in activities if each.served)


def _attended(activities: list[Activity], _: ReportPeriod, *, courses: bool) -> Iterator[Event]:
    for each in activities:
        if each.attendees and bool(each.kinds & _COURSES) == courses:
            yield _of(each, each.attendees)


def _begun(postings: list[Posting], period: ReportPeriod, *, outbound: bool) -> Iterator[Event]:
    for each in postings:
        away = each.modes & (OUTBOUND - {"residency"}) if outbound else each.modes - OUTBOUND
        if away and each.practitioner and each.start is not None and period.has(each.start):
            yield _posted(each, each.start, min(away))


def _posted(posting: Posting, at: int, mode: str, who: str | None = None) -> Event:
    strata = {"mode": mode, "specialty": posting.specialty}
    return Event(at, posting.origin, posting.destination, 1, who or posting.practitioner, strata)


def _long_term(postings: list[Posting], period: ReportPeriod) -> Iterator[Event]:
    for each in postings:
        modes = each.modes - OUTBOUND
        if modes and each.practitioner and each.start is not None and is_long_term(each):
            yield _posted(each, max(each.start, period.start), min(modes))


def _batches(postings: list[Posting], period: ReportPeriod) -> Iterator[Event]:
    for each in postings:
        if each.batch and each.modes and each.start is not None and period.has(each.start):
            yield _posted(each, each.start, min(each.modes), each.batch)


_OF_ACTIVITIES = ("specialty", "activity")
_OF_POSTINGS = ("mode", "specialty")


def _sessions(id_: str, chinese: str, english: str, unit: Any, kinds: frozenset[str]) -> Measure:
    named = ", ".join(f"`{each}`" for each in sorted(kinds))
    criterion = f"status `fulfilled`; start in the period; serviceType {named} of rotation-activity"
    events = partial(_kinds, kinds=kinds)
    return Measure(
        id_, chinese, english, unit, "Appointment", criterion, "appointments", events,
        stratifiers=_OF_ACTIVITIES,
    )  # fmt: skip


ACTIVITY_MEASURES: tuple[Measure, ...] = (
    Measure(
        "ROT-EXPERTS", "下沉专家", "experts at work", "名", "Appointment",
        "status `fulfilled`; start in the period; participants that are rotations",
        "distinct Practitioners of the rotations", _experts, "distinct", _OF_ACTIVITIES,
    ),
    _sessions("ROT-SESSIONS", "坐诊、义诊、巡回指导", "clinics and guidance", "次", _SESSIONS),
    Measure(
        "ROT-SERVED", "服务患者", "patients served", "人次", "Appointment",
        "status `fulfilled`; start in the period", "served-count", _served, "sum", _OF_ACTIVITIES,
    ),
    _sessions("EDU-COURSES", "讲座和培训", "lectures and trainings", "期", _COURSES),
    Measure(
        "EDU-ATTEND", "讲座和培训参加人次", "attendance of lectures and trainings", "人次", "Appointment",
        "status `fulfilled`; start in the period; serviceType `lecture` or `training` of rotation-activity",
        "attendee-count", partial(_attended, courses=True), "sum", _OF_ACTIVITIES,
    ),
    Measure(
        "EVT-ATTEND", "其他活动参加人次", "attendance of other activities", "人次", "Appointment",
        "status `fulfilled`; start in the period; any other serviceType of rotation-activity",
        "attendee-count", partial(_attended, courses=False), "sum", _OF_ACTIVITIES,
    ),
    _sessions("ACT-CASE", "病历讨论", "case discussions", "次", frozenset(("case-discussion",))),
    _sessions("ACT-CONSULT", "会诊", "consultations", "次", frozenset(("consult",))),
    _sessions("ACT-ROUND", "教学查房", "teaching rounds", "次", frozenset(("teaching-round",))),
)  # fmt: skip

POSTING_MEASURES: tuple[Measure, ...] = (
    Measure(
        "ROT-OUT-TRAIN", "选派进修", "sent out to train", "名", "PractitionerRole",
        "rotation-mode `outbound-training`; period.start in the period", "distinct Practitioners",
        partial(_begun, outbound=True), "distinct", _OF_POSTINGS,
    ),
    Measure(
        "ROT-DOWN-POSTED", "派出专家", "experts posted", "名", "PractitionerRole",
        "any rotation-mode but `outbound-training` and `residency`; period.start in the period",
        "distinct Practitioners", partial(_begun, outbound=False), "distinct", _OF_POSTINGS,
    ),
    Measure(
        "ROT-LONGTERM", "长期派驻", "long-term postings", "名", "PractitionerRole",
        "any rotation-mode but `outbound-training` and `residency`; lasts six months or more, or has no end; "
        "in force at some time of the period",
        "distinct Practitioners", _long_term, "distinct", _OF_POSTINGS,
    ),
    Measure(
        "ROT-BATCH", "下沉专家团队", "batches of rotations", "批", "PractitionerRole",
        "has a batch; period.start in the period", "distinct batches", _batches, "distinct", ("mode",),
    ),
)  # fmt: skip

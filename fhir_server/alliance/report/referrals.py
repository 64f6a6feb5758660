"""Referrals: tasks by the moments at which they reached each business status.

https://hl7.org/fhir/R4/task.html
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from fhir_server.alliance import systems
from fhir_server.alliance.elements import code, counts, end_moment, extensions, first_moment, value
from fhir_server.alliance.report.directory import Directory, specialty, text
from fhir_server.alliance.report.icd import chapter_of
from fhir_server.alliance.report.measure import NONE, Event, Measure
from fhir_server.alliance.report.period import ReportPeriod, instant
from fhir_server.alliance.report.sources import Sources
from fhir_server.resource import Resource

KINDS = frozenset(("referral", "transfer"))
"""Codes of referral-kind that referrals up and down are counted of; consults and orders are not."""
INPATIENT = "I"
Stage = Literal["submitted", "accepted", "arrived", "completed"]

# business statuses that reach a stage; of `arrived` the others count when it was left out
_STAGES: dict[Stage, tuple[str, ...]] = {
    "submitted": ("submitted",),
    "accepted": ("accepted", "bed-reserved", "appointment-booked"),
    "arrived": ("arrived",),
    "completed": ("outcome-returned", "down-referred"),
}
_ARRIVED_TOO = ("admitted", "visited")
_STRATIFIERS = ("specialty", "icd-chapter", "setting", "green-channel")


@dataclass(frozen=True, slots=True)
class Referral:
    direction: str | None
    kind: str | None
    setting: str
    green: str  # a code of green-channel-type, NONE without a green channel
    patient: str | None
    reached: Mapping[Stage, int]  # microseconds since the epoch
    deadline: int | None
    expired: bool
    origin: str | None
    destination: str | None
    strata: Mapping[str, str]


async def referrals(sources: Sources, directory: Directory, period: ReportPeriod) -> list[Referral]:
    """Those that may have reached something in the period: written before its end, changed after it began."""
    tasks = await sources.walk(
        "Task",
        [
            ("code", f"{systems.TASK_CODE}|fulfill"),
            ("authored-on", f"lt{instant(period.end)}"),
            ("modified", f"ge{instant(period.start)}"),
        ],
    )
    await sources.load(sources.target(task.get("focus")) for task in tasks)
    # a Task does not count when what it is about was a mistake or a test
    tasks = [task for task in tasks if counts(sources.resource(task.get("focus")) or {})]
    requests = [sources.resource(task.get("focus")) or {} for task in tasks]
    await sources.load(name for pair in zip(tasks, requests, strict=True) for name in _named(sources, *pair))
    made = partial(_referral, sources, directory)
    return await asyncio.to_thread(lambda: list(map(made, tasks, requests)))


def _named(sources: Sources, task: Resource, request: Resource) -> Iterator[str | None]:
    for each in (task.get("requester"), task.get("owner"), request.get("requester")):
        yield sources.target(each)
    for each in (*request.get("performer", ()), *request.get("reasonReference", ())):
        yield sources.target(each)


def _referral(sources: Sources, directory: Directory, task: Resource, request: Resource) -> Referral:
    green = code(next((value(each, "type") for each in extensions(task, "green-channel")), None))
    has_green = next(extensions(task, "green-channel"), None) is not None
    setting = code(value(task, "care-setting")) or NONE
    performers = [sources.resource(each) for each in request.get("performer", ())]
    strata = {
        "specialty": next((found for each in performers if (found := specialty(each))), None)
        or text(request.get("performerType", {}))
        or NONE,
        "icd-chapter": chapter_of(_diagnoses(sources, request)) or NONE,
        "setting": setting,
        "green-channel": green or ("other" if has_green else NONE),
    }
    return Referral(
        direction=code(value(task, "referral-direction")),
        kind=code(value(task, "focus-category")),
        setting=setting,
        green=strata["green-channel"],
        patient=sources.target(task.get("for")),
        reached=_reached(task),
        deadline=end_moment(task.get("restriction", {}).get("period", {}).get("end")),
        expired=code(task.get("businessStatus")) == "expired",
        origin=directory.of(task.get("requester")) or directory.of(request.get("requester")),
        destination=directory.of(task.get("owner")) or directory.first_of(request.get("performer", ())),
        strata=strata,
    )


def _diagnoses(sources: Sources, request: Resource) -> Iterator[Mapping[str, Any]]:
    yield from request.get("reasonCode", ())
    for each in request.get("reasonReference", ()):
        if condition := sources.resource(each):
            yield condition.get("code", {})


def milestones(task: Resource) -> dict[str, int]:
    """The first moment (microseconds) at which a Task reached each business status."""
    found: dict[str, int] = {}
    for each in extensions(task, "milestone"):
        status, moment = code(value(each, "businessStatus")), first_moment(value(each, "time"))
        if status is not None and moment is not None:
            found[status] = min(moment, found.get(status, moment))
    return found


def _reached(task: Resource) -> dict[Stage, int]:
    moments = milestones(task)
    found: dict[Stage, int] = {}
    for stage, statuses in _STAGES.items():
        times = [moments[status] for status in statuses if status in moments]
        if stage == "arrived" and not times:
            times = [moments[status] for status in _ARRIVED_TOO if status in moments]
        if times:
            found[stage] = min(times)
    return found


# ---- what is counted


def _event(referral: Referral, at: int, *, value: float = 1, who: str | None = None) -> Event:
    return Event(at, referral.origin, referral.destination, value, who, referral.strata)


def _stage(
    referrals: list[Referral],
    period: ReportPeriod,
    direction: str,
    stage: Stage,
    *,
    inpatient: bool = True,
    patients: bool = False,
) -> Iterator[Event]:
    for each in referrals:
        at = each.reached.get(stage)
        if each.direction != direction or each.kind not in KINDS or (each.setting == INPATIENT) != inpatient:
            continue
        if at is not None and period.has(at):
            who = (each.patient or NONE) if patients else None
            yield _event(each, at, who=who)


def _green(referrals: list[Referral], period: ReportPeriod) -> Iterator[Event]:
    for each in referrals:
        at = each.reached.get("arrived")
        if each.green != NONE and at is not None and period.has(at):
            yield _event(each, at)


def _minutes_to_accept(referrals: list[Referral], period: ReportPeriod) -> Iterator[Event]:
    for each in referrals:
        submitted, accepted = each.reached.get("submitted"), each.reached.get("accepted")
        if each.green != NONE and submitted is not None and accepted is not None and period.has(accepted):
            yield _event(each, accepted, value=(accepted - submitted) / 60_000_000)


def _breaches(referrals: list[Referral], period: ReportPeriod) -> Iterator[Event]:
    for each in referrals:
        accepted, deadline = each.reached.get("accepted"), each.deadline
        late = each.expired or (accepted is not None and deadline is not None and accepted > deadline)
        if each.green != NONE and late and deadline is not None and period.has(deadline):
            yield _event(each, deadline)


def _consults(referrals: list[Referral], period: ReportPeriod) -> Iterator[Event]:
    for each in referrals:
        at = each.reached.get("completed")
        if each.kind == "teleconsult" and at is not None and period.has(at):
            yield _event(each, at)


_WORDS = {"up": ("向上转诊", "up"), "down": ("向下转诊", "down")}
_REACHED: dict[Stage, tuple[str, str, str]] = {
    "submitted": ("申请", "submitted", "`submitted`"),
    "accepted": ("接收", "accepted", "`accepted`, `bed-reserved` or `appointment-booked`"),
    "completed": ("办结", "completed", "`outcome-returned` or `down-referred`"),
}
_ARRIVAL = "`arrived` (or `admitted` or `visited`, when that was left out)"


def _of_direction(direction: str) -> Iterator[Measure]:
    chinese, english = _WORDS[direction]
    of = f"care setting inpatient, direction {direction}"
    name = f"R-{direction.upper()}"

    def row(
        id_: str,
        title: tuple[str, str],
        criterion: str,
        stage: Stage,
        *,
        patients: bool = False,
        inpatient: bool = True,
    ) -> Measure:
        events = partial(_stage, direction=direction, stage=stage, inpatient=inpatient, patients=patients)
        return Measure(
            id_,
            *title,
            "人" if patients else "人次",
            "Task",
            criterion,
            "distinct Patients" if patients else "tasks",
            events,
            "distinct" if patients else "count",
            _STRATIFIERS,
        )

    arrived = f"first reached {_ARRIVAL} in the period; {of}"
    yield row(name, (f"{chinese}住院病人", f"inpatients referred {english}"), arrived, "arrived")
    yield row(
        f"{name}-PATIENTS",
        (f"{chinese}住院病人（人数）", f"inpatients referred {english}, persons"),
        arrived,
        "arrived",
        patients=True,
    )
    for stage, (word, past, statuses) in _REACHED.items():
        title = f"{chinese}住院病人（{word}）", f"inpatient referrals {english}, {past}"
        criterion = f"first reached {statuses} in the period; {of}"
        yield row(f"{name}-{stage.upper()}", title, criterion, stage)
    yield row(
        f"{name}-OTHER",
        (f"{chinese}门诊、急诊病人", f"outpatients and emergencies referred {english}"),
        f"first reached {_ARRIVAL} in the period; any other care setting, direction {direction}",
        "arrived",
        inpatient=False,
    )


MEASURES: tuple[Measure, ...] = (
    *_of_direction("up"),
    *_of_direction("down"),
    Measure(
        "GRN-CASES", "绿色通道病例", "cases of the green channel", "例", "Task",
        f"has a green channel; first reached {_ARRIVAL} in the period", "tasks", _green,
        stratifiers=_STRATIFIERS,
    ),
    Measure(
        "GRN-ACCEPT", "绿色通道接收用时（中位数）", "minutes to accept in the green channel, median",
        "分钟", "Task",
        "has a green channel; first accepted in the period", "minutes from `submitted` to accepted",
        _minutes_to_accept, "median", ("green-channel",),
    ),
    Measure(
        "GRN-BREACH", "绿色通道超时", "green channel answered late", "例", "Task",
        "has a green channel; deadline in the period, accepted after it or `expired`", "tasks", _breaches,
        stratifiers=("green-channel",),
    ),
    Measure(
        "TEL-CASES", "远程会诊", "teleconsultations", "例", "Task",
        "kind `teleconsult`; first reached `outcome-returned` or `down-referred` in the period", "tasks",
        _consults, stratifiers=("specialty", "icd-chapter"),
    ),
)  # fmt: skip

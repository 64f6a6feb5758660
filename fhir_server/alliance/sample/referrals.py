"""Referrals up and down: a ServiceRequest that says what is asked, a Task that follows it, and their papers.

https://hl7.org/fhir/R4/servicerequest.html, https://hl7.org/fhir/R4/task.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task, TaskOutput, TaskRestriction

from fhir_server.alliance import systems
from fhir_server.alliance.sample import records
from fhir_server.alliance.sample.activities import SHANGHAI
from fhir_server.alliance.sample.elements import (
    concept,
    extension,
    identifier,
    local,
    meta,
    nested,
    period,
    plain,
    reference,
)
from fhir_server.alliance.sample.patients import patient
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.regions import LEAD
from fhir_server.alliance.sample.scenarios import (
    BUSINESS_STATUS,
    DEADLINES,
    DIAGNOSES,
    DOWN,
    DOWN_REFERRED,
    UP,
    Diagnosis,
    State,
)
from fhir_server.resource import Resource

Direction = Literal["up", "down"]

_DIRECTIONS = {"up": "上转", "down": "下转"}
_FIRST_DAY = datetime(2026, 3, 2, 8, 40, tzinfo=SHANGHAI)
_LAST_DAY = datetime(2026, 11, 22, 8, 40, tzinfo=SHANGHAI)


@dataclass(frozen=True, slots=True)
class Case:
    """One referral before it is written down."""

    key: str  # "up-007"
    direction: Direction
    state: State
    diagnosis: Diagnosis
    sender: Doctor
    receiver: Doctor
    authored: datetime
    patient: Resource
    based_on: Resource | None = None  # the ServiceRequest of the way up; None: there was none

    @property
    def arrival(self) -> datetime:
        return self.authored + timedelta(hours=3)

    @property
    def end(self) -> datetime:
        return self.authored + timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Referral:
    case: Case
    request: Resource
    resources: list[Resource]  # all of it, referred-to ones first


def referrals(doctors: list[Doctor]) -> list[Referral]:
    """All the way up; then down: the ones that came back, and some that did not come from here."""
    chance = Random("alliance/referrals")
    up = [_written(case) for case in _cases_up(doctors, chance)]
    down = [_written(case) for case in _cases_down(doctors, up, chance)]
    return up + down


def _cases_up(doctors: list[Doctor], chance: Random) -> Iterator[Case]:
    lead = [doctor for doctor in doctors if doctor.member.county is LEAD and doctor.member.tier == "county"]
    senders = [doctor for doctor in doctors if doctor not in lead]
    for number, state in enumerate(UP, start=1):
        diagnosis = DIAGNOSES[number % len(DIAGNOSES)]
        sender = chance.choice(senders)
        receiver = next((found for found in lead if found.specialty == diagnosis.specialty), lead[0])
        resident = patient(number, sender, chance, expecting=diagnosis.specialty == "obstetrics")
        yield Case(
            f"up-{number:03}", "up", state, diagnosis, sender, receiver, _authored(number, state), resident
        )


def _cases_down(doctors: list[Doctor], up: list[Referral], chance: Random) -> Iterator[Case]:
    returning = [referral for referral in up if referral.case.state is DOWN_REFERRED]
    townships = [doctor for doctor in doctors if doctor.member.tier == "township"]
    for number, state in enumerate(DOWN, start=1):
        key = f"down-{number:03}"
        if number <= len(returning):
            before = returning[number - 1]
            case = before.case
            yield Case(
                key, "down", state, case.diagnosis, case.receiver, case.sender, case.end, case.patient,
                before.request,
            )  # fmt: skip
            continue
        receiver = chance.choice(townships)
        sender = next(doctor for doctor in doctors if doctor.member is _hospital(receiver))
        diagnosis = DIAGNOSES[3 + number % 4]
        resident = patient(len(UP) + number, receiver, chance, expecting=False)
        yield Case(key, "down", state, diagnosis, sender, receiver, _authored(number, state), resident)


def _hospital(doctor: Doctor) -> object:
    return doctor.member.parent


def _authored(number: int, state: State) -> datetime:
    """Spread over the year; what is under way began on the last day."""
    return _LAST_DAY if state.open else _FIRST_DAY + timedelta(days=5 * number, minutes=37 * number % 480)


def _written(case: Case) -> Referral:
    down = case.direction == "down"
    start = case.authored - (timedelta(days=6) if down else timedelta(hours=1))
    origin_kind = "IMP" if down else "AMB"
    origin = records.encounter(case.key, origin_kind, case.patient, case.sender, start, case.authored)
    condition = records.condition(case.key, case.diagnosis, case.patient, origin, start)
    request = _request(case, origin, condition)
    stay = _stay(case)
    answer = _answer(case, stay)
    task = _task(case, request, [paper for paper in (answer, stay) if paper])
    papers = [paper for paper in (stay, answer) if paper]
    resources = [case.patient] if case.based_on is None else []
    resources += [origin, condition, request, *papers, task, *_messages(case, task, request)]
    return Referral(case, request, resources)


def _stay(case: Case) -> Resource | None:
    if not case.state.arrived:
        return None
    kind = "EMER" if case.diagnosis.green_channel and case.state.open else "IMP"
    end = None if case.state.open else case.end
    return records.encounter(f"{case.key}-stay", kind, case.patient, case.receiver, case.arrival, end)


def _answer(case: Case, stay: Resource | None) -> Resource | None:
    if stay is None or case.state.status != "completed":
        return None
    return records.feedback(case.key, case.patient, stay, case.receiver, case.end, case.diagnosis)


def _messages(case: Case, task: Resource, request: Resource) -> Iterator[Resource]:
    ends = (case.sender.practitioner, case.receiver.practitioner)
    sent = case.authored + timedelta(minutes=2)
    yield records.communication(f"{case.key}-1", task, request, ends, sent, "已上传检查结果，请查看。")
    if case.state.business_status == "awaiting-information":
        later = sent + timedelta(minutes=15)
        yield records.communication(
            f"{case.key}-2", task, request, ends[::-1], later, "请补充心电图和用药情况。"
        )


def _request(case: Case, origin: Resource, condition: Resource) -> Resource:
    sender, receiver = case.sender.member, case.receiver.member
    number = f"{case.authored:%Y%m%d}{case.key[-3:]}"
    authored: Any = case.authored
    return plain(
        ServiceRequest(
            id=f"referral-{case.key}",
            meta=meta(),
            extension=list(_request_extensions(case)),
            identifier=[
                identifier(
                    systems.local_system(sender.code, "referral"), number, "PLAC", sender.organization
                ),
                identifier(
                    systems.local_system(receiver.code, "referral"),
                    f"R{number}",
                    "FILL",
                    receiver.organization,
                ),
            ],
            basedOn=[reference(case.based_on)] if case.based_on else None,
            status=case.state.request_status,
            intent="order",
            category=[local("referral-kind", "referral", "转诊")],
            priority=case.diagnosis.priority,
            code=local("referral-kind", f"{case.direction}-referral", _DIRECTIONS[case.direction]),
            subject=reference(case.patient),
            encounter=reference(origin),
            authoredOn=authored,
            requester=reference(case.sender.role),
            performer=[reference(receiver.organization), reference(case.receiver.role)],
            reasonCode=[CodeableConcept(text=case.diagnosis.reason)],
            reasonReference=[reference(condition)],
        )
    )


def _request_extensions(case: Case) -> Iterator[Extension]:
    direction = local("referral-direction", case.direction, _DIRECTIONS[case.direction])
    yield extension("referral-direction", valueCodeableConcept=direction)
    setting = ("inpatient", "住院") if case.state.arrived else ("outpatient", "门诊")
    yield extension("care-setting", valueCodeableConcept=local("care-setting", *setting))
    if case.direction == "up" and (kind := case.diagnosis.green_channel):
        system = systems.code_system("green-channel-type")
        parts = [Extension(url="type", valueCodeableConcept=concept(system, kind, "绿色通道"))]
        yield nested("green-channel", parts)


def _task(case: Case, request: Resource, outputs: list[Resource]) -> Resource:
    sender, receiver = case.sender.member, case.receiver.member
    authored: Any = case.authored
    changed: Any = _changed(case)
    state = case.state
    whom: dict[str, Any] = {"for": reference(case.patient)}  # a word of Python
    return plain(
        Task(
            id=f"task-{case.key}",
            meta=meta(),
            identifier=[identifier(systems.local_system(receiver.code, "task"), case.key)],
            basedOn=[reference(request)],
            groupIdentifier=identifier(systems.local_system(sender.code, "referral-group"), case.key),
            status=state.status,
            statusReason=CodeableConcept(text=state.reason) if state.reason else None,
            businessStatus=local(
                "referral-business-status", state.business_status, BUSINESS_STATUS[state.business_status]
            ),
            intent="order",
            priority=case.diagnosis.priority,
            code=concept(systems.TASK_CODE, "fulfill", "Fulfill the focal request"),
            focus=reference(request),
            executionPeriod=period(case.arrival, None if state.open else case.end) if state.arrived else None,
            authoredOn=authored,
            lastModified=changed,
            requester=reference(case.sender.role),
            owner=reference(receiver.organization),
            restriction=TaskRestriction(
                period=period(case.authored, case.authored + DEADLINES[case.diagnosis.priority])
            ),
            output=[_output(paper) for paper in outputs] or None,
            **whom,
        )
    )


def _changed(case: Case) -> datetime:
    if case.state.status == "requested":
        return case.authored
    if case.state.business_status == "expired":
        return case.authored + DEADLINES[case.diagnosis.priority]
    if case.state.arrived:
        return case.arrival if case.state.open else case.end
    return case.authored + timedelta(minutes=9)


_OUTPUTS = {"Composition": ("feedback", "转诊反馈"), "Encounter": ("encounter", "接诊记录")}


def _output(paper: Resource) -> TaskOutput:
    kind = local("task-output", *_OUTPUTS[paper["resourceType"]])
    link: Reference = reference(paper)
    return TaskOutput(type=kind, valueReference=link)

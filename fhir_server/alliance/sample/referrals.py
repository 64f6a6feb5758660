"""Referrals up and down: a ServiceRequest that says what is asked, a Task that follows it, and their papers.

https://hl7.org/fhir/R4/servicerequest.html, https://hl7.org/fhir/R4/task.html
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task, TaskOutput, TaskRestriction

from fhir_server.alliance import systems
from fhir_server.alliance.sample import records
from fhir_server.alliance.sample.cases import Case
from fhir_server.alliance.sample.dump import plain, shared
from fhir_server.alliance.sample.elements import (
    SHANGHAI,
    code_extension,
    coding,
    concept,
    concept_extension,
    identifier,
    local,
    meta,
    nested,
    period,
    reference,
)
from fhir_server.alliance.sample.scenarios import BUSINESS_STATUS
from fhir_server.alliance.sample.world import World
from fhir_server.alliance.systems import code_system
from fhir_server.resource import Resource

DIRECTIONS = {"up": "上转", "down": "下转"}
SETTINGS = {"I": "住院", "O": "门诊", "E": "急诊"}
GREEN_CHANNELS = {"chest-pain": "胸痛", "stroke": "卒中", "maternal": "危重孕产妇"}


@dataclass(frozen=True, slots=True)
class Referral:
    """`task` is made last, when what came of the referral is there to be named in it."""

    case: Case
    request: Resource
    papers: list[Resource]  # what the request refers to first, without the patient and his consent
    consent: Resource | None  # None: it was an emergency
    outputs: list[Resource] = field(default_factory=list)


def referral(world: World, case: Case, consent: Resource | None, *, with_letter: bool = False) -> Referral:
    """`consent`: what the patient has agreed to; without one it is an emergency."""
    condition = records.condition(world, case)
    papers = [condition]
    origin = None
    if case.direction == "down":
        origin = _origin(world, case)
        papers.append(origin)
    letter = records.letter(world, case) if with_letter else None
    if letter:
        papers.append(letter)
    request = _request(world, case, condition, origin, [paper for paper in (consent, letter) if paper])
    papers.append(request)
    outputs = []
    if case.state.arrived and case.state.status != "entered-in-error":
        stay = _stay(world, case)
        outputs = [stay]
        if case.state.status == "completed":
            outputs = [records.feedback(world, case, stay), stay]
        papers += outputs[::-1]
    return Referral(case, request, papers, consent, outputs)


def _origin(world: World, case: Case) -> Resource:
    """The stay that a referral down comes at the end of."""
    start = case.authored - case.stay
    return records.encounter(
        world.id("encounter", case.key), "IMP", case, case.sender, (start, case.authored)
    )


def _stay(world: World, case: Case) -> Resource:
    kind = {"I": "IMP", "O": "AMB", "E": "EMER"}[case.setting]
    end = None if case.state.open else case.milestones[-1][1]
    return records.encounter(
        world.id("encounter", f"{case.key}-stay"), kind, case, case.receiver, (case.arrival, end)
    )


def _request(
    world: World, case: Case, condition: Resource, origin: Resource | None, along: list[Resource]
) -> Resource:
    """`along`: the consent and the letter, of each at most one."""
    sender, receiver = case.sender.member, case.receiver.member
    number = f"{case.authored:%Y%m%d}{case.key.rpartition('-')[2]}"
    authored: Any = case.authored
    return plain(
        ServiceRequest(
            id=world.id("referral", case.key),
            meta=meta("referral-service-request", test=case.test),
            extension=[*_flow(case), *_basis(along)],
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
            code=local("referral-kind", "referral", "转诊"),
            subject=reference(case.patient),
            encounter=reference(origin) if origin else None,
            authoredOn=authored,
            requester=reference(case.sender.role),
            performer=[reference(receiver.organization), reference(case.receiver.role)],
            reasonCode=[CodeableConcept(text=case.diagnosis.reason)],
            reasonReference=[reference(condition)],
            supportingInfo=[reference(paper) for paper in along] or None,
        )
    )


def _flow(case: Case) -> Iterator[Extension]:
    """Where it goes, and how hurried."""
    yield code_extension("referral-direction", case.direction)
    yield code_extension("care-setting", case.setting)
    if case.green_channel:
        yield _green_channel(case.green_channel)


def _basis(along: list[Resource]) -> Iterator[Extension]:
    agreed = any(paper["resourceType"] == "Consent" for paper in along)
    yield code_extension("legal-basis", "separate-consent" if agreed else "emergency-life")


@cache
def _green_channel(kind: str) -> Extension:
    named = local("green-channel-type", kind, GREEN_CHANNELS[kind])
    return shared(nested("green-channel", [Extension(url="type", valueCodeableConcept=named)]))


def task(world: World, found: Referral, followed_by: Resource | None = None) -> Resource:
    """`followed_by`: the ServiceRequest of the way down, or further up."""
    case = found.case
    sender, receiver = case.sender.member, case.receiver.member
    state = case.state
    moments = case.milestones
    changed: Any = moments[-1][1]
    authored: Any = case.authored
    whom: dict[str, Any] = {"for": reference(case.patient)}  # a word of Python
    status = state.business_status
    return plain(
        Task(
            id=world.id("task", case.key),
            meta=meta("referral-task", test=case.test),
            extension=list(_task_extensions(case, moments)),
            identifier=[identifier(systems.local_system(receiver.code, "task"), world.mark + case.key)],
            basedOn=[reference(found.request)],
            groupIdentifier=identifier(
                systems.local_system(sender.code, "referral-group"), world.mark + case.key
            ),
            status=state.status,
            statusReason=_reason(state.reason) if state.reason else None,
            businessStatus=local("referral-business-status", status, BUSINESS_STATUS[status]),
            intent="order",
            priority=case.diagnosis.priority,
            code=concept(systems.TASK_CODE, "fulfill", "Fulfill the focal request"),
            focus=reference(found.request),
            executionPeriod=period(case.arrival, None if state.open else changed) if state.arrived else None,
            authoredOn=authored,
            lastModified=changed,
            requester=reference(case.sender.role),
            owner=reference(case.receiver.role if case.handed_over else receiver.organization),
            restriction=TaskRestriction(period=period(case.authored, case.deadline)),
            output=list(_outputs(found, followed_by)) or None,
            **whom,
        )
    )


def _task_extensions(case: Case, moments: list[tuple[str, datetime]]) -> Iterator[Extension]:
    yield from _flow(case)
    yield concept_extension("focus-category", "referral-kind", "referral", "转诊")
    yield from milestones(moments)


def milestones(moments: list[tuple[str, datetime]]) -> Iterator[Extension]:
    """Copies of one: building an Extension checks fifty types of value that it has not."""
    for status, moment in moments:
        time = _TIME.model_copy(update={"valueDateTime": moment})
        yield _MILESTONE.model_copy(update={"extension": [_reached(status), time]})


@cache
def _reached(status: str) -> Extension:
    return shared(Extension(url="businessStatus", valueCode=status))


_SOME_TIME: Any = datetime(2018, 1, 1, tzinfo=SHANGHAI)
_TIME = Extension(url="time", valueDateTime=_SOME_TIME)
_MILESTONE = nested("milestone", [_reached("submitted"), _TIME])


@cache
def _reason(reason: tuple[str, str]) -> CodeableConcept:
    code, text = reason
    named = coding(code_system("reject-reason"), code, REJECT_REASONS[code])
    return shared(CodeableConcept(coding=[named], text=text))


REJECT_REASONS = {
    "no-bed": "无床位",
    "out-of-scope": "超出诊疗范围",
    "insufficient-info": "资料不足",
    "not-indicated": "无转诊指征",
    "duplicate": "重复转诊",
    "patient-refused": "患者拒绝",
    "other": "其他",
}

_OUTPUTS = {
    "feedback": "转诊反馈",
    "encounter": "接诊记录",
    "down-referral": "下转申请",
    "onward-referral": "再转诊申请",
}
_KINDS = {"Composition": "feedback", "Encounter": "encounter"}


def _outputs(found: Referral, followed_by: Resource | None) -> Iterator[TaskOutput]:
    for paper in found.outputs:
        yield _output(_KINDS[paper["resourceType"]], paper)
    if followed_by:
        yield _output("onward-referral" if found.case.state.onward else "down-referral", followed_by)


def _output(kind: str, paper: Resource) -> TaskOutput:
    link: Reference = reference(paper)
    return TaskOutput(type=local("task-output", kind, _OUTPUTS[kind]), valueReference=link)

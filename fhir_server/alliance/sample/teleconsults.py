"""Teleconsultations: a question to a doctor elsewhere, the messages to and fro, the answer.

https://hl7.org/fhir/R4/communication.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.communication import Communication, CommunicationPayload
from fhir.resources.R4B.composition import Composition, CompositionEvent, CompositionSection
from fhir.resources.R4B.reference import Reference
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhir.resources.R4B.task import Task, TaskOutput, TaskRestriction

from fhir_server.alliance import systems
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import (
    code_extension,
    concept,
    concept_extension,
    identifier,
    local,
    meta,
    narrative,
    period,
    reference,
)
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.records import SECTIONS
from fhir_server.alliance.sample.referrals import milestones
from fhir_server.alliance.sample.scenarios import BUSINESS_STATUS, Diagnosis, deadline
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

_TALK = (
    "病例资料和检查结果已上传，请专家给出意见。",
    "已阅，请补充近三日用药情况和血常规。",
    "已补充，患者目前生命体征平稳。",
    "建议调整用药方案，三日后复查，具体见会诊意见。",
    "收到，谢谢专家，按意见执行。",
    "复查结果好转，已上传。",
)


@dataclass(frozen=True, slots=True)
class Consult:
    key: str
    patient: Resource
    diagnosis: Diagnosis
    asking: Doctor
    answering: Doctor
    asked: datetime
    messages: int  # 0: declined


def teleconsult(world: World, consult: Consult, chance: Random) -> Iterator[Resource]:
    request = _request(world, consult)
    yield request
    moments = _moments(consult, chance)
    report = _report(world, consult, request, moments[-1][1]) if consult.messages else None
    if report:
        yield report
    task = _task(world, consult, request, report, moments)
    yield task
    yield from _thread(world, consult, request, task, moments[-1][1])


def _moments(consult: Consult, chance: Random) -> list[tuple[str, datetime]]:
    seen = consult.asked + timedelta(minutes=chance.randrange(3, 60))
    end = seen + timedelta(hours=chance.randrange(4, 40))
    found = [("submitted", consult.asked), ("received", seen)]
    if not consult.messages:
        return [*found, ("declined", seen + timedelta(hours=1))]
    accepted = seen + timedelta(minutes=20)
    return [*found, ("accepted", accepted), ("visited", seen + timedelta(hours=1)), ("outcome-returned", end)]


def _request(world: World, consult: Consult) -> Resource:
    asker, answerer = consult.asking.member, consult.answering.member
    authored: Any = consult.asked
    number = f"{consult.asked:%Y%m%d}{consult.key}"
    return plain(
        ServiceRequest(
            id=world.id("teleconsult", consult.key),
            meta=meta("teleconsult-service-request"),
            extension=[code_extension("referral-direction", "up"), code_extension("care-setting", "O")],
            identifier=[
                identifier(
                    systems.local_system(asker.code, "teleconsult"), number, "PLAC", asker.organization
                )
            ],
            status="completed" if consult.messages else "active",
            intent="order",
            category=[local("referral-kind", "teleconsult", "远程会诊")],
            priority="routine",
            code=local("referral-kind", "teleconsult", "远程会诊"),
            subject=reference(consult.patient),
            authoredOn=authored,
            requester=reference(consult.asking.role),
            performer=[reference(answerer.organization), reference(consult.answering.role)],
            reasonCode=[CodeableConcept(text=f"{consult.diagnosis.text}：{consult.diagnosis.reason}")],
        )
    )


def _task(
    world: World,
    consult: Consult,
    request: Resource,
    report: Resource | None,
    moments: list[tuple[str, datetime]],
) -> Resource:
    status, end = moments[-1]
    authored: Any = consult.asked
    changed: Any = end
    output = (
        [TaskOutput(type=local("task-output", "feedback", "转诊反馈"), valueReference=reference(report))]
        if report
        else None
    )
    whom: dict[str, Any] = {"for": reference(consult.patient)}  # a word of Python
    return plain(
        Task(
            id=world.id("task", f"consult-{consult.key}"),
            meta=meta("referral-task"),
            extension=[
                code_extension("referral-direction", "up"),
                code_extension("care-setting", "O"),
                concept_extension("focus-category", "referral-kind", "teleconsult", "远程会诊"),
                *milestones(moments),
            ],
            identifier=[
                identifier(
                    systems.local_system(consult.answering.member.code, "task"),
                    f"{world.mark}consult-{consult.key}",
                )
            ],
            basedOn=[reference(request)],
            status="completed" if report else "rejected",
            statusReason=None if report else _DECLINED,
            businessStatus=local("referral-business-status", status, BUSINESS_STATUS[status]),
            intent="order",
            priority="routine",
            code=concept(systems.TASK_CODE, "fulfill", "Fulfill the focal request"),
            focus=reference(request),
            executionPeriod=period(moments[-2][1], end) if report else None,
            authoredOn=authored,
            lastModified=changed,
            requester=reference(consult.asking.role),
            owner=reference(consult.answering.member.organization),
            restriction=TaskRestriction(period=period(consult.asked, deadline("routine", consult.asked))),
            output=output,
            **whom,
        )
    )


_DECLINED = CodeableConcept(
    coding=local("reject-reason", "out-of-scope", "超出诊疗范围").coding, text="请转相应专科会诊"
)


def _report(world: World, consult: Consult, request: Resource, end: datetime) -> Resource:
    written: Any = end
    sections = (("diagnosis", consult.diagnosis.text), ("next-plan", "调整用药，三日后复查，必要时上转"))
    return plain(
        Composition(
            id=world.id("consult-report", consult.key),
            meta=meta("consult-report"),
            status="final",
            type=local("document-type", "C0045", "会诊记录"),
            subject=reference(consult.patient),
            date=written,
            author=[reference(consult.answering.practitioner)],
            title="会诊意见",
            custodian=reference(consult.answering.member.organization),
            event=[CompositionEvent(detail=[reference(request)])],
            section=[
                CompositionSection(
                    title=SECTIONS[head], code=local("section", head, SECTIONS[head]), text=narrative(text)
                )
                for head, text in sections
            ],
        )
    )


def _thread(
    world: World, consult: Consult, request: Resource, task: Resource, end: datetime
) -> Iterator[Resource]:
    """The first message asks, each of the others answers the one before."""
    ends: tuple[Reference, Reference] = reference(consult.asking.role), reference(consult.answering.role)
    before: Resource | None = None
    for number in range(consult.messages):
        sender, recipient = ends if number % 2 == 0 else ends[::-1]
        sent: Any = consult.asked + (end - consult.asked) * (number + 1) // (consult.messages + 1)
        before = plain(
            Communication(
                id=world.id("message", f"consult-{consult.key}-{number + 1}"),
                meta=meta("communication-thread"),
                basedOn=[reference(request)],
                partOf=[reference(task)],
                inResponseTo=[reference(before)] if before else None,
                status="completed",
                category=[local("communication-category", "teleconsult", "远程会诊")],
                subject=reference(consult.patient),
                sent=sent.replace(microsecond=0),
                sender=sender,
                recipient=[recipient],
                payload=[CommunicationPayload(contentString=_TALK[number])],
            )
        )
        yield before

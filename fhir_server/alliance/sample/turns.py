"""What seldom happens to a referral under way: a wish to cancel it (T14), another owner (T15).

https://hl7.org/fhir/R4/task.html, https://hl7.org/fhir/R4/provenance.html
"""

from datetime import timedelta
from typing import Any, Literal

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.provenance import Provenance, ProvenanceAgent
from fhir.resources.R4B.task import Task

from fhir_server.alliance import systems
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import concept, meta, reference
from fhir_server.alliance.sample.referrals import Referral
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_REFUSED = "患者已入院手术，无法取消"


def wish_to_cancel(
    world: World, found: Referral, task: Resource, answer: Literal["accepted", "rejected"]
) -> Resource:
    """By the placer; answered by the filler a quarter of an hour later, at the last change of the Task."""
    case = found.case
    ended: Any = case.milestones[-1][1]
    asked: Any = ended - timedelta(minutes=15)
    return plain(
        Task(
            id=world.id("wish", case.key),
            meta=meta("cancellation-request-task", test=case.test),
            status=answer,
            statusReason=CodeableConcept(text=_REFUSED) if answer == "rejected" else None,
            intent="order",
            code=concept(systems.TASK_CODE, "abort", "Mark the focal resource as no longer active"),
            focus=reference(task),
            authoredOn=asked,
            lastModified=ended,
            requester=reference(case.sender.role),
            owner=reference(case.receiver.member.organization),
            reasonCode=CodeableConcept(text="家属要求取消转诊"),
        )
    )


def hand_over(world: World, found: Referral, task: Resource) -> Resource:
    """The Provenance that names the hospital as the owner before; when the patient had arrived."""
    case = found.case
    recorded: Any = case.arrival
    organization = reference(case.receiver.member.organization)
    performer = concept(_PARTICIPANT, "performer", "Performer")
    return plain(
        Provenance(
            id=world.id("hand-over", case.key),
            meta=meta("alliance-provenance", test=case.test),
            target=[reference(task)],
            recorded=recorded,
            activity=CodeableConcept(text="T15 hand over"),
            agent=[ProvenanceAgent(type=performer, who=organization)],
        )
    )

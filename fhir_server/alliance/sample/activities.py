"""What rotating experts do where they are posted: an Appointment without a patient for each session.

https://hl7.org/fhir/R4/appointment.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from fhir.resources.R4B.appointment import Appointment, AppointmentParticipant
from fhir.resources.R4B.extension import Extension

from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import extension, local, meta, nested, reference
from fhir_server.alliance.sample.rotations import Rotation
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

ACTIVITIES = {
    "outpatient": "坐诊",
    "free-clinic": "义诊",
    "ward-round": "查房",
    "teaching-round": "教学查房",
    "surgery": "手术",
    "lecture": "讲座",
    "training": "培训",
    "case-discussion": "病历讨论",
    "consult": "会诊",
    "supervision": "带教",
    "circuit-guidance": "巡回指导",
}
CLINICS = ("outpatient", "free-clinic", "circuit-guidance")
COURSES = ("lecture", "training")


@dataclass(frozen=True, slots=True)
class Session:
    """An activity before it is written down."""

    kind: str
    rotation: Rotation
    start: datetime
    status: str = "fulfilled"
    people: int | None = None  # served in a clinic, or who attended a course; None: neither
    test: bool = False


def activity(world: World, number: int, session: Session) -> Resource:
    name = session.rotation.expert.practitioner["name"][0]["text"]
    done = session.status == "fulfilled"
    participants = (reference(session.rotation.role), reference(session.rotation.host.location))
    return plain(
        Appointment(
            id=world.id("activity", f"{number:03}"),
            meta=meta("rotation-activity", test=session.test),
            extension=list(_outcome(session)) if done else None,
            status=session.status,
            cancelationReason=local("cancel-reason", "expert-unavailable", "专家另有任务")
            if session.status == "cancelled"
            else None,
            serviceType=[local("rotation-activity", session.kind, ACTIVITIES[session.kind])],
            description=f"{name}{ACTIVITIES[session.kind]}",
            start=session.start,
            end=session.start + timedelta(hours=3),
            participant=[
                AppointmentParticipant(actor=actor, required="required", status="accepted")
                for actor in participants
            ],
        )
    )


def _outcome(session: Session) -> Iterator[Extension]:
    if session.kind in CLINICS:
        yield extension("served-count", valueUnsignedInt=session.people)
    elif session.kind in COURSES:
        yield extension("attendee-count", valueUnsignedInt=session.people)
    else:
        text = Extension(url="summary", valueString=f"{ACTIVITIES[session.kind]}已完成")
        yield nested("activity-outcome", [text])

"""What rotating experts do where they are posted: an Appointment without a patient for each session.

https://hl7.org/fhir/R4/appointment.html
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from random import Random

from fhir.resources.R4B.appointment import Appointment, AppointmentParticipant
from fhir.resources.R4B.extension import Extension

from fhir_server.alliance.sample.elements import extension, local, meta, plain, reference
from fhir_server.alliance.sample.practitioners import Rotation
from fhir_server.resource import Resource

SHANGHAI = timezone(timedelta(hours=8))
TODAY = date(2026, 11, 23)
"""The day of the sample: sessions before it took place (or did not), later ones are booked."""

_ACTIVITIES = {
    "outpatient": "坐诊",
    "free-clinic": "义诊",
    "ward-round": "查房",
    "teaching-round": "教学查房",
    "surgery": "手术",
    "lecture": "讲座",
    "case-discussion": "病例讨论",
    "consult": "会诊",
}
_TAUGHT = ("teaching-round", "lecture", "case-discussion")


def activities(rotations: list[Rotation]) -> Iterator[Resource]:
    """Two sessions of each posting; trainees hold none."""
    chance = Random("alliance/activities")
    number = 0
    for rotation in rotations:
        if rotation.mode == "outbound-training":
            continue
        for day in (rotation.start + timedelta(days=2), rotation.start + timedelta(weeks=6)):
            number += 1
            yield _activity(number, rotation, day, chance)


def _activity(number: int, rotation: Rotation, day: date, chance: Random) -> Resource:
    kind = list(_ACTIVITIES)[number % len(_ACTIVITIES)]
    start = datetime.combine(day, time(chance.choice((8, 9, 14)), 30), SHANGHAI)
    status = "booked" if day >= TODAY else "cancelled" if chance.randrange(12) == 0 else "fulfilled"
    participants = (reference(rotation.role), reference(rotation.host.location))
    return plain(
        Appointment(
            id=f"activity-{number:03}",
            meta=meta(),
            extension=list(_counts(kind, chance)) if status == "fulfilled" else None,
            status=status,
            cancelationReason=local("cancel-reason", "expert-unavailable", "专家另有任务")
            if status == "cancelled"
            else None,
            serviceType=[local("rotation-activity", kind, _ACTIVITIES[kind])],
            description=f"{rotation.expert.practitioner['name'][0]['text']}{_ACTIVITIES[kind]}",
            start=start,
            end=start + timedelta(hours=3),
            participant=[
                AppointmentParticipant(actor=actor, required="required", status="accepted")
                for actor in participants
            ],
        )
    )


def _counts(kind: str, chance: Random) -> Iterator[Extension]:
    if kind in _TAUGHT:
        yield extension("attendee-count", valueUnsignedInt=chance.randrange(15, 60))
    else:
        served = chance.randrange(1, 6) if kind == "surgery" else chance.randrange(5, 60)
        yield extension("served-count", valueUnsignedInt=served)

"""Postings: experts sent to other members, doctors sent up to train, and the agreements they go under.

https://hl7.org/fhir/R4/practitionerrole.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.practitionerrole import PractitionerRole

from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import extension, local, meta, period, reference
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.specialties import SPECIALTIES
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

ROTATION_MODES = {
    "long-term-posting": "长期派驻",
    "periodic": "定期",
    "sink-team": "下沉团队",
    "flexible": "柔性引才",
    "secondment": "挂职",
    "special-envoy": "卫生科技特派员",
    "circuit": "巡回指导",
    "outbound-training": "进修",
    "residency": "规范化培训",
}


@dataclass(frozen=True, slots=True)
class Posting:
    """A rotation before it is written down."""

    expert: Doctor
    host: Member
    mode: str
    start: date
    end: date
    batch: str | None = None  # None: not sent as one of a team
    planned: int | None = None  # sessions; None: not agreed
    agreement: Resource | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class Rotation:
    role: Resource
    posting: Posting

    @property
    def expert(self) -> Doctor:
        return self.posting.expert

    @property
    def host(self) -> Member:
        return self.posting.host


def rotation(world: World, number: int, posting: Posting) -> Rotation:
    expert, host, mode = posting.expert, posting.host, posting.mode
    role = plain(
        PractitionerRole(
            id=world.id("rotation", f"{number:03}"),
            meta=meta("rotation-practitioner-role", test=posting.test),
            extension=list(_extensions(posting)),
            active=True,
            period=period(posting.start, posting.end),
            practitioner=reference(expert.practitioner),
            organization=reference(host.organization),
            code=[local("rotation-mode", mode, ROTATION_MODES[mode])],
            specialty=[local("specialty", expert.specialty, SPECIALTIES[expert.specialty])],
            location=[reference(host.location)],
        )
    )
    return Rotation(role, posting)


def _extensions(posting: Posting) -> Iterator[Extension]:
    yield extension("home-organization", valueReference=reference(posting.expert.member.organization))
    if posting.agreement:
        yield extension("agreement", valueReference=reference(posting.agreement))
    if posting.batch:
        yield extension("batch", valueString=posting.batch)
    if posting.planned:
        yield extension("planned-sessions", valueUnsignedInt=posting.planned)

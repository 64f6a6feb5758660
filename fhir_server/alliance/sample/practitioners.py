"""The members' doctors.

https://hl7.org/fhir/R4/practitionerrole.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from fhir.resources.R4B.practitioner import Practitioner, PractitionerQualification
from fhir.resources.R4B.practitionerrole import PractitionerRole

from fhir_server.alliance import systems
from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import concept, human_names, identifier, local, meta, reference
from fhir_server.alliance.sample.names import name
from fhir_server.alliance.sample.specialties import SPECIALTIES
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

# GB/T 8561
_TITLES = (("231", "主任医师"), ("232", "副主任医师"), ("233", "主治医师"), ("234", "医师"))


@dataclass(frozen=True, slots=True)
class Doctor:
    practitioner: Resource
    role: Resource
    member: Member
    specialty: str


class Staff:
    """The doctors of a network, by member."""

    def __init__(self, doctors: list[Doctor]) -> None:
        self.doctors = doctors
        self._of: dict[str, list[Doctor]] = {}
        for doctor in doctors:
            self._of.setdefault(doctor.member.key, []).append(doctor)

    def of(self, *members: Member) -> list[Doctor]:
        return [doctor for member in members for doctor in self._of.get(member.key, ())]

    def one(self, member: Member, specialty: str) -> Doctor:
        """One of that specialty, else the first one of the member."""
        own = self._of[member.key]
        return next((doctor for doctor in own if doctor.specialty == specialty), own[0])


def staff(world: World, numbers: Iterable[tuple[Member, int]], peoples: Sequence[str] = ("01",)) -> Staff:
    """So many doctors for each of the members."""
    chance = world.chance("practitioners")
    return Staff(
        [
            _doctor(world, member, place, chance, peoples)
            for member, number in numbers
            for place in range(1, number + 1)
        ]
    )


def _doctor(world: World, member: Member, place: int, chance: Random, peoples: Sequence[str]) -> Doctor:
    gender = chance.choice(("male", "female"))
    hospital = member.site.kind < "B"
    specialty = list(SPECIALTIES)[(place - 1) % len(SPECIALTIES)] if hospital else "general-practice"
    title = _TITLES[min(place // 3, 3)] if hospital else _TITLES[2 if place == 1 else 3]
    practitioner = plain(
        Practitioner(
            id=world.id("practitioner", f"{member.key}-{place}"),
            meta=meta("alliance-practitioner"),
            identifier=[identifier(systems.PRACTITIONER_LICENCE, f"{member.code}{place:06}", "MD")],
            active=True,
            name=human_names(name(chance, gender, peoples)),
            gender=gender,
            birthDate=date(1956, 1, 1) + timedelta(days=chance.randrange(12000)),
            qualification=[PractitionerQualification(code=concept(systems.GB8561, *title))],
        )
    )
    role = plain(
        PractitionerRole(
            id=world.id("role", f"{member.key}-{place}"),
            meta=meta(),
            active=True,
            practitioner=reference(practitioner),
            organization=reference(member.organization),
            code=[local("practitioner-role", "doctor", "医师")],
            specialty=[local("specialty", specialty, SPECIALTIES[specialty])],
            location=[reference(member.location)],
        )
    )
    return Doctor(practitioner, role, member, specialty)

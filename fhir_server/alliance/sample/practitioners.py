"""The members' doctors, and the experts who rotate between members.

https://hl7.org/fhir/R4/practitionerrole.html
"""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.humanname import HumanName
from fhir.resources.R4B.practitioner import Practitioner, PractitionerQualification
from fhir.resources.R4B.practitionerrole import PractitionerRole

from fhir_server.alliance import systems
from fhir_server.alliance.sample.elements import (
    concept,
    extension,
    identifier,
    local,
    meta,
    period,
    person_meta,
    plain,
    reference,
)
from fhir_server.alliance.sample.names import Name, name
from fhir_server.alliance.sample.organizations import Member
from fhir_server.alliance.sample.regions import LEAD
from fhir_server.alliance.sample.services import SPECIALTIES
from fhir_server.resource import Resource

# GB/T 8561
_TITLES = (("231", "主任医师"), ("232", "副主任医师"), ("233", "主治医师"), ("234", "医师"))

ROTATION_MODES = {
    "long-term-posting": "长期派驻",
    "periodic": "定期坐诊",
    "sink-team": "下沉团队",
    "flexible": "柔性引才",
    "secondment": "挂职",
    "circuit": "巡回指导",
    "outbound-training": "进修",
}


@dataclass(frozen=True, slots=True)
class Doctor:
    practitioner: Resource
    role: Resource
    member: Member
    specialty: str


@dataclass(frozen=True, slots=True)
class Rotation:
    role: Resource
    expert: Doctor
    host: Member
    mode: str
    start: date
    end: date


def doctors(members: list[Member]) -> list[Doctor]:
    """Eighteen in the lead hospital, five in the others, two in a township centre, one in a village."""
    chance = Random("alliance/practitioners")
    found = []
    for member in members:
        number = {"county": 18 if member.county is LEAD else 5, "township": 2, "village": 1}[member.tier]
        found += [_doctor(member, place, chance) for place in range(1, number + 1)]
    return found


def _doctor(member: Member, place: int, chance: Random) -> Doctor:
    gender = chance.choice(("male", "female"))
    specialty = "general-practice"
    if member.tier == "county":
        specialty = list(SPECIALTIES)[place % len(SPECIALTIES)]
    title = _TITLES[min(place // 2, 3)] if member.tier == "county" else _TITLES[2 if place == 1 else 3]
    practitioner = plain(
        Practitioner(
            id=f"practitioner-{member.key}-{place}",
            meta=person_meta(),
            identifier=[identifier(systems.PRACTITIONER_LICENCE, f"{member.code}{place:06}", "MD")],
            active=True,
            name=human_names(name(chance, gender)),
            gender=gender,
            birthDate=date(1962, 1, 1) + timedelta(days=chance.randrange(12000)),
            qualification=[PractitionerQualification(code=concept(systems.GB8561, *title))],
        )
    )
    role = plain(
        PractitionerRole(
            id=f"role-{member.key}-{place}",
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


def human_names(of: Name) -> list[HumanName]:
    """The name in characters, and its pinyin."""
    given: list[str | None] | None = [of.given] if of.given else None
    syllables: list[str | None] = list(of.pinyin.split(" ", 1))
    return [
        HumanName(
            extension=[_representation("IDE")], use="official", text=of.text, family=of.family, given=given
        ),
        HumanName(
            extension=[_representation("SYL")],
            text=of.pinyin,
            family=syllables[0] if of.family else None,
            given=syllables[1:] if of.family else None,
        ),
    ]


def _representation(code: str) -> Extension:
    return Extension(url=systems.NAME_REPRESENTATION, valueCode=code)


def rotations(found: list[Doctor], members: list[Member]) -> list[Rotation]:
    """Experts of county hospitals posted to other members, and doctors of townships sent up to train."""
    chance = Random("alliance/rotations")
    hospitals = [member for member in members if member.tier == "county"]
    townships = [member for member in members if member.tier == "township"]
    experts = [doctor for doctor in found if doctor.member.county is LEAD and doctor.member.tier == "county"]
    modes = [mode for mode in ROTATION_MODES if mode != "outbound-training"]
    down = [
        _rotation(
            number, expert, chance.choice(hospitals[1:] + townships), modes[number % len(modes)], chance
        )
        for number, expert in enumerate(experts * 2, start=1)
    ]
    learners = [doctor for doctor in found if doctor.member.tier == "township"][::3]
    up = [
        _rotation(number, learner, hospitals[0], "outbound-training", chance)
        for number, learner in enumerate(learners, start=len(down) + 1)
    ]
    return down + up


def _rotation(number: int, expert: Doctor, host: Member, mode: str, chance: Random) -> Rotation:
    start = date(2026, 1, 5) + timedelta(weeks=chance.randrange(40))
    end = start + timedelta(weeks=26 if mode in ("long-term-posting", "secondment") else 12)
    role = plain(
        PractitionerRole(
            id=f"rotation-{number:03}",
            meta=meta(),
            extension=[
                extension("home-organization", valueReference=reference(expert.member.organization)),
                extension("batch", valueString=f"2026-{start.month // 4 + 1}"),
                extension("planned-sessions", valueUnsignedInt=chance.randrange(4, 25)),
            ],
            active=True,
            period=period(start, end),
            practitioner=reference(expert.practitioner),
            organization=reference(host.organization),
            code=[local("rotation-mode", mode, ROTATION_MODES[mode])],
            specialty=[local("specialty", expert.specialty, SPECIALTIES[expert.specialty])],
            location=[reference(host.location)],
        )
    )
    return Rotation(role, expert, host, mode, start, end)

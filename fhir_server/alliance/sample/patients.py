"""Invented residents; their identity numbers are made up and have a right check character.

Among them are those that trouble a register: twins, people who stand in it twice, people without a name or
without a number, numbers that are wrong.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from fhir.resources.R4B.address import Address
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.contactpoint import ContactPoint
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.identifier import Identifier
from fhir.resources.R4B.patient import Patient, PatientLink

from fhir_server.alliance import systems
from fhir_server.alliance.identifiers import resident_number
from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.dump import plain, shared
from fhir_server.alliance.sample.elements import (
    code_extension,
    concept,
    extension,
    human_names,
    identifier,
    meta,
    reference,
)
from fhir_server.alliance.sample.names import PEOPLES, SURNAMES, Name, name, unknown, with_family
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.regions import County
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

_ADULTS = (date(1932, 1, 1), 55 * 365)
_MOTHERS = (date(1982, 1, 1), 14 * 365)


@dataclass(frozen=True, slots=True)
class Person:
    called: Name
    gender: str
    born: date | None  # None: not known
    number: str | None  # resident identity number; None: not known
    verified: bool = True  # its check character is right


class Register:
    """The patients of one network, numbered as they come."""

    def __init__(self, world: World, peoples: Sequence[str] = ("01",)) -> None:
        self._world = world
        self._chance = world.chance("patients")
        self._peoples = peoples
        self._given_out: set[str] = set()
        self._people: dict[str, Person] = {}

    def resident(self, home: Doctor, *, expecting: bool = False, test: bool = False) -> Resource:
        """Whom `home` sends; `expecting`: a woman of the age for it."""
        return self._patient(self._person(home, expecting=expecting), home, test=test)

    def twins(self, home: Doctor) -> tuple[Resource, Resource]:
        """Children of one day, one family name and one address."""
        chance = self._chance
        born = date(2011, 1, 1) + timedelta(days=chance.randrange(5 * 365))
        family = chance.choice(list(SURNAMES))
        boy, girl = (
            Person(
                with_family(family, chance, gender, self._peoples[0]),
                gender,
                born,
                self._number(home.member.county, born, gender),
            )
            for gender in ("male", "female")
        )
        return self._patient(boy, home), self._patient(girl, home)

    def twice(self, known: Resource, home: Doctor) -> Resource:
        """The same person as another hospital has registered him; replaced by the one that is known."""
        return self._patient(self._people[known["id"]], home, replaced_by=known)

    def nameless(self, home: Doctor) -> Resource:
        """Brought in by ambulance, not known by name; no identity number, no day of birth."""
        gender = self._chance.choice(("male", "female"))
        return self._patient(Person(unknown(gender, len(self._people) + 1), gender, None, None), home)

    def misnumbered(self, home: Doctor) -> Resource:
        """The number that was written down is wrong: it is kept, but not as an identity number."""
        person = self._person(home)
        assert person.number is not None
        last = "X0123456789".index(person.number[-1])
        wrong = person.number[:-1] + "0123456789X"[last]
        return self._patient(replace(person, number=wrong, verified=False), home)

    def _person(self, home: Doctor, *, expecting: bool = False) -> Person:
        gender = "female" if expecting else self._chance.choice(("male", "female"))
        first, days = _MOTHERS if expecting else _ADULTS
        born = first + timedelta(days=self._chance.randrange(days))
        called = name(self._chance, gender, self._peoples)
        return Person(called, gender, born, self._number(home.member.county, born, gender))

    def _number(self, county: County, born: date, gender: str) -> str:
        while True:
            # an odd sequence is a man's; people of different seeds do not have the same one
            place = 8 * self._chance.randrange(62) + self._world.seed % 8
            sequence = 2 * place + (gender == "male")
            found = resident_number(county.division, born, sequence)
            if found not in self._given_out:
                self._given_out.add(found)
                return found

    def _patient(
        self, person: Person, home: Doctor, *, replaced_by: Resource | None = None, test: bool = False
    ) -> Resource:
        count = len(self._people) + 1
        id_ = self._world.id("patient", f"{count:03}")
        self._people[id_] = person
        member = home.member
        known = person.born is not None
        return plain(
            Patient(
                id=id_,
                meta=meta("alliance-patient", test=test),
                extension=list(_extensions(person)) or None,
                identifier=list(_identifiers(person, member, count)),
                active=replaced_by is None,
                name=human_names(person.called, "official" if known else "temp"),
                # no subscriber number begins with 1990000
                telecom=[ContactPoint(system="phone", value=f"1990000{count:04}", use="mobile")]
                if known
                else None,
                gender=person.gender,
                birthDate=person.born,
                address=[_home(member.county)] if known else None,
                generalPractitioner=[reference(home.practitioner)] if known else None,
                managingOrganization=reference(member.organization),
                link=[PatientLink(other=reference(replaced_by), type="replaced-by")] if replaced_by else None,
            )
        )


def _identifiers(person: Person, member: Member, count: int) -> Iterator[Identifier]:
    if person.number and person.verified:
        yield identifier(systems.RESIDENT_NUMBER, person.number, "NI")
    elif person.number:
        unverified = CodeableConcept(text="居民身份证号（校验未通过）")
        system = systems.local_system(member.code, "unverified")
        yield Identifier(type=unverified, system=system, value=person.number)
    yield identifier(systems.local_system(member.code, "mrn"), f"{count:08}", "MR", member.organization)


def _extensions(person: Person) -> Iterator[Extension]:
    if people := PEOPLES.get(person.called.people):
        yield _ethnicity(person.called.people, people)


@cache
def _ethnicity(code: str, display: str) -> Extension:
    named = concept(systems.GB3304, code, display)
    return shared(extension("ethnicity-gb3304", valueCodeableConcept=named))


@cache
def _home(county: County) -> Address:
    return shared(
        Address(
            extension=[code_extension("division-code", county.division)],
            use="home",
            text=f"{county.province}{county.prefecture}{county.name}",
            city=county.prefecture,
            district=county.name,
            state=county.province,
            country="CN",
        )
    )

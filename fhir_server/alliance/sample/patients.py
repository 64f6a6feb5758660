"""Invented residents of the counties; their identity numbers are made up and have a right check character."""

from datetime import date, timedelta
from random import Random

from fhir.resources.R4B.address import Address
from fhir.resources.R4B.contactpoint import ContactPoint
from fhir.resources.R4B.patient import Patient

from fhir_server.alliance import systems
from fhir_server.alliance.identifiers import resident_number
from fhir_server.alliance.sample.elements import concept, extension, identifier, person_meta, plain, reference
from fhir_server.alliance.sample.names import Name, name
from fhir_server.alliance.sample.organizations import Member
from fhir_server.alliance.sample.practitioners import Doctor, human_names
from fhir_server.resource import Resource

_MOTHERS = (date(1988, 1, 1), 14 * 365)
_ADULTS = (date(1938, 1, 1), 55 * 365)


def patient(number: int, home: Doctor, chance: Random, *, expecting: bool) -> Resource:
    """A resident whom `home` sends; `expecting`: a woman of the age for it."""
    gender = "female" if expecting else chance.choice(("male", "female"))
    first, days = _MOTHERS if expecting else _ADULTS
    born = first + timedelta(days=chance.randrange(days))
    member = home.member
    # an odd third digit of the sequence is a man's
    identity = resident_number(member.county.division, born, 100 + 2 * number + (gender == "male"))
    called = name(chance, gender)
    return plain(
        Patient(
            id=f"patient-{number:03}",
            meta=person_meta(),
            extension=[extension("ethnicity-gb3304", valueCodeableConcept=_ethnicity(called))],
            identifier=[
                identifier(systems.RESIDENT_NUMBER, identity, "NI"),
                identifier(
                    systems.local_system(member.code, "mrn"), f"{number:08}", "MR", member.organization
                ),
            ],
            active=True,
            name=human_names(called),
            # no subscriber number begins with 1990000
            telecom=[ContactPoint(system="phone", value=f"1990000{number:04}", use="mobile")],
            gender=gender,
            birthDate=born,
            address=[_home(member)],
            generalPractitioner=[reference(home.practitioner)],
            managingOrganization=reference(member.organization),
        )
    )


def _ethnicity(called: Name) -> object:
    if called.family:
        return concept(systems.GB3304, "HA", "汉族")
    return (
        concept(systems.GB3304, "UG", "维吾尔族")
        if called.text[0] in "阿古"
        else concept(systems.GB3304, "ZA", "藏族")
    )


def _home(member: Member) -> Address:
    county = member.county
    return Address(
        extension=[extension("division-code", valueCode=county.division)],
        use="home",
        text=f"{county.province}{county.prefecture}{county.name}",
        city=county.prefecture,
        district=county.name,
        state=county.province,
        country="CN",
    )

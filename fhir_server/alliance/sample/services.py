"""What the members offer: departments, centres, teleconsultation, general practice, new techniques.

https://hl7.org/fhir/R4/healthcareservice.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time

from fhir.resources.R4B.healthcareservice import HealthcareService, HealthcareServiceAvailableTime

from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import extension, local, meta, reference
from fhir_server.alliance.sample.specialties import SPECIALTIES
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

SERVICE_TYPES = {
    "department": "专科门诊和住院",
    "general-practice": "全科诊疗",
    "chest-pain-center": "胸痛中心",
    "stroke-center": "卒中中心",
    "teleconsultation": "远程会诊",
    "education": "教育培训",
    "expert-workstation": "专家工作站",
    "rehabilitation": "康复治疗",
}
ACCREDITATIONS = {"standard": "标准版", "basic": "基层版", "demonstration": "示范中心"}
_WORKDAYS: list[str | None] = ["mon", "tue", "wed", "thu", "fri"]


@dataclass(frozen=True, slots=True)
class Offer:
    kind: str
    name: str  # without the hospital in front
    specialty: str
    accreditation: str | None = None  # of a centre; None: it is no centre
    new_since: date | None = None  # a technique that the member did not have before; None: it is none


def departments(*specialties: str) -> list[Offer]:
    return [Offer("department", SPECIALTIES[specialty], specialty) for specialty in specialties]


def services(world: World, offers: Iterable[tuple[Member, list[Offer]]]) -> Iterator[Resource]:
    for member, offered in offers:
        for number, offer in enumerate(offered, start=1):
            yield service(world, f"{member.key}-{number}", member, offer)


def service(world: World, key: str, member: Member, offer: Offer, *, test: bool = False) -> Resource:
    around_the_clock = HealthcareServiceAvailableTime(allDay=True)
    office_hours = HealthcareServiceAvailableTime(
        daysOfWeek=_WORKDAYS, availableStartTime=time(8, 0), availableEndTime=time(17, 30)
    )
    centre = offer.accreditation
    profile = "center-healthcare-service" if centre else "alliance-healthcare-service"
    return plain(
        HealthcareService(
            id=world.id("service", key),
            meta=meta(profile, test=test),
            extension=[extension("new-technology", valueDate=offer.new_since)] if offer.new_since else None,
            active=True,
            providedBy=reference(member.organization),
            type=[local("service-type", offer.kind, SERVICE_TYPES[offer.kind])],
            specialty=[local("specialty", offer.specialty, SPECIALTIES[offer.specialty])],
            location=[reference(member.location)],
            name=f"{member.organization['name']}{offer.name}",
            characteristic=[local("accreditation", centre, ACCREDITATIONS[centre])] if centre else None,
            appointmentRequired=centre is None,
            availableTime=[around_the_clock if centre else office_hours],
        )
    )

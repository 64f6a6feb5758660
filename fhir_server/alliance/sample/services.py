"""What the members offer: departments, centres, teleconsultation, general practice."""

from collections.abc import Iterator
from datetime import time

from fhir.resources.R4B.healthcareservice import HealthcareService, HealthcareServiceAvailableTime

from fhir_server.alliance.sample.elements import local, meta, plain, reference
from fhir_server.alliance.sample.organizations import Member
from fhir_server.alliance.sample.regions import LEAD
from fhir_server.resource import Resource

SPECIALTIES = {
    "cardiology": "心血管内科",
    "neurology": "神经内科",
    "orthopaedics": "骨科",
    "obstetrics": "产科",
    "respiratory": "呼吸与危重症医学科",
    "rehabilitation": "康复医学科",
    "general-practice": "全科医学科",
}

# kind of service, its name, specialty
_LEAD_SERVICES = (
    ("chest-pain-center", "胸痛中心", "cardiology"),
    ("stroke-center", "脑卒中中心", "neurology"),
    ("department", "骨科", "orthopaedics"),
    ("department", "产科", "obstetrics"),
    ("department", "呼吸与危重症医学科", "respiratory"),
    ("teleconsultation", "远程会诊中心", "general-practice"),
    ("education", "规范化培训基地", "general-practice"),
)
_COUNTY_SERVICES = (
    ("department", "心血管内科", "cardiology"),
    ("department", "神经内科", "neurology"),
    ("department", "康复医学科", "rehabilitation"),
)
_OFFERED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "lead": _LEAD_SERVICES,
    "county": _COUNTY_SERVICES,
    "township": (("general-practice", "全科门诊", "general-practice"),),
    "village": (),
}
_WORKDAYS: list[str | None] = ["mon", "tue", "wed", "thu", "fri"]


def services(members: list[Member]) -> Iterator[Resource]:
    """In the order of the members; a village clinic offers none of its own."""
    for member in members:
        offered = _OFFERED["lead" if member.county is LEAD and member.tier == "county" else member.tier]
        for number, (kind, name, specialty) in enumerate(offered, start=1):
            yield _service(member, number, kind, name, specialty)


def _service(member: Member, number: int, kind: str, name: str, specialty: str) -> Resource:
    around_the_clock = HealthcareServiceAvailableTime(allDay=True)
    office_hours = HealthcareServiceAvailableTime(
        daysOfWeek=_WORKDAYS, availableStartTime=time(8, 0), availableEndTime=time(17, 30)
    )
    return plain(
        HealthcareService(
            id=f"service-{member.key}-{number}",
            meta=meta(),
            active=True,
            providedBy=reference(member.organization),
            type=[local("service-type", kind, name)],
            specialty=[local("specialty", specialty, SPECIALTIES[specialty])],
            location=[reference(member.location)],
            name=f"{member.organization['name']}{name}",
            appointmentRequired=not kind.endswith("center"),
            availableTime=[around_the_clock if kind.endswith("center") else office_hours],
        )
    )

"""A small alliance for reports: resources as short as the base specification lets them be."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fhir_server.alliance import systems
from fhir_server.alliance.report.period import read_period
from fhir_server.alliance.report.report import Report, Wanted, report
from fhir_server.resource import Resource
from tests.interactions.fhir import BASE, Fhir, put

NETWORK, UPPER, COUNTY, TOWNSHIP, VILLAGE, OUTSIDE = (
    f"Organization/{name}" for name in ("network", "upper", "county", "township", "village", "outside")
)
_TIERS = {UPPER: "prefecture", COUNTY: "county", TOWNSHIP: "township", VILLAGE: "village", OUTSIDE: "county"}
_NEVER = "2018-01-01T00:00:00+08:00"  # of a task that reached nothing
HTEST = {"security": [{"system": systems.ACT_REASON, "code": "HTEST"}]}


def extension(name: str, **value: Any) -> Resource:
    return {"url": systems.extension_url(name)} | value


def parts(name: str, **values: Any) -> Resource:
    """A complex extension: `parts("milestone", businessStatus={"valueCode": "arrived"})`."""
    return extension(name, extension=[{"url": url} | value for url, value in values.items()])


def concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": systems.code_system(system), "code": code}]}


def ref(name: str) -> Resource:
    return {"reference": name}


def organization(name: str, /, **elements: Any) -> Resource:
    tier = {"type": [concept("organization-tier", _TIERS[name])]} if name in _TIERS else {}
    id_ = name.split("/")[1]
    return {"resourceType": "Organization", "id": id_, "active": True, "name": name} | tier | elements


def affiliation(
    member: str, *, id_: str | None = None, mode: str = "tight", network: str = NETWORK, **elements: Any
) -> Resource:
    return {
        "resourceType": "OrganizationAffiliation",
        "id": id_ or f"in-{member.split('/')[1]}",
        "active": True,
        "period": {"start": "2017-01-01"},
        "organization": ref(network),
        "participatingOrganization": ref(member),
        "code": [concept("governance-tier", "member"), concept("cooperation-mode", mode)],
    } | elements


def role(id_: str, at: str, **elements: Any) -> Resource:
    return {"resourceType": "PractitionerRole", "id": id_, "organization": ref(at)} | elements


def request(id_: str, by: str = "role-village", to: str = COUNTY, **elements: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest", "id": id_, "status": "active", "intent": "order",
        "subject": ref("Patient/p"), "requester": ref(f"PractitionerRole/{by}"), "performer": [ref(to)],
        "reasonCode": [{"coding": [{"system": systems.ICD10, "code": "I21.900"}]}],
    } | elements  # fmt: skip


def task(  # noqa: PLR0913
    id_: str,
    reached: dict[str, str],
    *,
    direction: str = "up",
    setting: str = "I",
    kind: str = "referral",
    green: str | None = None,
    patient: str = "Patient/p",
    by: str = "role-village",
    owner: str = COUNTY,
    **elements: Any,
) -> Resource:
    """reached: business status, time"""
    marks = [
        parts("milestone", businessStatus={"valueCode": status}, time={"valueDateTime": time})
        for status, time in reached.items()
    ]
    channel = (
        [parts("green-channel", type={"valueCodeableConcept": concept("green-channel-type", green)})]
        if green
        else []
    )
    return {
        "resourceType": "Task", "id": id_, "status": "in-progress", "intent": "order",
        "code": {"coding": [{"system": systems.TASK_CODE, "code": "fulfill"}]},
        "focus": ref(f"ServiceRequest/sr-{id_}"), "for": ref(patient),
        "authoredOn": min(reached.values(), default=_NEVER, key=datetime.fromisoformat),
        "lastModified": max(reached.values(), default=_NEVER, key=datetime.fromisoformat),
        "requester": ref(f"PractitionerRole/{by}"), "owner": ref(owner),
        "extension": [
            extension("referral-direction", valueCode=direction),
            extension("care-setting", valueCode=setting),
            extension("focus-category", valueCodeableConcept=concept("referral-kind", kind)),
            *channel, *marks,
        ],
    } | elements  # fmt: skip


def rotation(
    id_: str, practitioner: str, mode: str = "periodic", start: str = "2018-02-01", **elements: Any
) -> Resource:
    """From the county hospital to the township; elements may name `end`, `home`, `batch`."""
    extensions = [extension("home-organization", valueReference=ref(elements.pop("home", COUNTY)))]
    if batch := elements.pop("batch", None):
        extensions.append(extension("batch", valueString=batch))
    period = {"start": start} | ({"end": elements.pop("end")} if "end" in elements else {})
    return {
        "resourceType": "PractitionerRole", "id": id_, "period": period, "extension": extensions,
        "practitioner": ref(f"Practitioner/{practitioner}"), "organization": ref(TOWNSHIP),
        "code": [concept("rotation-mode", mode)], "specialty": [{"text": "心血管内科"}],
    } | elements  # fmt: skip


def activity(
    id_: str, kind: str, roles: Sequence[str], start: str = "2018-03-01T09:00:00+08:00", **elements: Any
) -> Resource:
    """elements may name `served`, `attended`."""
    extensions = [
        extension(name, valueUnsignedInt=elements.pop(key))
        for key, name in (("served", "served-count"), ("attended", "attendee-count"))
        if key in elements
    ]
    found = {
        "resourceType": "Appointment", "id": id_, "status": "fulfilled", "start": start,
        "end": start.replace("T09", "T11"), "serviceType": [concept("rotation-activity", kind)],
        "participant": [{"actor": ref(f"PractitionerRole/{each}"), "status": "accepted"} for each in roles],
    } | elements  # fmt: skip
    return found | {"extension": extensions} if extensions else found


def directory() -> list[Resource]:
    """A network of four members with a doctor each, and a hospital that is none of its members."""
    members = [UPPER, COUNTY, TOWNSHIP, VILLAGE]
    roles = [role(f"role-{each.split('/')[1]}", each) for each in (*members, OUTSIDE)]
    return [
        organization(NETWORK, extension=[extension("lead-organization", valueReference=ref(COUNTY))]),
        *map(organization, (*members, OUTSIDE)),
        *map(affiliation, members),
        *roles,
    ]


def store(fhir: Fhir, *resources: Resource) -> None:
    fhir.transaction(*map(put, resources))


def made(fhir: Fhir, *, of: str = NETWORK, period: str = "2018", **given: Any) -> Report:
    wanted = Wanted(of, read_period(None, None, period), **given)
    return fhir.run(report(fhir.context, wanted, BASE))


def total(fhir: Fhir, measure: str, **given: Any) -> float:
    """As the lead hospital's network counts; small numbers too."""
    return made(fhir, **given).total(measure).value


def strata(found: Report, measure: str, stratifier: str) -> dict[str, float | None]:
    """None: hidden"""
    cells = next(each.strata for each in found.figures if each.measure.id == measure)[stratifier]
    return {name: None if cell.hidden else cell.value for name, cell in cells.items()}

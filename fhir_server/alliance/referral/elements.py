"""Parts of ServiceRequests and Tasks that the rules read and write. Resources are never changed in place."""

from collections.abc import Iterator
from typing import Any

from fhir_server.alliance.systems import BASE, code_system, extension_url
from fhir_server.interactions.rules import reference_parts
from fhir_server.resource import Resource

Element = dict[str, Any]

TASK_PROFILE = extension_url("referral-task")
ABORT_PROFILE = extension_url("cancellation-request-task")
REFERRAL_PROFILE = extension_url("referral-service-request")
TELECONSULT_PROFILE = extension_url("teleconsult-service-request")
REQUEST_PROFILES = frozenset((REFERRAL_PROFILE, TELECONSULT_PROFILE))

BUSINESS_STATUS = code_system("referral-business-status")
TASK_INPUT = code_system("task-input")
TASK_OUTPUT = code_system("task-output")
CATEGORY = code_system("communication-category")
KIND = code_system("referral-kind")

MILESTONE = extension_url("milestone")
DIRECTION = extension_url("referral-direction")
SETTING = extension_url("care-setting")
FOCUS_CATEGORY = extension_url("focus-category")
GREEN_CHANNEL = extension_url("green-channel")
LEGAL_BASIS = extension_url("legal-basis")

_IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"


def code(concept: Any, system: str) -> str | None:
    """The code that a CodeableConcept has of one system."""
    for coding in (concept or {}).get("coding", ()):
        if coding.get("system") == system:
            found: str | None = coding.get("code")
            return found
    return None


def concept(system: str, code: str, display: str | None = None) -> Element:
    coding = {"system": system, "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]}


def business_status(task: Resource | None) -> str | None:
    return code((task or {}).get("businessStatus"), BUSINESS_STATUS)


def claims(resource: Resource | None, *profiles: str) -> bool:
    """Whether `meta.profile` names one of `profiles`, with or without a version."""
    claimed = (resource or {}).get("meta", {}).get("profile", ())
    return any(each.partition("|")[0] in profiles for each in claimed)


def extension(resource: Resource, url: str) -> Element | None:
    found: Element | None = next((each for each in resource.get("extension", ()) if each["url"] == url), None)
    return found


def extension_code(resource: Resource, url: str) -> str | None:
    """The code of an extension with `valueCode`, or of the first coding of a `valueCodeableConcept`."""
    found = extension(resource, url) or {}
    coded = found.get("valueCode")
    if coded is None:
        codings = found.get("valueCodeableConcept", {}).get("coding", [])
        coded = codings[0].get("code") if codings else None
    return coded


def reference(element: Any) -> str | None:
    """`Type/id` of a Reference, without a version; None: it leads to nothing on this server."""
    parts = reference_parts((element or {}).get("reference"))
    return "/".join(parts) if parts else None


def references(elements: Any, resource_type: str) -> Iterator[str]:
    for element in elements or ():
        found = reference(element)
        if found is not None and found.startswith(f"{resource_type}/"):
            yield found


def milestones(task: Resource) -> list[str]:
    """Business statuses that were reached, in their order."""
    return [
        str(part.get("valueCode"))
        for each in task.get("extension", ())
        if each["url"] == MILESTONE
        for part in each.get("extension", ())
        if part["url"] == "businessStatus"
    ]


def milestone(business: str, time: str) -> Element:
    parts = [{"url": "businessStatus", "valueCode": business}, {"url": "time", "valueDateTime": time}]
    return {"url": MILESTONE, "extension": parts}


def of_type(identifier: Element, kind: str) -> bool:
    """Whether an identifier is of the type `PLAC` or `FILL`."""
    return code(identifier.get("type"), _IDENTIFIER_TYPE) == kind


def numbered(resource: Resource, kind: str) -> Element | None:
    found: Element | None = next(
        (each for each in resource.get("identifier", ()) if of_type(each, kind)), None
    )
    return found


def filler_number(organization: Resource, day: str, number: int) -> Element:
    """An identifier of the filler: `R20261128-0123456789`, unique by what `number` is drawn from."""
    return {
        "type": concept(_IDENTIFIER_TYPE, "FILL"),
        "system": f"{BASE}/id/{_code_of(organization)}/referral",
        "value": f"R{day}-{number % 10**10:010}",
        "assigner": {"reference": f"Organization/{organization['id']}"},
    }


def _code_of(organization: Resource) -> str:
    values = [str(each["value"]) for each in organization.get("identifier", ()) if each.get("value")]
    # of the first number that is fit for a URL
    return next((value for value in values if value.isascii() and value.isalnum()), str(organization["id"]))


def outputs(task: Resource, kind: str) -> list[Element]:
    return [each for each in task.get("output", ()) if code(each.get("type"), TASK_OUTPUT) == kind]

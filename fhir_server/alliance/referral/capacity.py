"""$check-capacity: how many beds are free where a referral could go, as the services and locations say.

The numbers are those of the extension `capacity`, each with the time at which it was told.
"""

from dataclasses import replace
from typing import Any

from fhir_server.alliance.elements import extensions
from fhir_server.alliance.elements import value as value_of
from fhir_server.alliance.referral.parameters import KNOWN, token_of
from fhir_server.interactions.context import Context
from fhir_server.interactions.criteria import compile_criteria
from fhir_server.interactions.operations.parameters import arguments, parameters, part
from fhir_server.interactions.request import Request, Response
from fhir_server.resource import Resource, decode

_LIMIT = 200  # services and locations that are looked at
_ACTIVE = {"HealthcareService": "active=true", "Location": "status=active"}


async def check_capacity(context: Context, request: Request) -> Response:
    """`organization` (any number; none: all), `specialty`, `serviceType`, `bedType`."""
    given = arguments(request, KNOWN["check-capacity"])
    found = []
    for resource_type, active in _ACTIVE.items():
        criteria = [active]
        if organizations := [_named(each) for each in given.values("organization")]:
            criteria.append(f"organization={','.join(organizations)}")
        for name, parameter in (("serviceType", "service-type"), ("specialty", "specialty")):
            if (value := given.value(name)) is not None:
                criteria.append(f"{parameter}={token_of(name, value)}")
        if resource_type == "Location" and len(criteria) > 1 + bool(organizations):
            continue  # only services say what they are for
        found += await _find(context, request, resource_type, "&".join(criteria))
    bed = given.value("bedType")
    bed = None if bed is None else token_of("bedType", bed).rpartition("|")[2]
    shown = [_shown(each, capacity) for each in found for capacity in extensions(each, "capacity")]
    return Response(200, resource=parameters(*(each for each in shown if bed is None or _is_of(each, bed))))


async def _find(context: Context, request: Request, resource_type: str, criteria: str) -> list[Resource]:
    where = await compile_criteria(context, replace(request, resource=None), resource_type, criteria)
    identities = await context.store.identities(resource_type, where, _LIMIT)
    return [decode(version.body) for version in await context.store.read_many(identities)]


def _named(organization: Any) -> str:
    return organization if isinstance(organization, str) else str(organization.get("reference", ""))


def _shown(resource: Resource, capacity: Any) -> dict[str, Any]:
    parts = [
        part("service", valueReference={"reference": f"{resource['resourceType']}/{resource['id']}"}),
    ]
    if (organization := resource.get("providedBy") or resource.get("managingOrganization")) is not None:
        parts.append(part("organization", valueReference=organization))
    for name, type_ in (
        ("bedType", "CodeableConcept"), ("freeBeds", "UnsignedInt"), ("totalBeds", "UnsignedInt"),
        ("updated", "DateTime"),
    ):  # fmt: skip
        found = value_of(capacity, "type" if name == "bedType" else name)
        if found is not None:
            parts.append(part(name, {f"value{type_}": found}))
    return part("capacity", part=parts)


def _is_of(shown: dict[str, Any], bed: str) -> bool:
    codings = [
        coding for each in shown["part"] for coding in each.get("valueCodeableConcept", {}).get("coding", ())
    ]
    return any(coding.get("code") == bed for coding in codings)

"""The whole sample as transaction bundles of PUT entries: what is loaded twice changes nothing.

https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fhir.resources.R4B.provenance import Provenance, ProvenanceAgent
from fhir.resources.R4B.reference import Reference

from fhir_server.alliance.sample.activities import SHANGHAI, activities
from fhir_server.alliance.sample.elements import meta, plain, reference
from fhir_server.alliance.sample.marker import MARKER
from fhir_server.alliance.sample.organizations import membership
from fhir_server.alliance.sample.practitioners import doctors, rotations
from fhir_server.alliance.sample.referrals import referrals
from fhir_server.alliance.sample.services import services
from fhir_server.resource import Resource

BUNDLE_SIZE = 250  # entries


def bundles() -> Iterator[Resource]:
    found = list(resources())
    for start in range(0, len(found), BUNDLE_SIZE):
        entries = [_entry(resource) for resource in found[start : start + BUNDLE_SIZE]]
        yield {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _entry(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def resources() -> Iterator[Resource]:
    """Every resource once, those that are referred to before those that refer to them."""
    members = membership()
    yield from members.jurisdictions
    for member in members.members:
        yield member.organization
        yield member.location
    yield from members.networks
    yield from members.affiliations
    yield from services(members.members)
    staff = doctors(members.members)
    for doctor in staff:
        yield doctor.practitioner
        yield doctor.role
    posted = rotations(staff, members.members)
    for rotation in posted:
        yield rotation.role
    yield from activities(posted)
    for referral in referrals(staff):
        yield from referral.resources
    yield _marker(members.networks[0])


def _marker(network: Resource) -> Resource:
    recorded: Any = datetime(2026, 11, 23, tzinfo=SHANGHAI)
    author = Reference(display="示例数据生成程序")
    return plain(
        Provenance(
            id=MARKER[1],
            meta=meta(),
            target=[reference(network)],
            recorded=recorded,
            agent=[ProvenanceAgent(who=author)],
        )
    )

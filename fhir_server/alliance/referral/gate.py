"""What the rules on Tasks and on ServiceRequests have in common: who acts, on which version."""

from fhir_server.alliance.referral.rights import Breach
from fhir_server.interactions.request import OPERATOR, SERVER
from fhir_server.interactions.rules import Proposal
from fhir_server.outcome import FhirError, business_rule, forbidden, precondition_required
from fhir_server.resource import Resource

HEADER = "X-Acting-Organization"


def is_loaded(proposal: Proposal) -> bool:
    """Whether an operator brings in what other systems hold already: it stands as it stands."""
    return proposal.request.organization == OPERATOR


def require_organization(proposal: Proposal) -> str:
    found = proposal.request.organization
    if found is None:
        raise forbidden(f"a referral is changed for an organisation: name it in {HEADER}: Organization/<id>")
    return found


def require_version(proposal: Proposal) -> None:
    """A referral is changed by who has seen what it changes; a new one needs no If-Match."""
    version, request = proposal.version, proposal.request
    if version is None or request.organization == SERVER:
        return
    if request.if_match is None or request.if_match.strip() == "*":
        name = f"{version.resource_type}/{version.id}"
        tag = f'W/"{version.version_id}"'
        raise precondition_required(f"{name} is changed with If-Match only, its version now is {tag}")


def refused(resource: Resource, breach: Breach) -> FhirError:
    at = f"{resource['resourceType']}.{breach.element}"
    hint = "; make a new ServiceRequest that replaces this one" if resource["resourceType"] != "Task" else ""
    return business_rule(
        f"{at} {breach.text} once the referral is active{hint if not breach.actors else ''}", at
    )


def without(resource: Resource, *names: str) -> Resource:
    return {name: value for name, value in resource.items() if name not in names}


def with_profile(resource: Resource, profile: str) -> Resource:
    """Rules do not go away with the profile in `meta`."""
    meta = resource.get("meta", {})
    return resource | {"meta": meta | {"profile": [*meta.get("profile", ()), profile]}}

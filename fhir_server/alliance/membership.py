"""Rules of the directory: organizations are no part of themselves, a member has one tier in a network.

https://hl7.org/fhir/R4/organization.html, https://hl7.org/fhir/R4/organizationaffiliation.html
"""

from fhir_server.alliance.elements import codes, end_moment, first_moment, target
from fhir_server.interactions.rules import Proposal, Rules, Unit
from fhir_server.outcome import business_rule, too_costly
from fhir_server.resource import Resource

GOVERNANCE = "governance-tier"
_LEVELS = 50  # organizations above one


async def organization(proposal: Proposal) -> Resource | None:
    """Organization.partOf makes no ring; raises 422."""
    after = proposal.after
    if after is None or "partOf" not in after:
        return after
    own = f"Organization/{proposal.id}"
    bases = (proposal.request.base_url.rstrip("/"),)
    chain = [own]
    above = target(after["partOf"], bases)
    while above is not None:
        if above in chain:
            way = " → ".join((*chain, above))
            raise business_rule(f"an organization is no part of itself: {way}", "Organization.partOf")
        if len(chain) > _LEVELS:
            raise too_costly(f"more than {_LEVELS} organizations are above {own}")
        chain.append(above)
        found = await proposal.unit.resource(above)
        above = target((found or {}).get("partOf"), bases)
    return after


async def affiliation(proposal: Proposal) -> Resource | None:
    """A member has one governance code in a network at a time; raises 422.

    It is one of active affiliations whose periods overlap, whatever profile they claim.
    """
    after = proposal.after
    if after is None or after.get("active") is False:
        return after
    tiers = list(codes(after.get("code", ()), GOVERNANCE))
    if not tiers:
        return after
    at = "OrganizationAffiliation.code"
    if len(tiers) > 1:
        raise business_rule(f"a member has one governance tier in a network, not {', '.join(tiers)}", at)
    bases = (proposal.request.base_url.rstrip("/"),)
    network, member = (
        target(after.get(name), bases) for name in ("organization", "participatingOrganization")
    )
    if network is None or member is None:
        return after
    for other in await proposal.unit.find(
        "OrganizationAffiliation", f"primary-organization={network}&participating-organization={member}"
    ):
        if other["id"] != proposal.id and other.get("active") is not False and overlap(after, other):
            held = next(codes(other.get("code", ()), GOVERNANCE), None)
            if held is not None:
                name = f"OrganizationAffiliation/{other['id']}"
                raise business_rule(f"{member} is {held} of {network} by {name} in the same time", at)
    return after


DIRECTORY_RULES: Rules = {
    "Organization": (organization,),
    "OrganizationAffiliation": (affiliation,),
}


def overlap(one: Resource, other: Resource) -> bool:
    """Whether the periods of two resources share time; without limits they are unbounded."""
    first, second = one.get("period", {}), other.get("period", {})
    return _begins_before_end(first, second) and _begins_before_end(second, first)


def _begins_before_end(one: Resource, other: Resource) -> bool:
    start, end = first_moment(one.get("start")), end_moment(other.get("end"))
    return start is None or end is None or start < end


async def institution(unit: Unit, organization: str, bases: tuple[str, ...]) -> str:
    """The organization that a department is part of, at the top; itself when it is part of none."""
    seen = [organization]
    while len(seen) <= _LEVELS:
        found = await unit.resource(seen[-1])
        above = target((found or {}).get("partOf"), bases)
        if above is None or above in seen:
            break
        seen.append(above)
    return seen[-1]

"""Which organisations the parties of a referral are, and which of them somebody acts for.

The institution is looked up when the names alone do not tell: an organisation acts for itself and for those
that it is a department of (Organization.partOf).
"""

from typing import Protocol

from fhir_server.alliance.elements import end_moment, first_moment
from fhir_server.alliance.referral.elements import Element, code, extension, reference
from fhir_server.alliance.referral.table import Actor
from fhir_server.alliance.systems import code_system, extension_url
from fhir_server.interactions.request import OPERATOR, SERVER
from fhir_server.interactions.rules import Unit, stored
from fhir_server.resource import Resource
from fhir_server.store.protocol import Reader

_LEVELS = 5  # of departments, one in the other
_HOLDERS = {"PractitionerRole": "organization", "HealthcareService": "providedBy"}
_DISPATCH = "emergency-dispatch"


class Lookup(Protocol):
    """What is needed of a unit of work, or of a store, to find out who is who."""

    async def resource(self, reference: str) -> Resource | None: ...


class Stored:
    """A store as it is now, for questions outside of a unit of work."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def resource(self, reference: str) -> Resource | None:
        return await stored(self._reader, reference)


async def organization_of(unit: Lookup, party: Element | None) -> str | None:
    """`Organization/1` that a requester, owner or performer is or belongs to; None: it names none."""
    found = reference(party)
    if found is None or found.startswith("Organization/"):
        return found
    holder = _HOLDERS.get(found.partition("/")[0])
    if holder is None:
        return None
    resource = await unit.resource(found)
    return reference((resource or {}).get(holder))


async def institutions(unit: Lookup, organization: str) -> list[str]:
    """An organisation and those that it is a department of, from below."""
    found = [organization]
    for _ in range(_LEVELS):
        resource = await unit.resource(found[-1])
        above = reference((resource or {}).get("partOf"))
        if above is None or above in found:
            break
        found.append(above)
    return found


async def acts_for(unit: Lookup, acting: str, party: Element | None) -> bool:
    """Whether an organisation is that of a party, or one is a department of the other."""
    organization = await organization_of(unit, party)
    return organization is not None and await is_same_institution(unit, acting, organization)


async def is_same_institution(unit: Lookup, one: str, other: str) -> bool:
    if one == other:
        return True
    return other in await institutions(unit, one) or one in await institutions(unit, other)


class Parties:
    """Who the organisation that acts is to one Task; looked up when it is asked, once."""

    def __init__(self, unit: Lookup, acting: str, task: Resource) -> None:
        self._unit = unit
        self._acting = acting
        self._task = task
        self._known: dict[Actor, bool] = {}

    async def is_(self, actor: Actor) -> bool:
        if actor not in self._known:
            self._known[actor] = await self._is(actor)
        return self._known[actor]

    async def any_of(self, actors: tuple[Actor, ...]) -> bool:
        for actor in actors:
            if await self.is_(actor):
                return True
        return False

    async def _is(self, actor: Actor) -> bool:
        if self._acting in (SERVER, OPERATOR):
            return actor == "server"
        match actor:
            case "placer":
                return await acts_for(self._unit, self._acting, self._task.get("requester"))
            case "filler":
                return await acts_for(self._unit, self._acting, self._task.get("owner"))
            case "dispatch":
                return _is_dispatch(await self._unit.resource(self._acting))
            case _:
                return False


def _is_dispatch(organization: Resource | None) -> bool:
    types = (organization or {}).get("type", ())
    return any(code(each, code_system("organization-type")) == _DISPATCH for each in types)


async def common_networks(unit: Unit, one: str, other: str, now_ms: int) -> list[str]:
    """Alliances (or their leading organisations) that both take part in now."""
    ours, theirs = await _networks(unit, one, now_ms), await _networks(unit, other, now_ms)
    common = [each for each in ours if each in theirs]
    if common:
        return common
    for networks, organization in ((ours, other), (theirs, one)):
        for network in networks:
            if await lead_of(unit, network) == organization:
                return [network]
    return []


async def _networks(unit: Unit, organization: str, now_ms: int) -> list[str]:
    found: list[str] = []
    for member in await institutions(unit, organization):
        criteria = f"participating-organization={member}&active=true"
        for affiliation in await unit.find("OrganizationAffiliation", criteria):
            network = reference(affiliation.get("organization"))
            if network is not None and holds(affiliation.get("period"), now_ms):
                found.append(network)
        found.append(member)  # the `organization` of an affiliation may be the leading hospital itself
    return found


async def lead_of(unit: Lookup, network: str) -> str | None:
    """The organisation that coordinates an alliance."""
    resource = await unit.resource(network)
    lead = extension(resource or {}, extension_url("lead-organization"))
    return reference((lead or {}).get("valueReference"))


def holds(period: Element | None, now_ms: int) -> bool:
    """Whether an instant lies in a Period, whose bounds may be dates and are inclusive."""
    period = period or {}
    start, end = period.get("start"), period.get("end")
    return (start is None or bound(start, last=False) <= now_ms) and (
        end is None or now_ms <= bound(end, last=True)
    )


def bound(text: str, *, last: bool) -> int:
    """The first or last millisecond of a dateTime of any precision; raises ValueError for what is none."""
    found = end_moment(text) if last else first_moment(text)
    if found is None:
        raise ValueError(f"{text!r} is no dateTime")
    return (found - 1 if last else found) // 1000

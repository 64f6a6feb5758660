"""Rules of messages: a thread is between the parties of its Task, a case is discussed without its patient.

https://hl7.org/fhir/R4/communication.html
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.alliance.elements import codes, target
from fhir_server.alliance.referral.elements import TASK_PROFILE, claims
from fhir_server.alliance.referral.gate import is_loaded, require_organization
from fhir_server.alliance.referral.parties import is_same_institution, organization_of
from fhir_server.interactions.request import SERVER
from fhir_server.interactions.rules import Proposal, Rules, Unit
from fhir_server.outcome import business_rule, forbidden
from fhir_server.resource import Resource

_PEOPLE = frozenset(("Patient", "RelatedPerson", "Person"))
# what leads from a message to what it is about; not who writes it to whom
_ABOUT = ("about", "basedOn", "partOf", "inResponseTo", "reasonReference", "encounter")
_HOLDERS = {"Group": "managingEntity", "Device": "owner"}


# ---- threads on a Task


async def thread(proposal: Proposal) -> Resource | None:
    """A message of a referral's Task goes from one of its parties to others; raises 403 and 422.

    Parties are the organizations of the Task's requester and owner, and its patient. A message belongs to who
    sent it: nobody else changes or deletes it, and it does not move to another thread.
    """
    before, after = proposal.before, proposal.after
    if is_loaded(proposal) or proposal.request.organization == SERVER:
        return after
    said, now = await _tasks(proposal, before), await _tasks(proposal, after)
    if not said and not now:
        return after
    acting = require_organization(proposal)
    await _require_sender(proposal.unit, acting, before if said else after)
    if after is None:
        return None
    if before is not None and said:
        _require_same(before, after)
    await _require_answer(proposal, after, set(now))
    for name, task in now.items():
        await _require_parties(proposal, after, name, task)
    return after


async def _tasks(proposal: Proposal, message: Resource | None) -> dict[str, Resource]:
    """The referrals' Tasks that a message is part of."""
    found = {}
    for each in (message or {}).get("partOf", ()):
        name = target(each, _bases(proposal))
        if name is not None and name.startswith("Task/"):
            task = await proposal.unit.resource(name)
            if task is not None and claims(task, TASK_PROFILE):
                found[name] = task
    return found


async def _require_sender(unit: Unit, acting: str, message: Resource | None) -> None:
    sender = (message or {}).get("sender")
    for organization in await _organizations(unit, sender):
        if await is_same_institution(unit, acting, organization):
            return
    raise forbidden(f"a message of a thread is its sender's, {acting} is not of {_named(sender)}")


def _require_same(before: Resource, after: Resource) -> None:
    for element in ("sender", "partOf"):
        if before.get(element) != after.get(element):
            at = f"Communication.{element}"
            raise business_rule(f"{at} does not change once a message is in a thread", at)


async def _require_answer(proposal: Proposal, message: Resource, tasks: set[str]) -> None:
    """What is answered stands in the same thread."""
    for each in message.get("inResponseTo", ()):
        name = target(each, _bases(proposal))
        question = await proposal.unit.resource(name) if name else None
        theirs = {target(part, _bases(proposal)) for part in (question or {}).get("partOf", ())}
        if question is not None and not theirs & tasks:
            text = f"{name} is not in the thread of {', '.join(sorted(tasks))}"
            raise business_rule(text, "Communication.inResponseTo")


async def _require_parties(proposal: Proposal, message: Resource, name: str, task: Resource) -> None:
    unit = proposal.unit
    parties = [
        organization
        for each in (task.get("requester"), task.get("owner"))
        if (organization := await organization_of(unit, each)) is not None
    ]
    patient = target(task.get("for"), _bases(proposal))
    elements = [("sender", message.get("sender"))]
    elements += [("recipient", each) for each in message.get("recipient", ())]
    for element, party in elements:
        if patient is not None and target(party, _bases(proposal)) == patient:
            continue
        if not await _is_among(unit, party, parties):
            text = f"{_named(party)} is no party of {name}: those are {', '.join(parties)} and the patient"
            raise business_rule(text, f"Communication.{element}")


async def _is_among(unit: Unit, party: Any, parties: list[str]) -> bool:
    for organization in await _organizations(unit, party):
        for each in parties:
            if await is_same_institution(unit, organization, each):
                return True
    return False


async def _organizations(unit: Unit, party: Any) -> list[str]:
    """Those that a sender or recipient is, belongs to, or works for."""
    name = target(party)
    kind = (name or "").partition("/")[0]
    if kind == "Practitioner":
        roles = await unit.find("PractitionerRole", f"practitioner={name}")
        found = [target(role.get("organization")) for role in roles if role.get("active") is not False]
        return [each for each in found if each is not None]
    if kind == "CareTeam":
        team = await unit.resource(str(name)) or {}
        return [each for one in team.get("managingOrganization", ()) if (each := target(one)) is not None]
    if kind in _HOLDERS:
        holder = (await unit.resource(str(name)) or {}).get(_HOLDERS[kind])
        return [each] if (each := target(holder)) is not None else []
    organization = await organization_of(unit, party)
    return [organization] if organization is not None else []


def _named(party: Any) -> str:
    return target(party) or "who is named there"


# ---- case discussions


async def discussion(proposal: Proposal) -> Resource | None:
    """A case is discussed without its patient: no reference leads to a person, nor does what is named there.

    Raises 422. It holds for everybody, also for what an operator loads.
    """
    after = proposal.after
    if after is None or not _is_discussion(after):
        return after
    for at, person in people(after, "Communication"):
        raise business_rule(f"a case is discussed without identity: {at} names {person}", at)
    for element, reference in _leads(after):
        name = target(reference, _bases(proposal))
        found = await proposal.unit.resource(name) if name else None
        for _, person in people(found or {}, ""):
            at = f"Communication.{element}"
            raise business_rule(f"a case is discussed without identity: {name} is about {person}", at)
    return after


def _is_discussion(message: Resource) -> bool:
    return "case-discussion" in codes(message.get("category", ()), "communication-category")


def people(element: Any, at: str) -> Iterator[tuple[str, str]]:
    """Where a resource names people, as a reference of any kind or contained: `(path, "Patient/1")`."""
    match element:
        case dict():
            kind = element.get("resourceType")
            if kind in _PEOPLE:
                yield at, kind
            reference = element.get("reference")
            if isinstance(reference, str):
                words = reference.replace("|", "/").replace("?", "/").split("/")
                if named := _PEOPLE.intersection(words):
                    yield at, reference if len(words) == 2 else min(named)
            if element.get("type") in _PEOPLE and ("identifier" in element or "reference" in element):
                yield at, str(element["type"])
            for name, value in element.items():
                yield from people(value, f"{at}.{name}")
        case list():
            for number, value in enumerate(element):
                yield from people(value, f"{at}[{number}]")


def _leads(message: Resource) -> Iterator[tuple[str, Any]]:
    for element in _ABOUT:
        value = message.get(element, ())
        for each in value if isinstance(value, list) else (value,):
            yield element, each
    for payload in message.get("payload", ()):
        if "contentReference" in payload:
            yield "payload", payload["contentReference"]


def _bases(proposal: Proposal) -> tuple[str, ...]:
    return (proposal.request.base_url.rstrip("/"),)


MESSAGE_RULES: Rules = {"Communication": (discussion, thread)}

"""Referrals that come out of others: $refer-back, the way down from a way up; $convert-consult-to-referral.

Both make a new ServiceRequest that is `basedOn` the one of the URL, with its Task, by the organisation that
asks: it is the placer of what is new.
"""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from fhir_server.alliance.referral.deadlines import shown
from fhir_server.alliance.referral.elements import (
    DIRECTION,
    KIND,
    LEGAL_BASIS,
    REFERRAL_PROFILE,
    REQUEST_PROFILES,
    SETTING,
    TASK_OUTPUT,
    TASK_PROFILE,
    TELECONSULT_PROFILE,
    Element,
    claims,
    concept,
    extension,
    extension_code,
    references,
)
from fhir_server.alliance.referral.parameters import KNOWN, concept_of
from fhir_server.alliance.referral.parties import Stored, acts_for, organization_of
from fhir_server.alliance.referral.submit import submitted
from fhir_server.alliance.systems import BASE, V2_IDENTIFIER_TYPE
from fhir_server.interactions.context import Context
from fhir_server.interactions.criteria import compile_criteria
from fhir_server.interactions.operations.parameters import Arguments, arguments
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import business_rule, forbidden
from fhir_server.resource import Resource, decode

_REQUEST = "urn:uuid:4f1f0f0e-5a0a-4b6e-8f57-3c1f4f9a2c01"  # the new one, within the transaction


async def refer_back(context: Context, request: Request) -> Response:
    """The filler refers the patient down again; the Task of the way up gets it as an output."""
    given = arguments(request, KNOWN["refer-back"])
    origin = await _origin(context, request)
    placer = await organization_of(Stored(context.store), origin.get("requester"))
    task = await _task_of(context, request, origin)
    acting = _acting(request)
    if not await acts_for(Stored(context.store), acting, task.get("owner")):
        raise forbidden(
            f"$refer-back is for the filler, {task['owner'].get('reference')}; {acting} is not that"
        )
    new = _derived(context, request, origin, given) | {"performer": [{"reference": placer}]}
    new = _with_codes(new, "down", given.text("careSetting") or extension_code(origin, SETTING))
    output = {"type": concept(TASK_OUTPUT, "down-referral"), "valueReference": {"reference": _REQUEST}}
    changed = task | {"output": [*task.get("output", ()), output]}
    version = task["meta"]["versionId"]
    update = {"method": "PUT", "url": f"Task/{task['id']}", "ifMatch": request.if_match or f'W/"{version}"'}
    entry = {"fullUrl": _REQUEST, "resource": _chosen(new, given)}
    return await submitted(context, request, [entry], {"resource": changed, "request": update})


async def convert_consult_to_referral(context: Context, request: Request) -> Response:
    """A teleconsultation becomes a referral. Only who asked for it can say so: the placer."""
    given = arguments(request, KNOWN["convert-consult-to-referral"])
    origin = await _origin(context, request)
    if not claims(origin, TELECONSULT_PROFILE):
        raise business_rule(f"ServiceRequest/{request.id} is not a teleconsultation", "ServiceRequest")
    acting = _acting(request)
    if not await acts_for(Stored(context.store), acting, origin.get("requester")):
        raise forbidden(f"a consult becomes a referral when its placer says so; {acting} is not that")
    new = _derived(context, request, origin, given)
    new = new | {"requester": origin["requester"], "performer": origin.get("performer", [])}
    setting = given.text("careSetting") or extension_code(origin, SETTING) or "O"
    new = _with_codes(new, given.text("direction") or "up", setting)
    return await submitted(context, request, [{"fullUrl": _REQUEST, "resource": _chosen(new, given)}])


def _acting(request: Request) -> str:
    if request.organization is None:
        raise forbidden("a referral is made for an organisation: name it in X-Acting-Organization")
    return request.organization


async def _origin(context: Context, request: Request) -> Resource:
    assert request.id is not None
    name = f"ServiceRequest/{request.id}"
    version = existing(await context.store.read("ServiceRequest", request.id), name)
    origin: Resource = decode(version.body)
    if not claims(origin, *REQUEST_PROFILES):
        raise business_rule(f"{name} is not that of a referral", "ServiceRequest")
    return origin


async def _task_of(context: Context, request: Request, origin: Resource) -> Resource:
    """The Task that is under way for a ServiceRequest."""
    criteria = f"focus=ServiceRequest/{origin['id']}&status=accepted,in-progress,on-hold"
    where = await compile_criteria(context, replace(request, access=None), "Task", criteria)
    identities = await context.store.identities("Task", where, 10)
    found = [decode(version.body) for version in await context.store.read_many(identities)]
    task: Resource | None = next((each for each in found if claims(each, TASK_PROFILE)), None)
    if task is None:
        raise business_rule("no Task of it is accepted, in progress or on hold", "ServiceRequest")
    return task


def _derived(context: Context, request: Request, origin: Resource, given: Arguments) -> Resource:
    """A ServiceRequest for the same patient and reason, based on `origin`, by the organisation that acts."""
    acting = _acting(request)
    number = given.value("placerNumber") or {
        "type": concept(V2_IDENTIFIER_TYPE, "PLAC"),
        "system": f"{BASE}/id/{acting.partition('/')[2]}/referral",
        "value": context.new_id(),
    }
    doctor = next(references(origin.get("performer"), "PractitionerRole"), None)
    consents = [{"reference": name} for name in references(origin.get("supportingInfo"), "Consent")]
    reason = given.value("reason")
    found: Resource = {
        "resourceType": "ServiceRequest",
        "meta": {"profile": [REFERRAL_PROFILE]},
        "identifier": [number],
        "basedOn": [{"reference": f"ServiceRequest/{origin['id']}"}],
        "status": "active",
        "intent": "order",
        "category": [concept(KIND, "referral")],
        "priority": given.text("priority") or "routine",
        "code": origin.get("code", {"text": "转诊"}),
        "subject": origin["subject"],
        "authoredOn": shown(context.clock(), ZoneInfo(context.settings.time_zone)),
        "requester": {"reference": doctor or acting},
        "reasonCode": [concept_of("reason", reason)] if reason else origin.get("reasonCode", []),
        "supportingInfo": consents,
    }
    basis = extension(origin, LEGAL_BASIS)
    return found | ({"extension": [basis]} if basis else {})


def _with_codes(new: Resource, direction: str, setting: str | None) -> Resource:
    found = [{"url": DIRECTION, "valueCode": direction}]
    if setting is not None:
        found.append({"url": SETTING, "valueCode": setting})
    return new | {"extension": [*found, *new.get("extension", ())]}


def _chosen(new: Resource, given: Arguments) -> Resource:
    """With what the client names itself; FHIR has no empty arrays."""
    for name in ("requester", "performer"):
        value = given.value(name)
        if value is not None:
            reference = _reference(value)
            new = new | {name: [reference] if name == "performer" else reference}
    consents = [_reference(each) for each in given.values("consent")]
    if consents:
        new = new | {"supportingInfo": consents}
    return {name: value for name, value in new.items() if value != []}


def _reference(value: Any) -> Element:
    return {"reference": value} if isinstance(value, str) else value

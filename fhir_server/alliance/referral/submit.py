"""$submit-referral: a Bundle of ServiceRequest, Task, Patient and documents, written together or not at all.

Sent again, it finds what is there: the patient and the documents by their identifiers, the ServiceRequest by
that of the placer (PLAC), the Task by its own.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid5

from fhir_server.alliance.referral.elements import (
    REQUEST_PROFILES,
    TASK_PROFILE,
    Element,
    claims,
    numbered,
)
from fhir_server.alliance.referral.parameters import KNOWN
from fhir_server.alliance.systems import TASK_CODE
from fhir_server.interactions.context import Context
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.operations.parameters import arguments, parameters, part
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.transaction import transaction
from fhir_server.outcome import invalid, missing
from fhir_server.resource import Resource, decode

_URLS = UUID("0d3a1c1e-7a5d-5f43-9d6e-6f0f0f9b2b11")


async def submit_referral(context: Context, request: Request) -> Response:
    """Answers Parameters: `serviceRequest`, `task`, `placerNumber`, `fillerNumber`, `deadline`."""
    bundle = arguments(request, KNOWN["submit-referral"], bare="resource").resource("resource")
    if bundle is None or bundle.get("resourceType") != "Bundle":
        raise missing("$submit-referral takes a Bundle: the body, or the parameter resource", "Parameters")
    return await submitted(context, request, _entries(bundle))


async def submitted(context: Context, request: Request, entries: list[Element], *more: Element) -> Response:
    """Write the entries (`fullUrl`, `resource`), one of which is the ServiceRequest of a referral.

    more: entries with a request of their own, in the same transaction
    """
    position, service_request = _the_request(entries)
    entries = _with_task(entries, entries[position]["fullUrl"], service_request)
    whole = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [*(each | {"request": _request_of(each["resource"])} for each in entries), *more],
    }
    asked = replace(request, resource=whole, operation=None, resource_type=None, id=None, parameters=[])
    answer = await transaction(context, asked, perform)
    answers = decode(answer.body or b"{}")["entry"]
    names = [_name(each) for each in answers]
    task = next(
        name for name, each in zip(names, entries, strict=False) if each["resource"]["resourceType"] == "Task"
    )
    return Response(200, resource=await _numbers(context, names[position], task))


def _entries(bundle: Resource) -> list[Element]:
    found = []
    for number, entry in enumerate(bundle.get("entry", ())):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise invalid(f"Bundle.entry[{number}] has no resource", f"Bundle.entry[{number}]")
        full_url = entry.get("fullUrl") or f"urn:uuid:{uuid5(_URLS, str(number))}"
        found.append({"fullUrl": full_url, "resource": resource})
    return found


def _the_request(entries: list[Element]) -> tuple[int, Resource]:
    found = [
        (number, each["resource"])
        for number, each in enumerate(entries)
        if each["resource"]["resourceType"] == "ServiceRequest"
        and claims(each["resource"], *REQUEST_PROFILES)
    ]
    if len(found) != 1:
        profiles = " or ".join(sorted(REQUEST_PROFILES))
        raise invalid(f"the Bundle has {len(found)} ServiceRequests of {profiles}, it needs 1", "Bundle")
    return found[0]


def _with_task(entries: list[Element], full_url: str, request: Resource) -> list[Element]:
    """With a Task, made from the ServiceRequest where there is none, and an identifier to find it by."""
    tasks = [number for number, each in enumerate(entries) if each["resource"]["resourceType"] == "Task"]
    if len(tasks) > 1:
        raise invalid(f"the Bundle has {len(tasks)} Tasks, it can have 1", "Bundle")
    if tasks:
        entry = entries[tasks[0]]
        task = {"focus": {"reference": full_url}} | entry["resource"]
    else:
        entry = {"fullUrl": f"urn:uuid:{uuid5(_URLS, 'task')}"}
        task = _task_of(request) | {"focus": {"reference": full_url}}
    placer = numbered(request, "PLAC")
    if not task.get("identifier") and placer is not None:
        task = task | {
            "identifier": [{"system": f"{placer.get('system', '')}/task", "value": placer.get("value")}]
        }
    written = entry | {"resource": task}
    if not tasks:
        return [*entries, written]
    return [*entries[: tasks[0]], written, *entries[tasks[0] + 1 :]]


def _task_of(request: Resource) -> Resource:
    owner = next((each for each in request.get("performer", ())), None)
    if owner is None:
        raise missing("ServiceRequest.performer: found 0, a referral goes to one", "ServiceRequest.performer")
    task: Resource = {
        "resourceType": "Task",
        "meta": {"profile": [TASK_PROFILE]},
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": "fulfill"}]},
        "for": request.get("subject"),
        "owner": owner,
    }
    return task | {name: request[name] for name in ("requester", "priority") if name in request}


def _request_of(resource: Resource) -> Element:
    """PUT under the id that the client gives to what is no part of the workflow; else create what is new."""
    resource_type: str = resource["resourceType"]
    governed = resource_type in ("ServiceRequest", "Task")
    if "id" in resource and not governed:
        return {"method": "PUT", "url": f"{resource_type}/{resource['id']}"}
    identifiers: Any = resource.get("identifier", [])
    given = [identifiers] if isinstance(identifiers, dict) else identifiers
    chosen = numbered(resource, "PLAC") if governed and isinstance(identifiers, list) else None
    chosen = chosen or next((each for each in given if each.get("system") and each.get("value")), None)
    created = {"method": "POST", "url": resource_type}
    if chosen is None:
        return created
    value = f"{quote(chosen.get('system', ''), safe=':/')}|{quote(str(chosen.get('value', '')), safe='')}"
    return created | {"ifNoneExist": f"identifier={value}"}


def _name(answer: Element) -> str:
    """`Task/1` of an entry of the answer."""
    parts = str(answer["response"]["location"]).partition("/_history/")[0].split("/")
    return "/".join(parts[-2:])


async def _numbers(context: Context, request_name: str, task_name: str) -> Resource:
    versions = await context.store.read_many(
        [(name.partition("/")[0], name.partition("/")[2]) for name in (request_name, task_name)]
    )
    request, task = (decode(version.body) for version in versions)
    parts = [
        part("serviceRequest", valueReference={"reference": request_name}),
        part("task", valueReference={"reference": task_name}),
    ]
    for name, found in (
        ("placerNumber", numbered(request, "PLAC")),
        ("fillerNumber", numbered(task, "FILL")),
    ):
        if found is not None:
            parts.append(part(name, valueIdentifier=found))
    end = task.get("restriction", {}).get("period", {}).get("end")
    if end is not None:
        parts.append(part("deadline", valueDateTime=end))
    return parameters(*parts)

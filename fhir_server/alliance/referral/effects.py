"""What the server does with a transition: elements that it sets, resources that it writes beside the Task."""

from collections.abc import Awaitable, Callable

import xxhash

from fhir_server.alliance.referral.elements import (
    CATEGORY,
    DIRECTION,
    FOCUS_CATEGORY,
    GREEN_CHANNEL,
    KIND,
    SETTING,
    TASK_INPUT,
    Element,
    business_status,
    code,
    concept,
    extension,
    extension_code,
    filler_number,
    milestone,
    milestones,
    numbered,
    reference,
    references,
)
from fhir_server.alliance.referral.guards import question
from fhir_server.alliance.referral.move import Move
from fhir_server.alliance.referral.parties import bound, common_networks, lead_of, organization_of
from fhir_server.alliance.referral.table import Effect
from fhir_server.resource import Resource

Apply = Callable[[Move, Resource], Awaitable[Resource]]

_COPIED = (DIRECTION, SETTING, FOCUS_CATEGORY, GREEN_CHANNEL)


def reached(move: Move, task: Resource) -> Resource:
    """With a milestone when this business status is reached for the first time."""
    status = business_status(task)
    if status is None or status in milestones(task):
        return task
    return task | {"extension": [*task.get("extension", ()), milestone(status, move.now)]}


async def number(move: Move, task: Resource) -> Resource:
    """The number of the filler: that of the ServiceRequest, where the Task goes to its performer."""
    if numbered(task, "FILL") is not None:
        return task
    owner = await organization_of(move.unit, task.get("owner"))
    focus = await move.focus() or {}
    given = numbered(focus, "FILL")
    if given is None or reference(given.get("assigner")) != owner:
        organization = await move.unit.resource(owner or "") or {"id": "unknown"}
        given = filler_number(organization, move.now[:10].replace("-", ""), drawn(task))
    return task | {"identifier": [*task.get("identifier", ()), given]}


def drawn(resource: Resource) -> int:
    """A number that follows from the id, which is unique."""
    return xxhash.xxh3_64_intdigest(f"{resource['resourceType']}/{resource['id']}")


async def denormalise(move: Move, task: Resource) -> Resource:
    focus = await move.focus() or {}
    others = [each for each in task.get("extension", ()) if each["url"] not in _COPIED]
    copied: list[Element] = [
        {"url": url, "valueCode": found}
        for url in (DIRECTION, SETTING)
        if (found := extension_code(focus, url)) is not None
    ]
    kind = next((each for each in focus.get("category", ()) if code(each, KIND)), None)
    if kind is not None:
        copied.append({"url": FOCUS_CATEGORY, "valueCodeableConcept": kind})
    if (green := extension(focus, GREEN_CHANNEL)) is not None:
        copied.append(green)
    task = task | {"extension": [*others, *copied]}
    if "priority" not in task and "priority" in focus:
        task = task | {"priority": focus["priority"]}
    if "groupIdentifier" not in task and "requisition" in focus:
        task = task | {"groupIdentifier": focus["requisition"]}
    return task


async def set_deadline(move: Move, task: Resource) -> Resource:
    """By the priority; a placer may ask for an earlier one."""
    green = extension(task, GREEN_CHANNEL) is not None
    end_ms = move.deadlines.of(task.get("priority"), green=green, since_ms=move.now_ms)
    restriction = task.get("restriction", {})
    asked = restriction.get("period", {}).get("end")
    if asked is not None:
        end_ms = min(end_ms, max(bound(asked, last=True), move.now_ms))
    period = {"start": move.now, "end": move.when(end_ms)}
    return task | {"restriction": restriction | {"period": period}}


async def _ask_placer(move: Move, task: Resource) -> Resource:
    owner, placer = await _organizations(move, task)
    text = question(move) or ""
    said = await move.unit.put(_communication(move, "information-request", text, owner, [placer]))
    asked = {
        "resourceType": "Task",
        "partOf": [{"reference": move.name}],
        "status": "requested",
        "intent": "order",
        "code": concept(CATEGORY, "information-request"),
        "focus": {"reference": f"Communication/{said.id}"},
        "for": task["for"],
        "executionPeriod": {"start": move.now},  # the time for which the clock stands still
        "authoredOn": move.now,
        "lastModified": move.now,
        "requester": {"reference": owner},
        "owner": {"reference": placer},
        "description": text,
    }
    made = await move.unit.put(asked)
    entry = {
        "type": concept(TASK_INPUT, "supplement"),
        "valueReference": {"reference": f"Task/{made.id}"},
    }
    return task | {"input": [*task.get("input", ()), entry]}


async def settle_question(move: Move, task: Resource, status: str) -> tuple[Resource, int]:
    """End the Task that asked the placer; for how long it was open, in ms."""
    names = [
        name
        for each in task.get("input", ())
        if code(each.get("type"), TASK_INPUT) == "supplement"
        for name in references([each.get("valueReference")], "Task")
    ]
    asked = await move.unit.resource(names[-1]) if names else None
    if asked is None or asked.get("status") not in ("requested", "received", "accepted", "in-progress"):
        return task, 0
    start = asked.get("executionPeriod", {}).get("start", move.now)
    period = {"start": start, "end": move.now}
    await move.unit.put(asked | {"status": status, "executionPeriod": period, "lastModified": move.now})
    return task, max(0, move.now_ms - bound(start, last=False))


async def _resume_clock(move: Move, task: Resource) -> Resource:
    task, waited_ms = await settle_question(move, task, "completed")
    period = task.get("restriction", {}).get("period", {})
    if "end" not in period:
        return task
    end = move.when(bound(period["end"], last=True) + waited_ms)
    return task | {"restriction": task["restriction"] | {"period": period | {"end": end}}}


async def _notify_placer(move: Move, task: Resource) -> Resource:
    owner, placer = await _organizations(move, task)
    await move.unit.put(_communication(move, "notice", str(business_status(task)), owner, [placer]))
    return task


async def _complete_request(move: Move, task: Resource) -> Resource:
    focus = await move.focus()
    if focus is not None and focus.get("status") == "active":
        await move.unit.put(focus | {"status": "completed"})
    return task


async def _alert(move: Move, task: Resource) -> Resource:
    owner, placer = await _organizations(move, task)
    recipients = [placer]
    for network in await common_networks(move.unit, placer, owner, move.now_ms):
        lead = await lead_of(move.unit, network)
        if lead is not None and lead not in recipients:
            recipients.append(lead)
    end = task.get("restriction", {}).get("period", {}).get("end")
    text = f"expired: not answered by {end}"
    await move.unit.put(_communication(move, "reminder", text, owner, recipients))
    return task


async def _provenance(move: Move, task: Resource) -> Resource:
    before = move.before or {}
    entity = {"role": "revision", "what": {"reference": f"{move.name}/_history/{_version(before)}"}}
    agents = [
        {"type": {"text": text}, "who": {"reference": name}}
        for text, name in (("acting organisation", move.acting), ("owner before", reference(before["owner"])))
        if name is not None
    ]
    await move.unit.put(
        {
            "resourceType": "Provenance",
            "target": [{"reference": f"{move.name}/_history/{_version(before) + 1}"}],
            "recorded": move.now,
            "activity": {"text": "T15 hand over"},
            "agent": agents,
            "entity": [entity],
        }
    )
    return task


def _version(resource: Resource) -> int:
    return int(resource["meta"]["versionId"])


async def _organizations(move: Move, task: Resource) -> tuple[str, str]:
    """Of the filler and of the placer."""
    owner = await organization_of(move.unit, task.get("owner"))
    placer = await organization_of(move.unit, task.get("requester"))
    return owner or str(task["owner"]["reference"]), placer or str(task["requester"]["reference"])


def _communication(move: Move, category: str, text: str, sender: str, recipients: list[str]) -> Resource:
    return {
        "resourceType": "Communication",
        "partOf": [{"reference": move.name}],
        "status": "completed",
        "category": [concept(CATEGORY, category)],
        "subject": move.after["for"],
        "sent": move.now,
        "recipient": [{"reference": each} for each in recipients],
        "sender": {"reference": sender},
        "payload": [{"contentString": text}],
    }


APPLY: dict[Effect, Apply] = {
    "filler-number": number,
    "denormalise": denormalise,
    "deadline": set_deadline,
    "ask-placer": _ask_placer,
    "resume-clock": _resume_clock,
    "notify-placer": _notify_placer,
    "complete-request": _complete_request,
    "alert": _alert,
    "provenance": _provenance,
}

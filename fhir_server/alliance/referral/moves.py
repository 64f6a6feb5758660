"""$accept, $reject, $arrive, $complete, $request-info: changes of a Task that the table allows, in one call.

They build the changed Task and send it through the gate like any update; nothing is allowed here that a PUT
is not. Without If-Match they change the version that is there when the lock is had.
"""

from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from fhir_server.alliance.referral.deadlines import shown
from fhir_server.alliance.referral.elements import (
    BUSINESS_STATUS,
    TASK_OUTPUT,
    TASK_PROFILE,
    Element,
    claims,
    concept,
)
from fhir_server.alliance.referral.guards import REJECT_REASON
from fhir_server.alliance.referral.parameters import KNOWN, concept_of
from fhir_server.interactions.answer import etag
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import Arguments, arguments
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.write import draft, put
from fhir_server.outcome import business_rule
from fhir_server.resource import Resource, decode
from fhir_server.store.protocol import Transaction

Change = Callable[[Resource], Resource]


async def accept(context: Context, request: Request) -> Response:
    """T3. `businessStatus`, `note`, `encounter`, `appointment`."""
    given = arguments(request, KNOWN["accept"])
    outputs = [*_outputs(given, "encounter"), *_outputs(given, "appointment")]
    changes = _state(given, "accepted", "accepted")

    def change(task: Resource) -> Resource:
        return _noted(context, request, given, _with_outputs(task | changes, outputs))

    return await moved(context, request, change)


async def reject(context: Context, request: Request) -> Response:
    """T4. `reason`: a CodeableConcept with a code of reject-reason and a text, which may stand in `text`."""
    given = arguments(request, KNOWN["reject"])
    value, text = given.value("reason"), given.text("text")
    reason = {} if value is None else concept_of("reason", value, REJECT_REASON)
    if text is not None:
        reason = reason | {"text": text}
    changes = {"status": "rejected", "statusReason": reason, **_business("declined")}
    return await moved(context, request, lambda task: task | changes)


async def arrive(context: Context, request: Request) -> Response:
    """T8. `time` (now, when it is not given), `businessStatus`, `encounter`."""
    given = arguments(request, KNOWN["arrive"])
    time = given.text("time") or shown(context.clock(), ZoneInfo(context.settings.time_zone))
    changes = _state(given, "in-progress", "arrived")
    outputs = _outputs(given, "encounter")

    def change(task: Resource) -> Resource:
        period = {"executionPeriod": task.get("executionPeriod", {}) | {"start": time}}
        return _with_outputs(task | changes | period, outputs)

    return await moved(context, request, change)


async def complete(context: Context, request: Request) -> Response:
    """T11. `feedback` (any number) or `noFeedbackReason`; `downReferral`, `encounter`, `end`, `note`."""
    given = arguments(request, KNOWN["complete"])
    down = _outputs(given, "downReferral", "down-referral")
    outputs = [*_outputs(given, "feedback"), *down, *_outputs(given, "encounter")]
    if (reason := given.text("noFeedbackReason")) is not None:
        outputs.append({"type": concept(TASK_OUTPUT, "no-feedback-reason"), "valueString": reason})
    changes = _state(given, "completed", "down-referred" if down else "outcome-returned")
    end = given.text("end")

    def change(task: Resource) -> Resource:
        if end is not None:
            task = task | {"executionPeriod": task.get("executionPeriod", {}) | {"end": end}}
        return _noted(context, request, given, _with_outputs(task | changes, outputs))

    return await moved(context, request, change)


async def request_info(context: Context, request: Request) -> Response:
    """T5. `question`: what the placer is asked."""
    given = arguments(request, KNOWN["request-info"])
    question = given.required_text("question")
    changes = {"statusReason": {"text": question}, **_business("awaiting-information")}
    return await moved(context, request, lambda task: task | changes)


async def moved(context: Context, request: Request, change: Change) -> Response:
    """The Task of the URL after `change`, as an update of the client would have it."""
    assert request.id is not None
    id_ = request.id

    async def work(transaction: Transaction) -> Response:
        version = existing(await transaction.read("Task", id_), f"Task/{id_}")
        task: Resource = decode(version.body)
        if not claims(task, TASK_PROFILE):
            raise business_rule(
                f"Task/{id_} is not that of a referral: it does not claim {TASK_PROFILE}", "Task"
            )
        seen = request.if_match or etag(version.version_id)
        update = replace(request, method="PUT", operation=None, resource=None, if_match=seen)
        given = await draft(context, change(task))
        return await put(context, transaction, update, given.under(id_), "PUT")

    return await context.store.transaction(work)


def _state(given: Arguments, status: str, usual: str) -> Resource:
    return {"status": status, **_business(given.text("businessStatus") or usual)}


def _business(code: str) -> Resource:
    return {"businessStatus": concept(BUSINESS_STATUS, code)}


def _outputs(given: Arguments, name: str, kind: str | None = None) -> list[Element]:
    found = []
    for value in given.values(name):
        reference = {"reference": value} if isinstance(value, str) else value
        found.append({"type": concept(TASK_OUTPUT, kind or name), "valueReference": reference})
    return found


def _with_outputs(task: Resource, outputs: list[Element]) -> Resource:
    return task | {"output": [*task.get("output", ()), *outputs]} if outputs else task


def _noted(context: Context, request: Request, given: Arguments, task: Resource) -> Resource:
    text = given.text("note")
    if text is None:
        return task
    author = {} if request.organization is None else {"authorReference": {"reference": request.organization}}
    note = author | {"time": shown(context.clock(), ZoneInfo(context.settings.time_zone)), "text": text}
    return task | {"note": [*task.get("note", ()), note]}

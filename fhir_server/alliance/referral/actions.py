"""$available-actions: what can be done with a Task next, by whom, and what it takes; from the table."""

from typing import Any

from fhir_server.alliance.referral.elements import TASK_PROFILE, business_status, claims
from fhir_server.alliance.referral.guards import GUARDS
from fhir_server.alliance.referral.parties import Parties, Stored
from fhir_server.alliance.referral.table import ABORT, ACTORS, HANDOVER, Actor, Row, rows_from
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import arguments, parameters, part
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import business_rule
from fhir_server.resource import Resource, decode

_OPERATIONS = {
    "accept": "accept", "reject": "reject", "arrive": "arrive", "request information": "request-info",
    "complete": "complete", "complete with a down-referral": "complete",
}  # fmt: skip
"""Title of a row: the operation that does it in one call."""


async def available_actions(context: Context, request: Request) -> Response:
    """For the organisation that the request acts for; for every role when it names none."""
    assert request.id is not None
    arguments(request, ())
    name = f"Task/{request.id}"
    version = existing(await context.store.read("Task", request.id), name)
    task: Resource = decode(version.body)
    if not claims(task, TASK_PROFILE):
        raise business_rule(f"{name} is not that of a referral: it does not claim {TASK_PROFILE}", "Task")
    roles = await _roles(context, request, task)
    rows = [row for row in actions_in(task) if not roles.isdisjoint(row.actors)]
    return Response(200, resource=parameters(*(_shown(row, roles) for row in rows)))


def actions_in(task: Resource) -> list[Row]:
    """The rows that can be followed from the state of a Task, whoever asks."""
    status, business = task.get("status"), business_status(task)
    others = [row for row in (HANDOVER, ABORT) if row.leads_from(status, business)]
    return [*rows_from(status, business), *others]


async def _roles(context: Context, request: Request, task: Resource) -> set[Actor]:
    if request.organization is None:
        return set(ACTORS)
    parties = Parties(Stored(context.store), request.organization, task)
    return {actor for actor in ACTORS if await parties.is_(actor)}


def _shown(row: Row, roles: set[Actor]) -> dict[str, Any]:
    parts = [part("transition", valueCode=row.rule), part("title", valueString=row.title)]
    if row.after.status != "=":
        parts.append(part("status", valueCode=row.after.status))
        parts += [part("businessStatus", valueCode=each) for each in row.after.business]
    parts += [part("actor", valueCode=each) for each in row.actors if each in roles]
    parts += [part("guard", valueString=GUARDS[guard][0]) for guard in row.guards]
    if (operation := _OPERATIONS.get(row.title)) is not None:
        parts.append(part("operation", valueCode=operation))
    return part("action", part=parts)

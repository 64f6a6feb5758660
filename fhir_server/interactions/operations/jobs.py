"""$jobs: what the server does in the background, and how far it is.

An operation of this server: GET [base]/$jobs, with `kind`, `id` or `open=true` for some of them.
"""

from typing import Any

from fhir_server.clock import format_instant
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import arguments, parameters, part
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import not_found
from fhir_server.store.jobs import Job

_KNOWN = ("kind", "id", "open")


async def jobs(context: Context, request: Request) -> Response:
    given = arguments(request, _KNOWN)
    id_, open_only = given.text("id"), given.boolean("open") or False
    found = await context.store.jobs(given.text("kind"), open_only=open_only)
    if id_ is not None:
        found = [job for job in found if job.id == id_]
        if not found:
            raise not_found(f"there is no job {id_!r}")
    return Response(200, resource=parameters(*map(_shown, found)))


def _shown(job: Job) -> dict[str, Any]:
    parts = [
        part("id", valueString=job.id),
        part("kind", valueCode=job.kind),
        part("state", valueCode=job.state),
        part("done", valueInteger=job.done),
        part("total", valueInteger=job.total),
    ]
    if job.per_second is not None:
        parts.append(part("perSecond", valueDecimal=round(job.per_second, 1)))
    if job.open and job.left_s is not None:
        parts.append(part("leftSeconds", valueInteger=job.left_s))
    if job.message:
        parts.append(part("message", valueString=job.message))
    parts.append(part("created", valueInstant=format_instant(job.created_ms)))
    parts.append(part("updated", valueInstant=format_instant(job.updated_ms)))
    return part("job", part=parts)

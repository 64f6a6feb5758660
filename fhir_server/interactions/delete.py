"""delete: a version without content, after which a resource is no longer read or found.

https://hl7.org/fhir/R4/http.html#delete
"""

from fhir_server.interactions import integrity
from fhir_server.interactions.context import Context
from fhir_server.interactions.preconditions import expected_version, needs_state, require_state
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.write import require_removable
from fhir_server.outcome import Issue, operation_outcome
from fhir_server.store.protocol import Transaction, Version


async def delete(context: Context, request: Request) -> Response:
    """Deleting what is not there changes nothing and succeeds."""
    assert request.resource_type is not None and request.id is not None
    resource_type, id_ = request.resource_type, request.id

    async def work(transaction: Transaction) -> Version | None:
        return await remove(context, transaction, request, resource_type, id_)

    version = await context.store.transaction(work)
    return answer(request, [version] if version else [])


async def remove(
    context: Context, transaction: Transaction, request: Request, resource_type: str, id_: str
) -> Version | None:
    """Add the deletion when the conditions of `request` hold; None: there was nothing to delete."""
    if needs_state(request):
        await require_state(transaction, request, resource_type, id_)
    await require_removable(context, transaction, request, resource_type, id_)
    version = await transaction.delete(resource_type, id_, if_match=expected_version(request))
    if version is not None:
        integrity.removed(context, transaction, request.access, (resource_type, id_))
    return version


def answer(request: Request, deletions: list[Version]) -> Response:
    """204, or 200 with an outcome for a client that prefers one."""
    version = deletions[0] if len(deletions) == 1 else None
    if request.prefer_return == "OperationOutcome":
        issue = Issue("information", "informational", f"deleted {len(deletions)}")
        return Response(200, version=version, resource=operation_outcome([issue]))
    return Response(204, version=version)

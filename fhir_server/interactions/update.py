"""update: the next version of a resource, or its first under an id that the client gives.

https://hl7.org/fhir/R4/http.html#update
"""

from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.write import body, draft, put, require_same_id
from fhir_server.store.protocol import Transaction


async def update(context: Context, request: Request) -> Response:
    assert request.id is not None
    resource = body(request)
    require_same_id(resource, request.id)
    given = (await draft(context, resource)).under(request.id)

    async def work(transaction: Transaction) -> Response:
        return await put(context, transaction, request, given, "PUT")

    return await context.store.transaction(work)

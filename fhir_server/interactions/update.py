"""update: the next version of a resource, or its first under an id that the client gives.

https://hl7.org/fhir/R4/http.html#update
"""

from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.write import answer, body, check, put, require_same_id
from fhir_server.store.protocol import Transaction, Written


async def update(context: Context, request: Request) -> Response:
    assert request.id is not None
    resource = body(request)
    require_same_id(resource, request.id)
    checked = await check(context, resource)
    content = checked.content(request.id)

    async def work(transaction: Transaction) -> Written:
        return await put(context, transaction, request, content, "PUT")

    return answer(request, await context.store.transaction(work), checked.warnings)

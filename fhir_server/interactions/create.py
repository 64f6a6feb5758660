"""create: a new resource under an id that the server gives.

https://hl7.org/fhir/R4/http.html#create
"""

from fhir_server.interactions import conditional
from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.write import answer, body, check
from fhir_server.store.protocol import Transaction, Written


async def create(context: Context, request: Request) -> Response:
    """POST [type], under If-None-Exist only when nothing fits."""
    if request.if_none_exist is not None:
        return await conditional.create(context, request)
    checked = await check(context, body(request))
    content = checked.content(context.new_id())

    async def work(transaction: Transaction) -> Written:
        return await transaction.put(content, method="POST")

    return answer(request, await context.store.transaction(work), checked.warnings)

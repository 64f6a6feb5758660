"""create: a new resource under an id that the server gives.

https://hl7.org/fhir/R4/http.html#create
"""

from fhir_server.interactions import conditional
from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.write import body, draft, put
from fhir_server.store.protocol import Transaction


async def create(context: Context, request: Request) -> Response:
    """POST [type], under If-None-Exist only when nothing fits."""
    if request.if_none_exist is not None:
        return await conditional.create(context, request)
    given = (await draft(context, body(request))).under(context.new_id())

    async def work(transaction: Transaction) -> Response:
        return await put(context, transaction, request, given, "POST")

    return await context.store.transaction(work)

"""Search criteria that say which resource is meant, compiled: no condition is ever dropped.

https://hl7.org/fhir/R4/http.html#ccreate
"""

from functools import partial

from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Parameters, Request
from fhir_server.interactions.search import options_of
from fhir_server.search.access import permitted
from fhir_server.search.compile import criteria
from fhir_server.store.algebra import Node


async def compile_criteria(
    context: Context, request: Request, resource_type: str, given: str | Parameters
) -> Node:
    """Of resources that the client may see: for the others it is as if they were not there."""
    compiled = partial(
        criteria,
        context.definitions,
        resource_type,
        given,
        request.base_url,
        now_ms=context.clock(),
        options=options_of(context.settings),
    )
    where = await context.needs.compiled(lambda terms: compiled(terms=terms), context.store, request.access)
    return permitted(where, request.access, (resource_type,))

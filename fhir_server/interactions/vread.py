"""vread: one version of a resource.

https://hl7.org/fhir/R4/http.html#vread
"""

from fhir_server.interactions.context import Context
from fhir_server.interactions.preconditions import parse_version_id
from fhir_server.interactions.read import answer, existing
from fhir_server.interactions.request import Request, Response


async def vread(context: Context, request: Request) -> Response:
    assert request.resource_type is not None and request.id is not None and request.version_id is not None
    version_id = parse_version_id(request.version_id)
    version = None
    if version_id is not None:
        version = await context.store.vread(request.resource_type, request.id, version_id)
    name = f"{request.resource_type}/{request.id}/_history/{request.version_id}"
    return answer(context, request, existing(version, name))

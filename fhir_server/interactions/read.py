"""read: the current version of a resource.

https://hl7.org/fhir/R4/http.html#read, https://hl7.org/fhir/R4/http.html#cread
"""

from fhir_server.interactions.answer import etag
from fhir_server.interactions.context import Context
from fhir_server.interactions.preconditions import is_unmodified
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.subset import part_of
from fhir_server.outcome import gone, not_found
from fhir_server.store.protocol import Version


async def read(context: Context, request: Request) -> Response:
    assert request.resource_type is not None and request.id is not None
    version = await context.store.read(request.resource_type, request.id)
    return answer(context, request, existing(version, f"{request.resource_type}/{request.id}"))


def existing(version: Version | None, name: str) -> Version:
    """`version`, when it is one with content; raises 404 for none at all and 410 for a deletion."""
    if version is None:
        raise not_found(f"{name} is not known")
    if version.deleted:
        error = gone(f"{name} was deleted")
        # allows to bring it back to life under If-Match
        error.headers["ETag"] = etag(version.version_id)
        raise error
    return version


def answer(context: Context, request: Request, version: Version) -> Response:
    if is_unmodified(request, version):
        return Response(304, version=version)
    part = part_of(context, request, version) if request.parameters else None
    return Response(200, version=version, resource=part)

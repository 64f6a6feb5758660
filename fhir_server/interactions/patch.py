"""patch: a change to the current version, as JSON Patch or as FHIRPath Patch.

https://hl7.org/fhir/R4/http.html#patch
"""

import base64
import binascii
from collections.abc import Callable

import msgspec

from fhir_server.interactions import fhirpath_patch, json_patch
from fhir_server.interactions.context import Context
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.write import Draft, draft, put, validate
from fhir_server.outcome import invalid, malformed, missing
from fhir_server.resource import Resource, decode
from fhir_server.store.protocol import Transaction, Version

Change = Callable[[Resource], Resource]
"""Makes a changed copy of a resource; raises 422 when the change does not fit it."""

JSON_PATCH = "application/json-patch+json"


async def patch(context: Context, request: Request) -> Response:
    assert request.resource_type is not None and request.id is not None
    resource_type, id_ = request.resource_type, request.id
    change = read_patch(context, request)

    async def work(transaction: Transaction) -> Response:
        version = existing(await transaction.read(resource_type, id_), f"{resource_type}/{id_}")
        return await put(context, transaction, request, await patched(context, version, change), "PATCH")

    return await context.store.transaction(work)


def read_patch(context: Context, request: Request) -> Change:
    """The change that the body describes; raises 400 when it describes none."""
    if request.patch is not None:
        return json_patch.read(request.patch)
    resource = request.resource
    if resource is None:
        raise missing("the request has no body, it needs a JSON Patch or a Parameters resource")
    match resource.get("resourceType"):
        case "Parameters":
            validate(context, resource)
            return fhirpath_patch.read(context.definitions, resource)
        case "Binary":
            return json_patch.read(_json_patch_in(resource))
        case found:
            raise invalid(
                f"the body's resourceType is {found!r}, it needs a JSON Patch or a Parameters resource"
            )


def _json_patch_in(binary: Resource) -> object:
    """A JSON Patch in a bundle entry, where only resources can stand."""
    if binary.get("contentType") != JSON_PATCH:
        raise invalid(f"the Binary has another contentType than {JSON_PATCH}", "Binary.contentType")
    try:
        return decode(base64.b64decode(binary.get("data", ""), validate=True))
    except (binascii.Error, TypeError, ValueError, msgspec.DecodeError):
        raise malformed("the Binary holds no JSON in base64", "Binary.data") from None


async def patched(context: Context, version: Version, change: Change, at: str | None = None) -> Draft:
    """`version` after `change`, checked like the body of an update."""
    resource = change(decode(version.body))
    for name, value in (("resourceType", version.resource_type), ("id", version.id)):
        if resource.get(name) != value:
            raise invalid(f"a patch cannot change {name}, it is {value!r}", f"{version.resource_type}.{name}")
    return (await draft(context, resource, at)).under(version.id)

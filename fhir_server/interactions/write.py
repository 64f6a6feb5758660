"""The gate: every change of a resource passes here.

https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/http.html#update

What needs no state, checking and index rows, is done before the store's lock is taken; what needs it, the
conditions and the new version, inside.
"""

from typing import NamedTuple

from fhir_server.interactions.context import Context
from fhir_server.interactions.preconditions import (
    expected_version,
    needs_state,
    require_condition,
    require_state,
)
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import DefinitionError, Issue, invalid, missing, refused, unprocessable
from fhir_server.resource import Resource, content
from fhir_server.search import custom
from fhir_server.store.protocol import Content, Method, Transaction, Written
from fhir_server.store.rows import Rows

_ERRORS = frozenset(("fatal", "error"))
_REFUSING = {"error": _ERRORS, "warning": _ERRORS | {"warning"}}


class Checked(NamedTuple):
    """A resource that may be stored, with what is needed for it but its id."""

    resource: Resource
    rows: Rows
    warnings: tuple[Issue, ...]

    def content(self, id_: str) -> Content:
        resource_type = self.resource["resourceType"]
        return Content(resource_type, id_, content(self.resource | {"id": id_}), self.rows)


def body(request: Request) -> Resource:
    """The resource that a request brings; raises 400 when it is none of the type that the URL names."""
    resource = request.resource
    if resource is None:
        raise missing(f"the request has no body, it needs a {request.resource_type}")
    found = resource.get("resourceType")
    if found != request.resource_type:
        was = "is missing" if found is None else f"is {found!r}"
        raise invalid(f"resourceType {was}, the URL names {request.resource_type}")
    return resource


def require_same_id(resource: Resource, id_: str) -> None:
    """The id in the body SHALL be that of the URL."""
    found = resource.get("id")
    if found != id_:
        was = "is missing" if found is None else f"is {found!r}"
        at = f"{resource['resourceType']}.id"
        raise invalid(f"{at} {was}, the URL names {id_!r}", at)


def validate(context: Context, resource: Resource, at: str | None = None) -> tuple[Issue, ...]:
    """The warnings on a resource; raises 400 with all its issues when it breaks the base specification.

    at: the FHIRPath of the resource in the body; None: it is the body
    """
    issues = context.validator.check(resource, at)
    if issues and any(issue.severity in _ERRORS for issue in issues):
        raise refused(issues)
    if resource["resourceType"] == custom.RESOURCE_TYPE:
        unusable = custom.issues(resource, context.definitions, at or custom.RESOURCE_TYPE, early=True)
        if unusable:
            raise unprocessable(unusable)
    return tuple(issues)


async def check(context: Context, resource: Resource, at: str | None = None) -> Checked:
    """Raises 400 for what breaks the base specification, 422 for what breaks a profile that it must keep."""
    warnings = validate(context, resource, at)
    if context.profiles.concerns(resource):
        warnings += await _against_profiles(context, resource, at or resource["resourceType"])
    return Checked(resource, context.indexer.rows(resource), warnings)


async def _against_profiles(context: Context, resource: Resource, at: str) -> tuple[Issue, ...]:
    try:
        issues = await context.profiles.check(resource, at)
    except DefinitionError as error:  # a client may have stored it
        issues = [Issue("error", "not-supported", f"{at}: a definition is wrong: {error}", at, "definition")]
    refusing = _REFUSING[context.settings.refuse_from]
    if any(issue.severity in refusing for issue in issues):
        raise unprocessable(issues)
    return tuple(issues)


async def put(
    context: Context,
    transaction: Transaction,
    request: Request,
    content: Content,
    method: Method,
    *,
    force: bool = False,
) -> Written:
    """Add a version when the conditions of `request` hold; force: also when nothing changes."""
    if content.resource_type in context.settings.versioned_update:
        await require_condition(transaction, request, content.resource_type, content.id)
    if needs_state(request):
        await require_state(transaction, request, content.resource_type, content.id)
    if_match = expected_version(request)
    return await transaction.put(content, method=method, if_match=if_match, force=force)


def answer(request: Request, written: Written, warnings: tuple[Issue, ...] = ()) -> Response:
    """201 for a resource that was created or brought back to life, else 200."""
    version = written.version
    return Response(
        201 if written.created else 200,
        version=version,
        location=location(request, version.resource_type, version.id, version.version_id),
        issues=warnings,
    )


def location(request: Request, resource_type: str, id_: str, version_id: int) -> str:
    return f"{request.base_url}/{resource_type}/{id_}/_history/{version_id}"

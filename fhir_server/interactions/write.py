"""The gate: every change of a resource passes here.

https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/http.html#update

What needs no state, checking and index rows, is done before the store's lock is taken; what needs it, the
conditions and the new version, inside. Where a type has rules that look at the state, they say what is
stored: then profiles and index rows come after them.
"""

from dataclasses import replace
from typing import NamedTuple

from fhir_server.clock import Clock
from fhir_server.interactions import integrity
from fhir_server.interactions.context import Context
from fhir_server.interactions.criteria import compile_criteria
from fhir_server.interactions.integrity import Links, links_of
from fhir_server.interactions.preconditions import (
    expected_version,
    needs_state,
    require_condition,
    require_current,
    require_state,
)
from fhir_server.interactions.request import SERVER, Request, Response
from fhir_server.interactions.rules import Proposal, stored
from fhir_server.outcome import DefinitionError, Issue, invalid, missing, refused, unprocessable
from fhir_server.resource import Resource, content, decode
from fhir_server.search import custom
from fhir_server.store.protocol import Content, Method, Transaction, Version, Written
from fhir_server.store.rows import Rows

_ERRORS = frozenset(("fatal", "error"))
_REFUSING = {"error": _ERRORS, "warning": _ERRORS | {"warning"}}


class Checked(NamedTuple):
    """A resource that may be stored, with what is needed for it but its id."""

    resource: Resource
    rows: Rows
    warnings: tuple[Issue, ...]
    links: Links | None = None  # what has to be there; None: nothing

    def content(self, id_: str) -> Content:
        resource_type = self.resource["resourceType"]
        return Content(resource_type, id_, content(self.resource, id_), self.rows)


class Draft(NamedTuple):
    """A resource of a client on its way into the store."""

    resource: Resource
    at: str | None  # its FHIRPath in the body; None: it is the body
    checked: Checked | None  # None: its type has rules, which come first
    warnings: tuple[Issue, ...] = ()  # of the base specification
    id: str = ""
    content: Content | None = None

    def under(self, id_: str) -> "Draft":
        content = self.checked.content(id_) if self.checked else None
        return Draft(self.resource, self.at, self.checked, self.warnings, id_, content)


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
    return Checked(resource, context.indexer.rows(resource), warnings, links_of(context, resource, at))


async def _against_profiles(context: Context, resource: Resource, at: str) -> tuple[Issue, ...]:
    try:
        issues = await context.profiles.check(resource, at)
    except DefinitionError as error:  # a client may have stored it
        issues = [Issue("error", "not-supported", f"{at}: a definition is wrong: {error}", at, "definition")]
    refusing = _REFUSING[context.settings.refuse_from]
    if any(issue.severity in refusing for issue in issues):
        raise unprocessable(issues)
    return tuple(issues)


async def draft(context: Context, resource: Resource, at: str | None = None) -> Draft:
    """All that can be done without the state, and without an id; raises like `check`."""
    if resource["resourceType"] in context.rules:
        return Draft(resource, at, None, validate(context, resource, at))
    return Draft(resource, at, await check(context, resource, at))


async def put(
    context: Context,
    transaction: Transaction,
    request: Request,
    draft: Draft,
    method: Method,
    *,
    force: bool = False,
) -> Response:
    """Add a version when the conditions of `request` hold; force: also when nothing changes."""
    resource_type, if_match = draft.resource["resourceType"], None
    if method != "POST":  # under an id that was drawn just now there is nothing to compare with
        if resource_type in context.settings.versioned_update:
            await require_condition(transaction, request, resource_type, draft.id)
        if needs_state(request):
            await require_state(transaction, request, resource_type, draft.id)
        if_match = expected_version(request)
    checked, content = draft.checked, draft.content
    if checked is None or content is None:
        checked = await judged(context, transaction, request, draft, method)
        content = checked.content(draft.id)
    written = await transaction.put(content, method=method, if_match=if_match, force=force)
    if checked.links is not None:
        integrity.written(context, transaction, request.access, checked.links)
    return answer(request, written, checked.warnings)


async def judged(
    context: Context, transaction: Transaction, request: Request, draft: Draft, method: Method
) -> Checked:
    """What the rules of the type make of a draft, checked; raises like `check`, and what the rules raise."""
    resource = draft.resource | {"id": draft.id}
    resource_type = resource["resourceType"]
    version = None
    if method != "POST":
        version = await _current(transaction, request, resource_type, draft.id)
    unit = UnitOfWork(context, transaction, request)
    for judge in context.rules[resource_type]:
        found = await judge(Proposal(unit, request, method, draft.id, version, resource))
        assert found is not None
        resource = found
    # what came was checked against the base specification, and rules are the server's own
    warnings: tuple[Issue, ...] = ()
    # a profile that became stricter since must not stop what the server has to do
    if request.organization != SERVER and context.profiles.concerns(resource):
        warnings = await _against_profiles(context, resource, draft.at or resource_type)
    return Checked(resource, context.indexer.rows(resource), draft.warnings + warnings)


async def require_removable(
    context: Context, transaction: Transaction, request: Request, resource_type: str, id_: str
) -> None:
    """Raises what the rules of the type say against a deletion; nothing when there is nothing to delete."""
    judges = context.rules.get(resource_type)
    if judges and (version := await _current(transaction, request, resource_type, id_)):
        unit = UnitOfWork(context, transaction, request)
        for judge in judges:
            await judge(Proposal(unit, request, "DELETE", id_, version, None))


async def _current(
    transaction: Transaction, request: Request, resource_type: str, id_: str
) -> Version | None:
    """The version that is changed; raises 412 when If-Match names another.

    The store compares them too, but a client that has an old version must learn that first, and not what the
    rules say of a change that it would not have asked for.
    """
    version = await transaction.read(resource_type, id_)
    if version is not None and version.deleted:
        version = None
    require_current(request, version, f"{resource_type}/{id_}")
    return version


class UnitOfWork:
    """`rules.Unit` for the unit of work that `transaction` is."""

    def __init__(self, context: Context, transaction: Transaction, request: Request) -> None:
        self.reader = transaction
        self.clock: Clock = context.clock
        self._context = context
        self._request = request

    async def resource(self, reference: str) -> Resource | None:
        return await stored(self.reader, reference)

    async def find(self, resource_type: str, criteria: str, limit: int = 100) -> list[Resource]:
        request = replace(self._request, access=None)
        where = await compile_criteria(self._context, request, resource_type, criteria)
        identities = await self.reader.identities(resource_type, where, limit)
        return [decode(version.body) for version in await self.reader.read_many(identities)]

    async def put(self, resource: Resource) -> Version:
        method: Method = "PUT" if "id" in resource else "POST"
        # what the server does by itself has no conditions, and sees everything
        request = replace(self._request, organization=SERVER, access=None, if_match=None, if_none_match=None)
        given = await draft(self._context, resource)
        id_ = resource.get("id") or self._context.new_id()
        response = await put(self._context, self.reader, request, given.under(id_), method)
        assert response.version is not None
        return response.version


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

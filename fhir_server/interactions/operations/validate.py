"""$validate: what is wrong with a resource, without keeping it.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.interactions import integrity
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import Arguments, arguments
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.review import review
from fhir_server.outcome import FhirError, Issue, bad_value, invalid, missing, operation_outcome
from fhir_server.resource import Resource, decode, encode
from fhir_server.validation.positions import Positions

_KNOWN = ("resource", "mode", "profile")
MODES = ("create", "update", "delete", "profile")
_WRITTEN = ("batch", "transaction")


async def validate(context: Context, request: Request) -> Response:
    """200 with an OperationOutcome, whatever is found; errors are for requests that cannot be answered."""
    given = arguments(request, _KNOWN, bare="resource")
    mode = given.text("mode")
    if mode is not None and mode not in MODES:
        raise bad_value(f"mode is {mode!r}, it can be {', '.join(MODES)}")
    asked = given.texts("profile")
    if mode == "delete":
        return _answer([], await _deletion(context, request))
    if mode == "profile" and not asked:
        raise missing("mode profile needs the parameter profile")
    resource = await _resource(context, request, given, mode)
    found = [] if mode is None else [*_of_mode(request, resource, mode)]
    found += await review(context.validator, context.profiles, resource, asked)
    found += await integrity.issues(context, context.store, request.access, [*_links(context, resource)])
    return _answer(_placed(request, found), _clean(resource, found))


async def _resource(context: Context, request: Request, given: Arguments, mode: str | None) -> Resource:
    """The one that is given, else the one that the URL names."""
    resource = given.resource("resource")
    if mode == "profile" and (resource is not None or request.id is None):
        raise invalid("mode profile is for a resource that is here: name it in the URL, without a body")
    if resource is None:
        if request.id is None or request.resource_type is None:
            raise missing("the parameter resource is required")
        version = await context.store.read(request.resource_type, request.id)
        stored: Resource = decode(existing(version, f"{request.resource_type}/{request.id}").body)
        return stored
    found = resource.get("resourceType")
    if request.resource_type not in (None, found):
        raise invalid(f"resourceType is {found!r}, the URL names {request.resource_type}")
    return resource


def _links(context: Context, resource: Resource) -> Iterator[integrity.Links]:
    """What has to be there: for the resource, or for those that a Bundle would write."""
    resource_type = resource.get("resourceType")
    kept = context.settings.referential_integrity
    if not kept or resource_type not in context.definitions.resource_types:
        return
    if resource_type != "Bundle" and (links := integrity.links_of(context, resource, None)):
        yield links
    if resource.get("type") in _WRITTEN and isinstance(entries := resource.get("entry"), list):
        siblings = {name for entry in entries for name in _names(entry)}
        for index, entry in enumerate(entries):
            match entry:
                case {"resource": {"resourceType": str()} as inner}:
                    links = integrity.links_of(context, inner, f"Bundle.entry[{index}].resource")
                    if links is not None:
                        yield links.without(siblings)


def _names(entry: Any) -> Iterator[str]:
    """What references to the resource of an entry may say."""
    match entry:
        case {"resource": {"resourceType": str(type_), **rest}}:
            yield str(entry.get("fullUrl"))
            yield f"{type_}/{rest.get('id')}"


def _of_mode(request: Request, resource: Resource, mode: str | None) -> Iterator[Issue]:
    """What would refuse the write itself."""
    at = f"{resource.get('resourceType')}.id"
    found = resource.get("id")
    if mode == "update" and found is None:
        yield Issue("error", "required", f"{at}: found 0, an update needs 1", at, "mode-update-id")
    elif mode == "update" and request.id is not None and found != request.id:
        text = f"{at}: is {found!r}, the URL names {request.id!r}"
        yield Issue("error", "value", text, at, "mode-update-id")
    elif mode == "create" and found is not None:
        text = f"{at}: a create gives another one"
        yield Issue("information", "informational", text, at, "mode-create-id")


async def _deletion(context: Context, request: Request) -> list[Issue]:
    if request.id is None or request.resource_type is None:
        raise missing("mode delete needs a resource that the URL names")
    name = f"{request.resource_type}/{request.id}"
    try:
        existing(await context.store.read(request.resource_type, request.id), name)
    except FhirError as error:
        text = f"{error}: a delete does nothing"
        return [Issue("warning", error.issues[0].code, text, None, "mode-delete")]
    found = await integrity.referrer(context, context.store, (request.resource_type, request.id))
    if found is not None:
        who = "/".join(found) if request.access is None else "another resource"
        text = f"{name} cannot be deleted: {who} refers to it"
        return [Issue("error", "conflict", text, None, "mode-delete")]
    return [Issue("information", "informational", f"{name} can be deleted")]


def _clean(resource: Resource, found: list[Issue]) -> list[Issue]:
    """What is found to be right: the resource, or each entry of a Bundle by itself."""
    entries = resource.get("entry") if resource.get("resourceType") == "Bundle" else None
    if not isinstance(entries, list):
        return []
    places = [f"Bundle.entry[{index}]" for index in range(len(entries))]
    wrong = {place for place in places for issue in found if _is_at(issue, place)}
    fine = [Issue("information", "informational", f"{place}: nothing is wrong", place) for place in places]
    return [issue for issue in fine if issue.expression not in wrong]


def _is_at(issue: Issue, place: str) -> bool:
    return (issue.expression or "").startswith(place)


def _placed(request: Request, found: list[Issue]) -> list[Issue]:
    """With line and column in the body, where that was JSON."""
    if not found or not request.text or request.resource is None:
        return found
    start = _start(request.resource)
    positions = Positions(request.text, request.resource)
    placed = []
    for issue in found:
        if issue.expression is not None:
            _, dot, rest = issue.expression.partition(".")
            issue = issue.standing(*positions.of(f"{start}{dot}{rest}"))
        placed.append(issue)
    return placed


def _start(body: Resource) -> str:
    """The path of what is validated in the body."""
    if body.get("resourceType") != "Parameters":
        return "Body"
    for index, parameter in enumerate(body.get("parameter", ())):
        if parameter.get("name") == "resource":
            return f"Body.parameter[{index}].resource"
    return "Body"


_NOTHING_WRONG = Issue("information", "informational", "nothing is wrong")
_ALL_FINE = encode(operation_outcome([_NOTHING_WRONG]))


def _answer(found: list[Issue], fine: list[Issue]) -> Response:
    if found or fine:
        return Response(200, resource=operation_outcome([*found, *fine]))
    return Response(200, body=_ALL_FINE)

"""Conditional create, update, patch and delete: which resource is meant is told by search criteria.

https://hl7.org/fhir/R4/http.html#ccreate, https://hl7.org/fhir/R4/http.html#cond-update

The match and the write see one state: both happen in one transaction.
"""

from fhir_server.interactions import delete as deletion
from fhir_server.interactions.context import Context
from fhir_server.interactions.criteria import compile_criteria
from fhir_server.interactions.names import require_id
from fhir_server.interactions.patch import patched, read_patch
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Parameters, Request, Response
from fhir_server.interactions.write import body, draft, location, put
from fhir_server.outcome import edit_conflict, invalid, multiple_matches, not_found, too_costly
from fhir_server.resource import Resource
from fhir_server.store.algebra import Node
from fhir_server.store.protocol import Reader, Transaction, Version

# they tell how the answer looks, not which resource is meant
_PRESENTATION = frozenset(("_format", "_pretty", "_summary", "_elements"))


async def condition(context: Context, request: Request, resource_type: str) -> Node:
    """What the criteria of `request` ask for; raises 400 when there are none, or one is not understood."""
    given: str | Parameters
    if request.method == "POST":
        given = request.if_none_exist or ""
    else:
        given = [(name, value) for name, value in request.parameters if name not in _PRESENTATION]
    return await compile_criteria(context, request, resource_type, given)


async def matched_id(reader: Reader, resource_type: str, where: Node) -> str | None:
    """The id of the one resource that fits; None: nothing fits. Raises 412 when more than one does."""
    identities = await reader.identities(resource_type, where, 2)
    match identities:
        case []:
            return None
        case [(_, id_)]:
            return id_
        case _:
            raise too_many_matches(resource_type)


async def create(context: Context, request: Request) -> Response:
    """POST [type] with If-None-Exist: create when nothing fits, else answer what is there.

    https://hl7.org/fhir/R4/http.html#ccreate
    """
    resource = body(request)
    resource_type: str = resource["resourceType"]
    where = await condition(context, request, resource_type)
    given = (await draft(context, resource)).under(context.new_id())

    async def work(transaction: Transaction) -> Response:
        found = await matched_id(transaction, resource_type, where)
        if found is not None:
            return there_already(request, await current(transaction, resource_type, found))
        return await put(context, transaction, request, given, "POST")

    return await context.store.transaction(work)


async def update(context: Context, request: Request) -> Response:
    """PUT [type]?[criteria]: update the one match, create when there is none.

    https://hl7.org/fhir/R4/http.html#cond-update
    """
    resource = body(request)
    where = await condition(context, request, resource["resourceType"])
    given = await draft(context, resource)
    fresh_id = context.new_id()

    async def work(transaction: Transaction) -> Response:
        id_ = await id_to_update(transaction, resource, where, fresh_id)
        return await put(context, transaction, request, given.under(id_), "PUT")

    return await context.store.transaction(work)


async def id_to_update(reader: Reader, resource: Resource, where: Node, fresh_id: str) -> str:
    """The table of conditional update, line for line."""
    resource_type: str = resource["resourceType"]
    given: str | None = resource.get("id")
    found = await matched_id(reader, resource_type, where)
    match found, given:
        case None, None:
            return fresh_id
        case None, str(wanted):
            await _require_free(reader, resource_type, wanted)
            return wanted
        case str(there), None:
            return there
        case str(there), str(wanted) if there == wanted:
            return there
        case _:
            at = f"{resource_type}.id"
            raise invalid(f"{at} is {given!r}, the resource that fits the criteria is {found!r}", at)


async def _require_free(reader: Reader, resource_type: str, id_: str) -> None:
    """Update as create must not overwrite a resource of which the criteria say that it is not meant."""
    require_id(id_, f"{resource_type}.id")
    version = await reader.read(resource_type, id_)
    if version is not None and not version.deleted:
        raise edit_conflict(f"nothing fits the criteria, and {resource_type}/{id_} exists")


async def patch(context: Context, request: Request) -> Response:
    """PATCH [type]?[criteria]: patch the one match.

    https://hl7.org/fhir/R4/http.html#patch
    """
    assert request.resource_type is not None
    resource_type = request.resource_type
    where = await condition(context, request, resource_type)
    change = read_patch(context, request)

    async def work(transaction: Transaction) -> Response:
        found = await id_to_patch(transaction, resource_type, where)
        given = await patched(context, await current(transaction, resource_type, found), change)
        return await put(context, transaction, request, given, "PATCH")

    return await context.store.transaction(work)


async def id_to_patch(reader: Reader, resource_type: str, where: Node) -> str:
    found = await matched_id(reader, resource_type, where)
    if found is None:
        raise not_found(f"no {resource_type} fits the criteria")
    return found


async def delete(context: Context, request: Request) -> Response:
    """DELETE [type]?[criteria]: delete the match, or all of them where the settings allow it.

    https://hl7.org/fhir/R4/http.html#2.21.0.13.1
    """
    assert request.resource_type is not None
    resource_type = request.resource_type
    where = await condition(context, request, resource_type)

    async def work(transaction: Transaction) -> list[Version]:
        identities = await ids_to_delete(context, transaction, resource_type, where)
        found = [
            await deletion.remove(context, transaction, request, resource_type, id_) for id_ in identities
        ]
        return [version for version in found if version is not None]

    return deletion.answer(request, await context.store.transaction(work))


async def ids_to_delete(context: Context, reader: Reader, resource_type: str, where: Node) -> list[str]:
    if context.settings.conditional_delete == "single":
        found = await matched_id(reader, resource_type, where)
        return [] if found is None else [found]
    limit = context.settings.conditional_delete_limit
    identities = await reader.identities(resource_type, where, limit + 1)
    if len(identities) > limit:
        raise too_costly(f"more than {limit} {resource_type} resources fit the criteria")
    return [id_ for _, id_ in identities]


async def current(reader: Reader, resource_type: str, id_: str) -> Version:
    return existing(await reader.read(resource_type, id_), f"{resource_type}/{id_}")


def there_already(request: Request, version: Version) -> Response:
    where = location(request, version.resource_type, version.id, version.version_id)
    return Response(200, version=version, location=where)


def too_many_matches(resource_type: str, at: str | None = None) -> Exception:
    return multiple_matches(f"more than one {resource_type} fits the criteria", at)

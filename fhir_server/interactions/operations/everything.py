"""$everything: the whole record of a patient or an encounter, the directory of an organisation.

https://hl7.org/fhir/R4/patient-operation-everything.html,
https://hl7.org/fhir/R4/encounter-operation-everything.html
"""

from functools import partial

from fhir_server.interactions import paging
from fhir_server.interactions.bundle import join
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import Arguments, arguments
from fhir_server.interactions.read import existing
from fhir_server.interactions.request import Parameters, Request, Response
from fhir_server.interactions.search import options_of
from fhir_server.interactions.searchset import whole_entries
from fhir_server.outcome import bad_value, not_found, unknown_type
from fhir_server.search.access import permitted, visible
from fhir_server.search.compile import CURSOR, PRESENTATION
from fhir_server.search.date import parse
from fhir_server.search.everything import Everything, Wanted
from fhir_server.search.result import page_size
from fhir_server.store.algebra import IdIn, Query
from fhir_server.store.rows import hash64
from fhir_server.suggestion import choices

TYPE_LEVEL = ("Patient",)
_OF_ANY = ("_since", "_type", "_count")
_KNOWN = {"Patient": ("start", "end", *_OF_ANY)}


async def everything(context: Context, request: Request) -> Response:
    resource_type = request.resource_type
    assert resource_type is not None
    if request.id is None and resource_type not in TYPE_LEVEL:
        raise unknown_type(f"$everything is of one {resource_type}: {resource_type}/[id]/$everything")
    given = arguments(request, (*_KNOWN.get(resource_type, _OF_ANY), CURSOR))
    cursor = paging.opened(context, request)
    if cursor is None and request.id is not None:
        await _require_there(context, request)
    options = options_of(context.settings)
    bases = (request.base_url.rstrip("/"),)
    wanted = _wanted(context, request, given)
    found = Everything(context.definitions, wanted, bases, request.access)
    count = options.page_size_limit
    if (size := given.value("_count")) is not None:
        count = max(1, page_size(str(size), options.page_size_limit))
    query = Query(found.types, found.where, count, allowed=visible(request.access, found.types))
    # instead of the whole question, what it was made of
    meaning = partial(hash64, repr((wanted, found.types, query.allowed)))
    page = await paging.find(context, query, cursor, meaning)
    total = cursor.total if cursor is not None else None if page.more else len(page.hits)
    here = cursor or paging.first(page, context.clock(), total, meaning)
    links = paging.Links(context, request, paging.search_text(request, _used(request, given)))
    body = join(
        "searchset",
        whole_entries(request.base_url, [hit.version for hit in page.hits]),
        id_=context.new_id(),
        last_updated_ms=context.clock(),
        total=total,
        links=links.of(page, here, options.page_starts, given=given.text(CURSOR)),
    )
    return Response(200, body=body)


async def _require_there(context: Context, request: Request) -> None:
    """Raises 404 for a resource that is not there, or that the client may not see, and 410 for a deletion."""
    assert request.resource_type is not None and request.id is not None
    resource_type, id_ = request.resource_type, request.id
    if request.access is not None:
        where = permitted(IdIn((id_,)), request.access, (resource_type,))
        if not await context.store.identities(resource_type, where, 1):
            raise not_found(f"{resource_type}/{id_} is not known")
    existing(await context.store.read(resource_type, id_), f"{resource_type}/{id_}")


def _wanted(context: Context, request: Request, given: Arguments) -> Wanted:
    assert request.resource_type is not None
    start, end, since = (_range(context, given, name) for name in ("start", "end", "_since"))
    return Wanted(
        request.resource_type,
        request.id,
        start=None if start is None else start[0],
        end=None if end is None else end[1],
        since_ms=None if since is None else -(-since[0] // 1000),
        types=_types(context, given),
    )


def _range(context: Context, given: Arguments, name: str) -> tuple[int, int] | None:
    """The first and the last microsecond of a date or time of any precision."""
    text = given.text(name)
    if text is None:
        return None
    found = parse(text, options_of(context.settings).zone)
    if found is None:
        raise bad_value(f"{name} is {text!r}, it must be a date or time such as 2026-11-23")
    return found


def _types(context: Context, given: Arguments) -> tuple[str, ...]:
    found = [name for text in given.texts("_type") for name in text.split(",")]
    known = context.definitions.resource_types
    for name in found:
        if name not in known:
            raise bad_value(f"_type names {name!r}, which is not a resource type{choices(name, known)}")
    return tuple(dict.fromkeys(found))


def _used(request: Request, given: Arguments) -> Parameters:
    """The parameters for links, whether they came in the URL or in a body."""
    used = [(each.name, str(each.value)) for each in given.arguments if each.name != CURSOR]
    return used + [each for each in request.parameters if each[0] in PRESENTATION]

"""search: hits of a page, what they include, and links to the other pages, joined from bytes.

https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/search.html

A resource is decoded only where the client wants a part of it or what it refers to.
"""

from dataclasses import replace
from functools import cache, partial
from zoneinfo import ZoneInfo

from fhir_server.config import Settings
from fhir_server.interactions import contained, paging
from fhir_server.interactions.bundle import Link, join
from fhir_server.interactions.context import Context
from fhir_server.interactions.explain import explained, require_sight
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.searchset import include_entry, match_entries, outcome_entry
from fhir_server.outcome import Issue, not_found, unknown_type
from fhir_server.search.access import Access, permitted, seen, visible
from fhir_server.search.compile import Compartment, Search, compile_search
from fhir_server.search.cursor import Cursor
from fhir_server.search.include import Inclusion
from fhir_server.search.options import Options
from fhir_server.store.algebra import Everything, Query
from fhir_server.store.protocol import Page
from fhir_server.store.ruled import OutdatedError

_ALL = "*"
_REMEMBERED_CHARACTERS = 500  # of the parameters of a search that may come again
_CUT = Issue(
    "warning",
    "incomplete",
    "there are more resources to include than this server adds to a page; ask for fewer hits with _count",
)


@cache
def options_of(settings: Settings) -> Options:
    return Options(
        zone=ZoneInfo(settings.time_zone),
        page_size=settings.page_size,
        page_size_limit=settings.page_size_limit,
    )


async def search(context: Context, request: Request) -> Response:
    """GET [base]/Type?…, [base]?…, [base]/Patient/1/Observation?…, and the same by POST …/_search."""
    types, compartment = _where(context, request)
    cursor = paging.opened(context, request)
    now_ms = context.clock() if cursor is None else cursor.now_ms
    options = options_of(context.settings)
    compiled = partial(
        compile_search,
        context.definitions,
        types,
        request.parameters,
        base_url=request.base_url,
        now_ms=now_ms,
        strict=request.strict,
        compartment=compartment,
        options=options,
    )
    found = await context.needs.compiled(
        lambda terms: compiled(terms=terms),
        context.store,
        request.access,
        _words(request, types, compartment, options),
    )
    if found.explain:
        require_sight(request)
    if request.access is not None:
        found = _permitted(context, request.access, found)
    answer = await _found(context, request, found, cursor, now_ms)
    if context.present is not None and not context.present.is_current:
        raise OutdatedError  # the index may have been emptied of a column under the search
    return answer


def _words(
    request: Request, types: tuple[str, ...], compartment: Compartment | None, options: Options
) -> tuple[object, ...] | None:
    """All that a search is compiled of beside the definitions and the time; None: it is too long to keep."""
    given = tuple(request.parameters)
    if sum(len(name) + len(value) for name, value in given) > _REMEMBERED_CHARACTERS:
        return None
    return types, compartment, given, request.base_url, request.strict, options


def _permitted(context: Context, access: Access, found: Search) -> Search:
    types = found.resource_types or sorted(context.definitions.resource_types)
    inside = found.inside
    if inside is not None:
        inside = replace(
            inside, itself=seen(inside.itself, access), containers=seen(inside.containers, access)
        )
    return replace(found, where=permitted(found.where, access, types), inside=inside)


async def _found(
    context: Context, request: Request, found: Search, cursor: Cursor | None, now_ms: int
) -> Response:
    if found.count == 0 or found.summary == "count":
        total = await contained.count(context.store, found)
        issues = [*found.issues]
        if found.explain:
            issues += await explained(
                context.store, [replace(_query(context, request, found), limit=0, sort=())]
            )
        entries = [outcome_entry(issues)] if issues else []
        links = paging.Links(context, request, paging.search_text(request, found.used))
        return _answer(context, entries, total, [("self", links.url())])
    return await _page(context, request, found, cursor, now_ms)


def _where(context: Context, request: Request) -> tuple[tuple[str, ...], Compartment | None]:
    """The types to search, empty for all, and the compartment that they are searched in."""
    known = context.definitions.resource_types
    if request.resource_type is None:
        return (), None
    if request.resource_type not in known:
        raise unknown_type(f"{request.resource_type!r} is not a resource type")
    if request.compartment_type is None:
        return (request.resource_type,), None
    assert request.id is not None
    members = context.definitions.compartment(request.resource_type)
    if not members:
        raise not_found(f"there is no compartment of a {request.resource_type}")
    compartment = Compartment(request.resource_type, request.id)
    if request.compartment_type == _ALL:
        return (), compartment
    if request.compartment_type not in known:
        raise unknown_type(f"{request.compartment_type!r} is not a resource type")
    if not members.get(request.compartment_type) and request.compartment_type != request.resource_type:
        raise not_found(f"{request.compartment_type} is not in the compartment of a {request.resource_type}")
    return (request.compartment_type,), compartment


async def _page(
    context: Context, request: Request, found: Search, cursor: Cursor | None, now_ms: int
) -> Response:
    options = options_of(context.settings)
    query = _query(context, request, found)
    if cursor is None and contained.is_cut(found):
        query = replace(query, as_of=await context.store.moment())
    meaning = partial(paging.meaning_of, query)
    page = await paging.find(context, query, cursor, meaning)
    hits, page = await contained.hits_of(context.store, found, page, query.as_of)
    issues = list(found.issues)
    about = context.definitions, request.base_url, found
    entries = match_entries(*about, hits)
    if found.includes:
        inclusion = Inclusion(context.store, context.indexer, options, request.access)
        await inclusion.include([hit.version for hit in page.hits], found.includes)
        entries += [include_entry(*about, version) for version in inclusion.found]
        if not inclusion.complete:
            issues.append(_CUT)
    if found.explain:
        asked = [paging.asked(query, cursor, meaning)]
        if cursor is None and found.total in ("accurate", "estimate"):
            asked.append(replace(query, limit=0, sort=()))
        issues += await explained(context.store, asked)
    if issues:
        entries.append(outcome_entry(issues))
    total = await _total(context, found, page, len(hits)) if cursor is None else cursor.total
    here = paging.first(page, now_ms, total, meaning) if cursor is None else cursor
    links = paging.Links(context, request, paging.search_text(request, found.used))
    shown = links.of(page, here, options.page_starts, given=found.cursor)
    return _answer(context, entries, total, shown)


def _query(context: Context, request: Request, found: Search) -> Query:
    types = found.resource_types or sorted(context.definitions.resource_types)
    allowed = visible(request.access, types)
    return Query(found.resource_types, found.where, found.count, found.sort, allowed=allowed)


async def _total(context: Context, found: Search, page: Page, shown: int) -> int | None:
    """Of the first page. Unless it is asked for, the total is told where it costs nothing."""
    match found.total:
        case "none":
            return None
        case None if not page.more:
            return shown
        case None if not isinstance(found.where, Everything):
            return None
        case _:
            return await contained.count(context.store, found)


def _answer(context: Context, entries: list[bytes], total: int | None, links: list[Link]) -> Response:
    body = join(
        "searchset",
        entries,
        id_=context.new_id(),
        last_updated_ms=context.clock(),
        total=total,
        links=links,
    )
    return Response(200, body=body)

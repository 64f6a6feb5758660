"""search: hits of a page, what they include, and links to the other pages, joined from bytes.

https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/search.html

A resource is decoded only where the client wants a part of it or what it refers to.
"""

from collections.abc import Sequence
from functools import cache, partial
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from fhir_server.config import Settings
from fhir_server.interactions.bundle import Link, join
from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import Issue, not_found, operation_outcome, unknown_type
from fhir_server.resource import decode, encode
from fhir_server.search.compile import CURSOR, Compartment, Search, compile_search
from fhir_server.search.cursor import Cursor, read_cursor, write_cursor
from fhir_server.search.include import Inclusion
from fhir_server.search.options import Options
from fhir_server.search.subset import subset
from fhir_server.store.algebra import Everything, Query
from fhir_server.store.protocol import Page, Version
from fhir_server.store.ruled import OutdatedError

_ALL = "*"
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
    compiled = partial(
        compile_search,
        context.definitions,
        types,
        request.parameters,
        base_url=request.base_url,
        now_ms=context.clock(),
        strict=request.strict,
        compartment=compartment,
        options=options_of(context.settings),
    )
    found = await context.needs.compiled(lambda terms: compiled(terms=terms), context.store)
    answer = await _found(context, request, found)
    if context.present is not None and not context.present.is_current:
        raise OutdatedError  # the index may have been emptied of a column under the search
    return answer


async def _found(context: Context, request: Request, found: Search) -> Response:
    if found.count == 0 or found.summary == "count":
        total = await context.store.count(found.resource_types, found.where)
        entries = [_outcome_entry(found.issues)] if found.issues else []
        return _answer(context, entries, total, [("self", _url(request, _query(request, found)))])
    return await _page(context, request, found)


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


async def _page(context: Context, request: Request, found: Search) -> Response:
    options, query = options_of(context.settings), _query(request, found)
    cursor = Cursor(()) if found.cursor is None else read_cursor(found.cursor, query, context.secret)
    page = await context.store.find(
        Query(found.resource_types, found.where, found.count, found.sort, cursor.after or None)
    )
    hits = [hit.version for hit in page.hits]
    issues = list(found.issues)
    inclusion = Inclusion(context.store, context.indexer, options)
    if found.includes:
        await inclusion.include(hits, found.includes)
        if not inclusion.complete:
            issues.append(_CUT)
    entries = [_entry(context, request, found, version, "match") for version in hits]
    entries += [_entry(context, request, found, version, "include") for version in inclusion.found]
    if issues:
        entries.append(_outcome_entry(issues))
    links = [("self", _url(request, query, found.cursor))]
    for relation, each in _other_pages(page, cursor, options.page_starts):
        text = write_cursor(each, query, context.secret) if each.after else None
        links.append((relation, _url(request, query, text)))
    return _answer(context, entries, await _total(context, found, page), links)


def _other_pages(page: Page, cursor: Cursor, keep: int) -> list[tuple[str, Cursor]]:
    """Where the pages begin that the links lead to. `previous` reaches back `keep` pages."""
    found = [("first", Cursor((), sequence=cursor.sequence))]
    if cursor.before:
        found.append(("previous", Cursor(cursor.before[-1], cursor.before[:-1], cursor.sequence)))
    if page.more:
        before = (*cursor.before, cursor.after)[-keep:]
        found.append(("next", Cursor(page.hits[-1].position, before, cursor.sequence)))
    return found


async def _total(context: Context, found: Search, page: Page) -> int | None:
    """Unless it is asked for, the total is told where it costs nothing."""
    match found.total:
        case "none":
            return None
        case None if not page.more and found.cursor is None:
            return len(page.hits)
        case None if not isinstance(found.where, Everything):
            return None
        case _:
            return await context.store.count(found.resource_types, found.where)


def _entry(context: Context, request: Request, found: Search, version: Version, mode: str) -> bytes:
    body = version.body
    # "The list of elements does not apply to included resources"
    elements = found.elements if mode == "match" else ()
    summary = found.summary if found.summary in ("true", "text", "data") else None
    if elements or summary:
        body = encode(subset(decode(body), context.definitions, summary=summary, elements=elements))
    url = f"{request.base_url}/{version.resource_type}/{version.id}"
    tail = f',"search":{{"mode":"{mode}"}}}}'.encode()
    return b"".join((b'{"fullUrl":', encode(url), b',"resource":', body, tail))


def _outcome_entry(issues: Sequence[Issue]) -> bytes:
    return encode({"resource": operation_outcome(list(issues)), "search": {"mode": "outcome"}})


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


def _query(request: Request, found: Search) -> str:
    """The search as it was understood, `Patient?name=eve`: the same for all of its pages."""
    path = "/".join(
        part for part in (request.resource_type, request.id, request.compartment_type) if part is not None
    )
    return f"{path}?{urlencode(found.used)}" if found.used else path


def _url(request: Request, query: str, cursor: str | None = None) -> str:
    """None: the first page."""
    glue = "" if not query or query[0] == "?" else "/"
    url = f"{request.base_url}{glue}{query}"
    return url if cursor is None else f"{url}{'&' if '?' in query else '?'}{CURSOR}={quote(cursor)}"

"""history: the versions of a resource, of a type, of everything, newest first, deletions among them.

https://hl7.org/fhir/R4/http.html#history

Pages follow the sequence numbers of the change log, and each names the newest version of the first page:
what is written meanwhile neither repeats nor hides a version.
"""

import re
from urllib.parse import urlencode

from fhir_server.interactions.bundle import Link, history_entry, join
from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Parameters, Request, Response
from fhir_server.interactions.search import options_of
from fhir_server.interactions.subset import part_of
from fhir_server.outcome import bad_value, not_found, not_supported
from fhir_server.resource import encode
from fhir_server.search.date import parse
from fhir_server.store.protocol import HistoryRange, Version
from fhir_server.suggestion import choices

PARAMETERS = ("_since", "_before", "_at", "_count")
_CURSOR = "_cursor"
_PRESENTATION = ("_format", "_pretty", "_summary", "_elements")
_POSITION = re.compile(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,17})")
_COUNT = re.compile(r"[0-9]{1,18}")


async def history(context: Context, request: Request) -> Response:
    given = _once(request)
    count = 0 if ("_summary", "count") in request.parameters else _count(context, given.get("_count"))
    range_ = _range(context, request, given)
    # one more than is shown tells whether there is a next page
    versions = await context.store.history(range_, count + 1) if count else []
    if request.id is not None and not versions:
        await _require_known(context, request)
    more, versions = len(versions) > count, versions[:count]
    if range_.up_to_sequence is None and versions:
        range_ = range_._replace(up_to_sequence=versions[0].sequence)
    whole = count > 0 and not more and _CURSOR not in given
    body = join(
        "history",
        [history_entry(request.base_url, _shown(context, request, version)) for version in versions],
        id_=context.new_id(),
        last_updated_ms=context.clock(),
        total=await _total(context, request, range_, count, len(versions) if whole else None),
        links=_links(request, given, count, range_, versions[-1] if more else None),
    )
    return Response(200, body=body)


def _once(request: Request) -> dict[str, str]:
    """The parameters, each given once at most; raises 400 for one that history does not have."""
    given: dict[str, str] = {}
    for name, value in request.parameters:
        if name in given:
            raise bad_value(f"{name} stands twice in the URL, history takes it once")
        if name in (*PARAMETERS, _CURSOR):
            given[name] = value
        elif name not in _PRESENTATION and request.strict:
            hint = choices(name, PARAMETERS)
            raise not_supported(f"history has no parameter {name!r}{hint}")
    return given


def _count(context: Context, text: str | None) -> int:
    if text is None:
        return context.settings.page_size
    if _COUNT.fullmatch(text) is None:
        raise bad_value(f"_count is {text!r}, it must be a number of versions")
    return min(int(text), context.settings.page_size_limit)


def _range(context: Context, request: Request, given: dict[str, str]) -> HistoryRange:
    range_ = HistoryRange(request.resource_type, request.id)
    if "_since" in given:
        range_ = range_._replace(since_ms=_instants(context, given, "_since")[0])
    if "_before" in given:
        range_ = range_._replace(before_ms=_instants(context, given, "_before")[0])
    if "_at" in given:
        first, last = _instants(context, given, "_at")
        range_ = range_._replace(at_ms=first, at_last_ms=last)
    if _CURSOR in given:
        position = _POSITION.fullmatch(given[_CURSOR])
        if position is None:
            raise bad_value(f"{_CURSOR} is {given[_CURSOR]!r}, it must come from a link of this server")
        range_ = range_._replace(up_to_sequence=int(position[1]), before_sequence=int(position[2]))
    return range_


def _instants(context: Context, given: dict[str, str], name: str) -> tuple[int, int]:
    """The first and the last millisecond of a date or time of any precision."""
    found = parse(given[name], options_of(context.settings).zone)
    if found is None:
        raise bad_value(f"{name} is {given[name]!r}, it must be a time such as 2026-11-23T08:00:00Z")
    first, last = found
    return -(-first // 1000), last // 1000


def _shown(context: Context, request: Request, version: Version) -> Version:
    if version.deleted or not any(name in ("_summary", "_elements") for name, _ in request.parameters):
        return version
    part = part_of(context, request, version)
    return version if part is None else version._replace(body=encode(part))


async def _require_known(context: Context, request: Request) -> None:
    assert request.resource_type is not None and request.id is not None
    if await context.store.read(request.resource_type, request.id) is None:
        raise not_found(f"{request.resource_type}/{request.id} is not known")


async def _total(
    context: Context, request: Request, range_: HistoryRange, count: int, shown: int | None
) -> int | None:
    """Counted for one resource, else only when nothing but the count is asked for: it reads the whole log.

    shown: versions on this page where it is the only one
    """
    if request.id is None and count > 0:
        return None
    if shown is not None:
        return shown
    return await context.store.history_count(range_._replace(before_sequence=None))


def _links(
    request: Request, given: dict[str, str], count: int, range_: HistoryRange, last: Version | None
) -> list[Link]:
    parts = (request.base_url, request.resource_type, request.id, "_history")
    url = "/".join(part for part in parts if part is not None)
    used = (*PARAMETERS, *_PRESENTATION)
    shown: Parameters = [each for each in request.parameters if each[0] in used and each[0] != "_count"]
    shown.append(("_count", str(count)))
    here = [(_CURSOR, given[_CURSOR])] if _CURSOR in given else []
    links = [("self", f"{url}?{urlencode(shown + here)}"), ("first", f"{url}?{urlencode(shown)}")]
    if last is not None:
        page = f"{range_.up_to_sequence}-{last.sequence}"
        links.append(("next", f"{url}?{urlencode([*shown, (_CURSOR, page)])}"))
    return links

"""Pages of a search: all of them show the state of the store at the first one.

https://hl7.org/fhir/R4/http.html#paging

The cursor in a link carries that state, and where its page begins. Each page compiles the search and the
client's rights afresh; when they come to something else than they did, the page is refused.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote_plus

from fhir_server.interactions.bundle import Link
from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Parameters, Request
from fhir_server.outcome import page_gone
from fhir_server.search.compile import CURSOR
from fhir_server.search.cursor import Bound, Cursor, read_cursor, write_cursor
from fhir_server.store.algebra import Moment, Query
from fhir_server.store.protocol import Page
from fhir_server.store.rows import hash64


def search_text(request: Request, used: Parameters | tuple[tuple[str, str], ...]) -> str:
    """The search as it was understood, `Patient?name=eve`: the same for all of its pages."""
    operation = None if request.operation is None else f"${request.operation}"
    parts = (request.resource_type, request.id, request.compartment_type, operation)
    path = "/".join(part for part in parts if part is not None)
    pairs = [f"{_quoted(name)}={_quoted(value)}" for name, value in used]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


def _quoted(text: str) -> str:
    """As `quote_plus` writes it, which takes its time with what needs nothing."""
    return text if _PLAIN.fullmatch(text) else quote_plus(text)


def opened(context: Context, request: Request) -> Cursor | None:
    """Where the page begins that is asked for, None: at the first; raises 400 for a foreign cursor."""
    given = [value for name, value in request.parameters if name == CURSOR]
    if not given:
        return None
    rest = [each for each in request.parameters if each[0] != CURSOR]
    return read_cursor(given[-1], Bound(search_text(request, rest), request.client), context.secret)


async def find(context: Context, query: Query, cursor: Cursor | None, meaning: Callable[[], int]) -> Page:
    """meaning: another number when the same search, by the same client, comes to something else."""
    return await context.store.find(asked(query, cursor, meaning))


def asked(query: Query, cursor: Cursor | None, meaning: Callable[[], int]) -> Query:
    """The query of one page; raises 410 when that can be shown no more."""
    if cursor is None:
        return query
    if meaning() != cursor.meaning:
        raise page_gone(
            "since the first page your rights, or the definitions that the search hangs on, have changed:"
            " search again"
        )
    return replace(query, after=cursor.after or None, as_of=Moment(*cursor.moment))


def meaning_of(query: Query) -> int:
    return hash64(repr((query.resource_types, query.where, query.sort, query.allowed)))


def first(page: Page, now_ms: int, total: int | None, meaning: Callable[[], int]) -> Cursor:
    """What the cursors of the other pages take from the first one."""
    if page.moment is None:  # there are no others
        return Cursor(())
    return Cursor((), (), page.moment, now_ms, meaning(), total)


class Links:
    """Links to the pages of one search."""

    def __init__(self, context: Context, request: Request, search: str) -> None:
        """search: its `search_text`"""
        self._secret = context.secret
        self._base_url = request.base_url
        self._bound = Bound(search, request.client)

    def url(self, cursor: str | None = None) -> str:
        """None: the first page."""
        search = self._bound.search
        glue = "" if not search or search[0] == "?" else "/"
        url = f"{self._base_url}{glue}{search}"
        # a cursor has no character that a URL writes otherwise
        return url if cursor is None else f"{url}{'&' if '?' in search else '?'}{CURSOR}={cursor}"

    def of(self, page: Page, cursor: Cursor, keep: int, *, given: str | None) -> list[Link]:
        """cursor: of this page; given: its text in the request, None: this is a first page.

        `previous` reaches back `keep` pages.
        """
        found = [("self", self.url(given))]
        first = self.url() if given is None else self._to(replace(cursor, after=(), before=()))
        found.append(("first", first))
        if cursor.before:
            back = replace(cursor, after=cursor.before[-1], before=cursor.before[:-1])
            found.append(("previous", self._to(back)))
        if page.more:
            before = (*cursor.before, cursor.after)[-keep:]
            found.append(("next", self._to(replace(cursor, after=page.hits[-1].position, before=before))))
        return found

    def _to(self, cursor: Cursor) -> str:
        return self.url(write_cursor(cursor, self._bound, self._secret))

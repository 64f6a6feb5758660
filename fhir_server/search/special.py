"""Parameters that are about the resource as a whole, not about an indexed value: `_id`, `_lastUpdated`.

https://hl7.org/fhir/R4/search.html#all
"""

from collections.abc import Callable, Sequence

from fhir_server.search import date
from fhir_server.search.column import Scope
from fhir_server.search.combine import any_of
from fhir_server.search.full_text import full_text
from fhir_server.search.named_query import QUERY
from fhir_server.search.ranges import compare
from fhir_server.search.values import unescape
from fhir_server.store.algebra import IdIn, Node, Nothing, UpdatedBetween


def _id(values: Sequence[str], scope: Scope) -> Node:
    return IdIn(tuple(dict.fromkeys(unescape(value) for value in values)))


def _last_updated(values: Sequence[str], scope: Scope) -> Node:
    return any_of(_updated(value, scope) for value in values)


def _updated(value: str, scope: Scope) -> Node:
    prefix, first, last = date.parse_value(value, scope)
    # times of versions are whole milliseconds
    return compare(prefix, -(-first // 1000), last // 1000, _between, lambda ms: ms + 1, lambda ms: ms - 1)


def _between(
    low_from: float | None, low_to: float | None, high_from: float | None, high_to: float | None
) -> Node:
    """A time has one value: its low end is its high end."""
    firsts = [int(bound) for bound in (low_from, high_from) if bound is not None]
    lasts = [int(bound) for bound in (low_to, high_to) if bound is not None]
    first, last = max(firsts, default=None), min(lasts, default=None)
    if first is not None and last is not None and first > last:
        return Nothing()
    return UpdatedBetween(first, last)


SPECIAL: dict[str, Callable[[Sequence[str], Scope], Node]] = {
    "_id": _id,
    "_lastUpdated": _last_updated,
    "_text": full_text("narrative"),
    "_content": full_text("anywhere"),
}
"""By code."""
TEXTS = frozenset(("_text", "_content"))
"""Those that have no modifiers; the others are there in every resource."""
EXPRESSIONS = frozenset(("_filter",))
"""Those whose values name other parameters."""

UNDECLARED = frozenset((QUERY,))
"""It stands for other parameters; no list of parameters can say for which."""

"""Pages of what was not changed since a moment, joined with what was, each in its place."""

from functools import cmp_to_key
from typing import Any

from fhir_server.store.algebra import Everything, Query, SortKey
from fhir_server.store.matching import sort_value
from fhir_server.store.protocol import Hit
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.past import Past, Then
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.schema import DATE_LIMIT
from fhir_server.store.sqlite.terms import Universe

Position = tuple[Any, ...]
"""Values of the sort keys, and the key of the resource: what a hit is placed by."""


def merged(here: Connected, past: Past, query: Query, universe: Universe, hits: list[Hit]) -> list[Hit]:
    """`hits`, which were not changed since, with those that were and come behind `query.after`."""

    def compare(one: Position, other: Position) -> int:
        return _compare(one, other, query.sort)

    order = cmp_to_key(compare)
    after = None if query.after is None else order(query.after)
    changed = past.fitting(query.where, universe)
    found = [Hit(then.version, _position(past, then, query.sort)) for then in _seen(here, query, changed)]
    behind = [hit for hit in found if after is None or after < order(hit.position)]
    return sorted(hits + behind, key=lambda hit: order(hit.position)) if behind else hits


def _seen(here: Connected, query: Query, changed: list[Then]) -> list[Then]:
    """Without those that are still there, and must not be seen as they are now."""
    present = Compiler(here)
    universe = present.universe(query.resource_types)
    if isinstance(query.allowed, Everything) or universe is None or not changed:
        return changed
    tested = present.term(query.allowed, universe).test("r.key", 1)
    select = f"SELECT r.live AND NOT ({tested.text}) FROM resource r WHERE r.key = ?"
    return [then for then in changed if not here.connection.execute(select, (*tested.values, then.key)).get]


def _position(past: Past, then: Then, sort: tuple[SortKey, ...]) -> Position:
    values = (_value(past, then, key, last=place == len(sort)) for place, key in enumerate(sort, 1))
    return *values, then.key


def _value(past: Past, then: Then, key: SortKey, *, last: bool) -> Any:
    """As the index has it: see `sort.py`."""
    found = sort_value(key, then.subject, past)
    if found is None:
        return None
    if key.kind == "date":
        return max(found, -DATE_LIMIT)
    if key.kind == "token":
        text, hash_ = found
        return f"{text}\0{int(hash_ >= 0)}{hash_ & (1 << 63) - 1:019d}" if last else text
    return found


def _compare(one: Position, other: Position, sort: tuple[SortKey, ...]) -> int:
    """By the values, what has none last, then by key in the direction of the first sort key."""
    for a, b, key in zip(one, other, sort, strict=False):
        if a == b:
            continue
        if a is None or b is None:
            return 1 if a is None else -1
        return -1 if (a < b) != key.descending else 1
    a, b = one[-1], other[-1]
    return 0 if a == b else -1 if (a < b) != bool(sort and sort[0].descending) else 1

"""Pages, identities and counts of what fits a query."""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import replace
from operator import itemgetter
from typing import Any

from fhir_server.store.algebra import Everything, Node, Query
from fhir_server.store.protocol import Hit, Page
from fhir_server.store.sqlite.along import along, is_narrow, others
from fhir_server.store.sqlite.combined import All, Other, terms_of
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.connection import snapshot
from fhir_server.store.sqlite.merge import merged
from fhir_server.store.sqlite.names import id_text
from fhir_server.store.sqlite.past import past_of
from fhir_server.store.sqlite.plan import alternatives, counted, page, selected
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.rings import has_rings, rings
from fhir_server.store.sqlite.sort import Order, after, order_by, orders_of
from fhir_server.store.sqlite.terms import NOWHERE, Sql, Term, Universe, join
from fhir_server.store.sqlite.walk import can_walk, has_value, lies_along, valued, walk

MEASURED_AT_MOST = 100  # keys whose distance is measured to sort them; from there on rings are walked
_KEY, _VALUE = 0, 4  # where a row has the resource's key, and the first value that it is sorted by
SORTED_AT_MOST = 1000  # keys; from there on an index in the wanted order is walked


def find(here: Connected, query: Query) -> Page:
    here.forget_estimates()
    with snapshot(here.connection):
        past = None if query.as_of is None else past_of(here, query.as_of)
        compiler = Compiler(here, past)
        universe = compiler.universe(query.resource_types)
        if universe is None:
            return Page([], False)
        term = compiler.term(query.where, universe)
        rows = [] if term is NOWHERE else _found(here, compiler, query, universe, term)
        if past is None:
            hits, more = _hits(here, rows[: query.limit]), len(rows) > query.limit
        else:
            found = merged(here, past, query, universe, _hits(here, rows))
            hits, more = found[: query.limit], len(found) > query.limit
        return Page(hits, more, (query.as_of or here.moment()) if more else None)


def _found(here: Connected, compiler: Compiler, query: Query, universe: Universe, term: Term) -> list[Any]:
    """Rows of a page, and one more that tells that there is more."""
    if query.sort and query.sort[0].fitting:
        statements = _statements(compiler, query, universe, term, ())
        return _side_by_side([_resources(here, each, query.limit + 1) for each in statements], (_VALUE, _KEY))
    if query.sort:
        return _read(here, compiler, query, universe, term)
    arms = alternatives(universe, term)
    return _side_by_side([_read(here, compiler, query, universe, arm) for arm in arms], (_KEY,))


def _side_by_side(found: list[list[Any]], by: tuple[int, ...]) -> list[Any]:
    """Rows that are in order, as one list, each resource once. by: the columns that order them."""
    if len(found) == 1:
        return found[0]
    return _firsts(sorted((row for rows in found for row in rows), key=itemgetter(*by)))


def _firsts(rows: Iterable[Any], most: int | None = None) -> list[Any]:
    """The first row of each resource, of so many; None: of all."""
    found: dict[int, Any] = {}
    for row in rows:
        found.setdefault(row[_KEY], row)
        if len(found) == most:
            break
    return list(found.values())


def _read(here: Connected, compiler: Compiler, query: Query, universe: Universe, term: Term) -> list[Any]:
    rows: list[Any] = []
    for statement in _statements(compiler, query, universe, term, rows):
        # one more than is missing: the first may be the one that is there already
        more = _rows(here, statement, query.limit + 1 + bool(rows) - len(rows))
        if rows and more and more[0][_KEY] == rows[-1][_KEY]:
            del more[0]
        rows += more
        if len(rows) > query.limit:
            break
    return rows


def identities(here: Connected, resource_type: str, where: Node, limit: int) -> list[tuple[str, str]]:
    here.forget_estimates()
    with snapshot(here.connection):
        compiler = Compiler(here)
        universe = compiler.universe((resource_type,))
        if universe is None or (term := compiler.term(where, universe)) is NOWHERE:
            return []
        found = selected(compiler, universe, term, -1)
        rows = here.connection.execute(f"SELECT id FROM ({found.text} LIMIT ?)", (*found.values, limit))
        return [(resource_type, id_text(row[0])) for row in rows]


def count(here: Connected, resource_types: tuple[str, ...], where: Node) -> int:
    here.forget_estimates()
    compiler = Compiler(here)
    universe = compiler.universe(resource_types)
    if universe is None:
        return 0
    if isinstance(where, Everything):
        return universe.count()
    with snapshot(here.connection):
        term = compiler.term(where, universe)
        if term is universe:
            return universe.count()
        found = counted(compiler, universe, term)
        answer: int = here.connection.execute(found.text, found.values).get
        return answer


def _statements(
    compiler: Compiler, query: Query, universe: Universe, term: Term, found: Sized
) -> Iterator[Sql]:
    """Statements whose rows, one after the other, are the page. found: those that there are so far"""
    position: Any = query.after
    if not query.sort:
        last_key = -1 if position is None else position[0]
        yield from page(compiler, universe, term, last_key, query.limit + 1, found)
        return
    orders = orders_of(compiler, universe, query.sort)
    if orders[0].key.fitting:
        yield from _by_ranges(compiler, universe, term, orders, position)
        return
    if has_rings(orders[0]) and term.estimate(MEASURED_AT_MOST) >= min(MEASURED_AT_MOST, SORTED_AT_MOST):
        for ring in rings(compiler, universe, term, orders[0], position):
            yield _sorted(compiler, universe, ring, orders, position)
        return
    few = not lies_along(compiler, term, orders[0]) and term.estimate(SORTED_AT_MOST) < SORTED_AT_MOST
    if few or not can_walk(universe, orders[0]):
        yield _sorted(compiler, universe, term, orders, position)
        return
    if position is None or position[0] is not None:
        yield walk(compiler, universe, term, orders, position, query.limit + 1)
        position = None
    if orders[0].key.kind not in ("updated", "id") and not has_value(term, orders[0]):
        yield _without_value(compiler, universe, term, orders, position)


def _by_ranges(
    compiler: Compiler, universe: Universe, term: Term, orders: list[Order], position: tuple[Any, ...] | None
) -> list[Sql]:
    """In the order that a search has by itself, along the ranges that it asks for."""
    rest = others(universe, term, orders[0])
    if rest is not None and len(orders) == 1:
        if not rest and is_narrow(compiler, orders[0]):
            return along(compiler, universe, orders[0], (), position)
        if term.estimate(SORTED_AT_MOST) >= SORTED_AT_MOST:
            return along(compiler, universe, orders[0], rest, position)
    return [_sorted(compiler, universe, term, orders, position)]


def _without_value(
    compiler: Compiler, universe: Universe, term: Term, orders: list[Order], position: tuple[Any, ...] | None
) -> Sql:
    """What has no value for the first sort key, which comes behind all that a walk finds."""
    first, *others = orders
    rest = All((*terms_of(universe, term), Other(universe, valued(compiler, first))))
    if others or first.key.descending:
        return _sorted(
            compiler, universe, rest, [replace(first, columns=(), value=Sql("NULL")), *others], position
        )
    found = selected(compiler, universe, rest, -1 if position is None else position[1])
    return Sql(f"SELECT *, NULL AS s0 FROM ({found.text})", found.values)


def _sorted(
    compiler: Compiler, universe: Universe, term: Term, orders: list[Order], position: tuple[Any, ...] | None
) -> Sql:
    """All that fits, sorted."""
    found = selected(compiler, universe, term, -1)
    values = join(", ", (Sql(f"{o.value.text} AS s{n}", o.value.values) for n, o in enumerate(orders)))
    names = [Sql(f"s{n}") for n in range(len(orders))]
    where = Sql("1") if position is None else after(orders, names, "key", position)
    return Sql(
        f"WITH r AS MATERIALIZED ({found.text}), v AS MATERIALIZED (SELECT r.*, {values.text} FROM r)"
        f" SELECT * FROM v WHERE {where.text} ORDER BY {order_by(orders, names, 'key').text}",
        found.values + values.values + where.values,
    )


def _rows(here: Connected, statement: Sql, limit: int) -> list[Any]:
    """As `plan.COLUMNS` has them, and the values that they are sorted by."""
    return here.connection.execute(f"{statement.text} LIMIT ?", (*statement.values, limit)).fetchall()


def _resources(here: Connected, statement: Sql, most: int) -> list[Any]:
    """The first row of so many resources."""
    cursor = here.connection.execute(statement.text, statement.values)
    try:
        return _firsts(cursor, most)
    finally:
        cursor.close()


def _hits(here: Connected, rows: list[Any]) -> list[Hit]:
    versions = here.current(rows)
    return [Hit(version, (*row[_VALUE:], row[_KEY])) for row, version in zip(rows, versions, strict=True)]

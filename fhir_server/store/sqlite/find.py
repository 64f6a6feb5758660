"""How a query is run: which index drives it, what is tested, how far it is read.

Without a sort key, pages come in the order of keys. An index that has one value's keys in that order is read
only as far as the page goes; a range has no such order, so a short one is collected first and for a long one
the resources of the type are walked and each is sought in the index.
"""

from typing import Any

from fhir_server.store.algebra import Everything, Node, Query
from fhir_server.store.protocol import Hit, Page
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.connection import snapshot
from fhir_server.store.sqlite.names import id_text
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.sort import Order, after, order
from fhir_server.store.sqlite.terms import NOWHERE, All, Sql, Term, Universe, join
from fhir_server.store.sqlite.walk import walks

COLLECTED_AT_MOST = 5000  # keys
SORTED_AT_MOST = 3000  # keys; from there on an index in the wanted order is walked

_COLUMNS = "r.key AS key, r.seq AS seq, r.type AS type, r.id AS id"


def find(here: Connected, query: Query) -> Page:
    with snapshot(here.connection):
        compiler = Compiler(here)
        universe = compiler.universe(query.resource_types)
        if universe is None:
            return Page([], False)
        term = compiler.term(query.where, universe)
        if term is NOWHERE:
            return Page([], False)
        orders = [order(compiler, key) for key in query.sort]
        hits: list[Hit] = []
        for statement in _statements(compiler, query, universe, term, orders):
            hits += _hits(here, statement, query.limit + 1 - len(hits), len(orders))
            if len(hits) > query.limit:
                break
        return Page(hits[: query.limit], len(hits) > query.limit)


def identities(here: Connected, resource_type: str, where: Node, limit: int) -> list[tuple[str, str]]:
    with snapshot(here.connection):
        compiler = Compiler(here)
        universe = compiler.universe((resource_type,))
        if universe is None or (term := compiler.term(where, universe)) is NOWHERE:
            return []
        found = selected(universe, term, -1)
        rows = here.connection.execute(f"SELECT id FROM ({found.text} LIMIT ?)", (*found.values, limit))
        return [(resource_type, id_text(row[0])) for row in rows]


def count(here: Connected, resource_types: tuple[str, ...], where: Node) -> int:
    with snapshot(here.connection):
        compiler = Compiler(here)
        universe = compiler.universe(resource_types)
        if universe is None:
            return 0
        term = universe if isinstance(where, Everything) else compiler.term(where, universe)
        if term is universe:
            return universe.count()
        found = selected(universe, term, -1)
        answer: int = here.connection.execute(f"SELECT count(*) FROM ({found.text})", found.values).get
        return answer


def _statements(
    compiler: Compiler, query: Query, universe: Universe, term: Term, orders: list[Order]
) -> list[Sql]:
    """Statements whose rows, one after the other, are the page."""
    if not orders:
        last_key = -1 if query.after is None else query.after[0]
        assert isinstance(last_key, int)
        return [selected(universe, term, last_key)]
    position = query.after
    if (
        term.estimate(SORTED_AT_MOST) < SORTED_AT_MOST
        or (found := walks(compiler, universe, term, orders, position)) is None
    ):
        return [_sorted(universe, term, orders, position)]
    return found


def selected(universe: Universe, term: Term, last_key: int) -> Sql:
    """Rows of `resource` for the keys that fit, ascending from `last_key`."""
    driver, rest, streams = driven(universe, term)
    types = universe.of_type("r")
    if streams and (keys := driver.stream(last_key, 1)) is not None:
        tests = join("", (_and(t.test("d.key", 1)) for t in rest))
        return Sql(
            f"SELECT {_COLUMNS} FROM ({keys.text}) d CROSS JOIN resource r ON r.key = d.key"
            f" WHERE r.live AND {types.text}{tests.text}",
            keys.values + types.values + tests.values,
        )
    keys = driver.keys(1)
    tests = join("", (_and(t.test("r.key", 1)) for t in rest))
    return Sql(
        f"SELECT {_COLUMNS} FROM resource r WHERE r.key IN ({keys.text}) AND r.key > ?"
        f" AND r.live AND {types.text}{tests.text} ORDER BY r.key",
        (*keys.values, last_key, *types.values, *tests.values),
    )


def driven(universe: Universe, term: Term) -> tuple[Term, list[Term], bool]:
    """The term that drives, those that are tested, and whether the driver is read as a stream."""
    terms = term.terms if isinstance(term, All) else (term,)
    streams = [t for t in terms if t.stream(-1, 1) is not None]
    if len(terms) == 1 and streams:
        return term, [], True
    counts = _counts(terms)
    driver = terms[counts.index(min(counts))]
    if driver in streams or min(counts) < COLLECTED_AT_MOST:
        return driver, [t for t in terms if t is not driver], driver in streams
    driver = streams[0] if streams else universe
    return driver, [t for t in terms if t is not driver], True


def _counts(terms: tuple[Term, ...]) -> list[int]:
    """Counts a little first, and more only when that does not tell the terms apart."""
    counts = [term.estimate(50) for term in terms]
    if min(counts) == 50:
        counts = [term.estimate(COLLECTED_AT_MOST) for term in terms]
    return counts


def _and(test: Sql) -> Sql:
    return Sql(f" AND {test.text}", test.values)


def _sorted(universe: Universe, term: Term, orders: list[Order], position: tuple[Any, ...] | None) -> Sql:
    """All that fits, sorted."""
    found = selected(universe, term, -1)
    values = join(", ", (Sql(f"{o.value.text} AS s{n}", o.value.values) for n, o in enumerate(orders)))
    by = "".join(f"s{n} IS NULL, s{n} {o.direction}, " for n, o in enumerate(orders))
    where = Sql("1") if position is None else after(orders, position)
    return Sql(
        f"WITH r AS MATERIALIZED ({found.text}), v AS MATERIALIZED (SELECT r.*, {values.text} FROM r)"
        f" SELECT * FROM v WHERE {where.text} ORDER BY {by}key",
        found.values + values.values + where.values,
    )


def _hits(here: Connected, statement: Sql, limit: int, sort_keys: int) -> list[Hit]:
    rows = here.connection.execute(
        "SELECT p.*, v.version_id, v.last_updated, v.method, v.body"
        f" FROM ({statement.text} LIMIT ?) p CROSS JOIN version v ON v.seq = p.seq",
        (*statement.values, limit),
    )
    found = []
    for key, seq, type_id, id_, *more in rows:
        sorted_by, stamped = more[:sort_keys], more[sort_keys:]
        version = here.version((seq, type_id, id_, *stamped))
        found.append(Hit(version, (*sorted_by, key)))
    return found

"""Sorting without a sort: an index that has the wanted order is walked, and each resource is tested.

Only the first sort key is walked; SQLite sorts the few resources that are alike in it by the others. What has
no value comes last, and is sought when the walk has come to its end.
"""

from dataclasses import dataclass
from typing import Any

from fhir_server.store.sqlite.combined import All, terms_of
from fhir_server.store.sqlite.combined import Any as Either
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.names import stored_id
from fhir_server.store.sqlite.plan import COLUMNS
from fhir_server.store.sqlite.schema import WIDE_DATE, WIDE_NUMBER
from fhir_server.store.sqlite.sort import (
    TOKEN_TEXT,
    VALUE_COLUMNS,
    Order,
    after,
    lowest_text,
    order_by,
    text_of,
)
from fhir_server.store.sqlite.terms import TRUE, Leaf, Numbered, Sql, Term, Universe, equal, join, tests

Position = tuple[Any, ...]

# below the beginning of a range there may be values so wide that reach into it
_NARROW = {"date": WIDE_DATE, "number": WIDE_NUMBER}
# which of a resource's rows with one value stands for it
_TIES = {
    "string": "e.written < d.written",
    "date": "e.width < d.width",
    "number": "(e.high, e.unit) < (d.high, d.unit)",
}


@dataclass(frozen=True, slots=True)
class Walk:
    """FROM and WHERE, with `d` for the rows that are walked and `r` for their resources."""

    source: str
    where: Sql
    value: str  # the first sort key's value
    by: tuple[str, ...]  # what the index is ordered by, before the key
    untested: tuple[Term, ...]


def can_walk(universe: Universe, first: Order) -> bool:
    """Whether some index has the order of a sort key."""
    match first.key.kind:
        case "updated":
            return True
        case "id":
            return universe.type_ids is not None and len(universe.type_ids) == 1
        case "reference" | "distance" | "text":
            return False
        case _:
            return len(first.columns) == 1


def has_value(term: Term, first: Order) -> bool:
    """Whether all that fits has a value for the sort key, since the term asks for one.

    Never of tokens: a code with a system alone has no text to be sorted by.
    """
    if first.key.kind == "token":
        return False
    if isinstance(term, All):
        return any(has_value(each, first) for each in term.terms)
    if isinstance(term, Either):
        return all(has_value(each, first) for each in term.terms)
    own = len(first.columns) == 1 and (first.key.kind, first.columns[0][1])
    return isinstance(term, Leaf) and (term.table, term.column) == own


def lies_along(compiler: Compiler, term: Term, first: Order) -> bool:
    """Whether what fits is a range of the walk with little else in it, however much that is."""
    if not isinstance(term, Leaf) or term.table not in _NARROW or not has_value(term, first):
        return False
    many, widest = compiler.statistics(term.column)
    return not many and (term.high_from is None or widest <= _NARROW[term.table])


def walk(
    compiler: Compiler,
    universe: Universe,
    term: Term,
    orders: list[Order],
    position: Position | None,
    limit: int,
) -> Sql:
    """A statement whose first `limit` rows come in the wanted order, but for those without a value."""
    terms, first = terms_of(universe, term), orders[0]
    match first.key.kind:
        case "id":
            return _ids(universe, terms, orders, position, limit)
        case "updated":
            found = _log(universe, terms)
        case "token":
            found = _texts(first, terms)
        case _:
            found = _values(compiler, first, terms)
    return _statement(universe, found, orders, position)


def _log(universe: Universe, terms: tuple[Term, ...]) -> Walk:
    """The log's own order; a term on times is a range of it."""
    one = universe.type_ids is not None and len(universe.type_ids) == 1
    source = f"version d{' INDEXED BY version_by_type' if one else ''}"
    where = equal("d.type", universe.type_ids) if one and universe.type_ids else TRUE
    for term in terms:
        if isinstance(term, Numbered):
            bounds = Sql("d.seq BETWEEN ? AND ?", (term.first, term.last))
            where = join(" AND ", (where, bounds))
    rest = tuple(term for term in terms if not isinstance(term, Numbered))
    return Walk(
        f"{source} CROSS JOIN resource r ON r.key = d.key AND r.seq = d.seq", where, "d.seq", ("d.seq",), rest
    )


def _values(compiler: Compiler, first: Order, terms: tuple[Term, ...]) -> Walk:
    """Rows of one column. Where resources have one each, terms on the column are ranges of the walk."""
    table, column = first.key.kind, first.columns[0][1]
    value = VALUE_COLUMNS[table]
    many, widest = compiler.statistics(column)
    where = Sql("d.column = ?", (column,))
    source = f"{table} d CROSS JOIN resource r ON r.key = d.key"
    if many:
        lower = ">" if first.key.descending else "<"
        other = (
            f"NOT EXISTS(SELECT 1 FROM {table} e INDEXED BY {table}_by_key WHERE e.key = d.key"
            f" AND e.column = d.column"
            f" AND (e.{value} {lower} d.{value} OR (e.{value} = d.{value} AND {_TIES[table]})))"
        )
        return Walk(source, join(" AND ", (where, Sql(other))), f"d.{value}", (f"d.{value}",), terms)
    rest = []
    for term in terms:
        if isinstance(term, Leaf) and (term.table, term.column) == (table, column):
            where = join(" AND ", (where, Sql(term.condition.text.format(a="d"), term.condition.values)))
            if term.high_from is not None:
                where = join(" AND ", (where, Sql("d.low >= ?", (term.high_from - widest,))))
        else:
            rest.append(term)
    return Walk(source, where, f"d.{value}", (f"d.{value}",), tuple(rest))


def _texts(first: Order, terms: tuple[Term, ...]) -> Walk:
    """The lexicon of a column, and the tokens of each text."""
    column = first.columns[0][1]
    source = (
        "lexicon l CROSS JOIN token d ON d.column = l.column AND d.hash = l.hash"
        " CROSS JOIN resource r ON r.key = d.key"
    )
    lowest = lowest_text(first.columns, "max" if first.key.descending else "min", TOKEN_TEXT)
    where = Sql(f"l.column = ? AND {TOKEN_TEXT.format(a='l')} = {lowest.text}", (column, *lowest.values))
    if first.last:
        return Walk(source, where, TOKEN_TEXT.format(a="l"), ("l.text", "l.hash"), terms)
    return Walk(source, where, "l.text", ("l.text",), terms)


def _ids(
    universe: Universe, terms: tuple[Term, ...], orders: list[Order], position: Position | None, limit: int
) -> Sql:
    """UUIDs and other ids, which the index has apart, each in the order of their texts."""
    beyond, direction = ("<", "DESC") if orders[0].key.descending else (">", "ASC")
    values = join(", ", (Sql(f"{o.value.text} AS s{n}", o.value.values) for n, o in enumerate(orders)))
    tested = tests(terms, "r.key", 1)
    arms = []
    for kind, form in (("<", str), (">=", bytes)):
        where = [equal("r.type", universe.type_ids or ()), Sql(f"r.id {kind} x'' AND r.live")]
        if universe.until is not None:
            where.append(Sql("+r.seq <= ?", (universe.until,)))
        if position is not None:
            where.append(Sql(f"id_text(r.id) {beyond} ?", (position[0],)))
            reached = stored_id(position[0]) if form is bytes else position[0]
            if isinstance(reached, form):
                where.append(Sql(f"r.id {beyond} ?", (reached,)))
        conditions = join(" AND ", where)
        text = (
            f"SELECT * FROM (SELECT {COLUMNS}, {values.text} FROM resource r INDEXED BY resource_identity"
            f" WHERE {conditions.text}{tested.text} ORDER BY r.id {direction} LIMIT ?)"
        )
        arms.append(Sql(text, (*values.values, *conditions.values, *tested.values, limit)))
    both = join(" UNION ALL ", arms)
    return Sql(f"SELECT * FROM ({both.text}) ORDER BY s0 {direction}", both.values)


def _statement(universe: Universe, found: Walk, orders: list[Order], position: Position | None) -> Sql:
    first, *others = orders
    values = [Sql(found.value), *(ordered.value for ordered in others)]
    named = join(", ", (Sql(f"{value.text} AS s{n}", value.values) for n, value in enumerate(values)))
    where = [Sql("r.live"), universe.of_type("r"), found.where]
    if position is not None:
        where += [_begin(found, first, position[0]), after(orders, values, "d.key", position)]
    conditions = join(" AND ", where)
    tested = tests(found.untested, "d.key", 1)
    by = order_by(orders, values, "d.key", found.by)
    return Sql(
        f"SELECT {COLUMNS}, {named.text} FROM {found.source}"
        f" WHERE {conditions.text}{tested.text} ORDER BY {by.text}",
        named.values + conditions.values + tested.values + by.values,
    )


def _begin(found: Walk, first: Order, value: Any) -> Sql:
    """Where in the index the walk goes on: at the value reached, which more resources may have."""
    beyond = "<=" if first.key.descending else ">="
    if first.key.kind == "token":
        return Sql(f"l.text {beyond} ?", (text_of(value) if first.last else value,))
    return Sql(f"{found.value} {beyond} ?", (value,))


def valued(compiler: Compiler, first: Order) -> Term:
    """What has a value for a sort key that can be walked."""
    table, column = first.key.kind, first.columns[0][1]
    if table == "token":
        where = Sql(
            "{a}.column = ? AND {a}.hash IN (SELECT hash FROM lexicon WHERE column = ?)", (column, column)
        )
        return Leaf(compiler.bounded, table, column, where, collected=True)
    return Leaf(compiler.bounded, table, column, Sql("{a}.column = ?", (column,)), f"{table}_by_key")

"""The algebra, compiled to terms of SQL against one snapshot of a store.

Names of columns and types, targets of references, ids and times become integers here, so that SQL compares
integers only. A name that the store does not know has no rows.
"""

import json
from array import array
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from fhir_server.store import algebra
from fhir_server.store.algebra import Node
from fhir_server.store.sqlite import full_text, joins, lexicon
from fhir_server.store.sqlite.across import Across, Typed, gathered
from fhir_server.store.sqlite.combined import All, Other
from fhir_server.store.sqlite.combined import Any as AnyOf
from fhir_server.store.sqlite.names import stored_id
from fhir_server.store.sqlite.ranges import near, within
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.terms import (
    NOWHERE,
    TRUE,
    Keys,
    Leaf,
    Nowhere,
    Numbered,
    Sql,
    Term,
    Universe,
    Value,
    equal,
    starts,
)

if TYPE_CHECKING:
    from fhir_server.store.sqlite.past import Past
from fhir_server.store.sqlite.values import one_of

_COLUMN = "{a}.column = ?"
_SOME_TEXTS = """
SELECT count(DISTINCT text), count(*) FROM (
  SELECT * FROM (SELECT text FROM string WHERE column = ?1 LIMIT 300)
  UNION ALL SELECT * FROM (SELECT text FROM string WHERE column = ?1 AND text >= 'm' LIMIT 300))"""


class Compiler:
    """Compiles nodes; `here` is the connection whose snapshot they will be run in.

    past: terms are to be true of what fitted then and was not changed since.
    """

    def __init__(self, here: Connected, past: "Past | None" = None) -> None:
        self._here = here
        self._execute = here.connection.execute
        self.past = past
        self._statistics: dict[int, tuple[bool, float]] = {}  # as of the snapshot
        # by the id of a node, and types: the keys that fit it
        self.worked_out: dict[tuple[int, tuple[int, ...] | None], Term] = {}

    def universe(self, resource_types: tuple[str, ...]) -> Universe | None:
        """None when the store has no resource of any of the types."""
        until = None if self.past is None else self.past.sequence
        if not resource_types:
            return Universe(None, self._total, until)
        ids = self._here.names.type_ids(self._here.connection, resource_types)
        return Universe(ids, lambda: self._total(ids), until) if ids else None

    def term(self, node: Node, universe: Universe) -> Term:
        if self.worked_out:
            found = self.worked_out.get((id(node), universe.type_ids))
            if found is not None:
                return found
        return _COMPILERS[type(node)](self, node, universe)

    def bounded(self, keys: Sql, limit: int) -> int:
        """Counts are estimates: those of late are good enough."""
        known = self._here.estimates.get(keys)
        if known is not None and (known[0] < known[1] or known[1] >= limit):
            return min(known[0], limit)
        found: int = self._execute(
            f"SELECT count(*) FROM (SELECT 1 FROM ({keys.text}) LIMIT ?)", (*keys.values, limit)
        ).get
        self._here.estimates[keys] = found, limit
        return found

    def first(self, select: Sql) -> Any:
        """The value of the first row; None: there is no row."""
        return self._execute(select.text, select.values).get

    def rows(self, select: Sql) -> list[Any]:
        found: list[Any] = self._execute(select.text, select.values).fetchall()
        return found

    def collected(self, term: Term, most: int) -> Term | None:
        """The keys of a term; None when there are more than that."""
        keys = term.keys(1)
        known = self._here.estimates.get(keys)
        if known is not None and known[0] > most:
            return None
        rows: list[Any] = self._execute(
            f"SELECT key FROM ({keys.text}) LIMIT ?", (*keys.values, most + 1)
        ).fetchall()
        if len(rows) > most:
            self._here.estimates[keys] = len(rows), len(rows)
            return None
        return Keys(array("q", sorted({row[0] for row in rows}))) if rows else NOWHERE

    def only_of(self, leaf: Leaf, universe: Universe) -> bool:
        """Whether the column's name says that all its rows are of the universe: those of `T.…` are of T."""
        if universe.type_ids is None:
            return True
        name = self._here.names.column_name(self._here.connection, leaf.column)
        type_id = self._here.names.type_id(self._here.connection, name.partition(".")[0])
        return (type_id,) == universe.type_ids

    def repeats(self, leaf: Leaf) -> bool:
        """Whether `leaf.keys` may have a key more than once."""
        if leaf.table in ("date", "number", "string") and not leaf.ordered:
            return self.statistics(leaf.column)[0]
        return leaf.repeats or len(leaf.ordered) != 1

    def column(self, name: str) -> int | None:
        return self._here.names.column_id(self._here.connection, name)

    def columns(self, names: Iterable[str]) -> tuple[int, ...]:
        """The numbers of those that the store knows."""
        found = {self._here.names.columns.get(name, name) for name in names}
        known = {each for each in found if isinstance(each, int)}
        if len(known) < len(found):  # those that no row has had yet are asked for together
            rest = json.dumps([each for each in found if isinstance(each, str)])
            select = "SELECT id FROM column_name WHERE name IN (SELECT value FROM json_each(?))"
            rows: list[Any] = self._execute(select, (rest,)).fetchall()
            known |= {row[0] for row in rows}
        return tuple(sorted(known))

    def key(self, resource_type: str, id_: str) -> int | None:
        return self._here.key(resource_type, id_)

    def statistics(self, column: int) -> tuple[bool, float]:
        """Whether resources repeat the column, and how wide its widest range is."""
        found = self._statistics.get(column)
        if found is None:
            select = "SELECT many, widest FROM column_name WHERE id = ?"
            many, widest = self._execute(select, (column,)).get
            found = self._statistics[column] = bool(many), widest
        return found

    def texts(self, column: int) -> tuple[int, int]:
        """Of some rows of a column of texts: how many different ones there are, and how many rows."""
        known = self._here.estimates.get(key := Sql(_SOME_TEXTS, (column,)))
        if known is None:
            known = self._here.estimates[key] = self._execute(*key).get
        return known

    def _total(self, type_ids: tuple[int, ...] | None = None) -> int:
        of_them = TRUE if type_ids is None else equal("id", type_ids)
        found: int = self._execute(
            f"SELECT coalesce(sum(total), 0) FROM resource_type WHERE {of_them.text}", of_them.values
        ).get
        return found

    def leaf(self, table: str, column: str, more: str = "", *values: Value, **settings: Any) -> Term:
        """Rows of a column, with more conditions."""
        id_ = self.column(column)
        if id_ is None:
            return NOWHERE
        return Leaf(self.bounded, table, id_, Sql(_COLUMN + more, (id_, *values)), **settings)

    def tokens(self, column: str, hashes: tuple[int, ...]) -> Term:
        id_ = self.column(column)
        return NOWHERE if id_ is None else self.valued("token", "hash", id_, hashes)

    def references(self, column: str, targets: tuple[tuple[str, str], ...]) -> Term:
        id_ = self.column(column)
        return NOWHERE if id_ is None else self.valued("reference", "target", id_, self.keys_of(targets))

    def keys_of(self, targets: tuple[tuple[str, str], ...]) -> tuple[int, ...]:
        found = {self.key(resource_type, target) for resource_type, target in targets}
        return tuple(sorted(key for key in found if key is not None))

    def valued(self, table: str, value: str, column: int, values: tuple[int, ...]) -> Term:
        return one_of(self._execute, self.bounded, table, value, column, values)

    def ids(self, ids: tuple[str, ...], universe: Universe) -> Term:
        types = universe.type_ids
        if types is None:
            rows: list[Any] = self._execute("SELECT id FROM resource_type").fetchall()
            types = tuple(row[0] for row in rows)
        found: set[Any] = {
            row[0]
            for type_id in types
            for id_ in set(ids)
            for row in self._execute(
                "SELECT key FROM resource WHERE type = ? AND id = ? AND live", (type_id, stored_id(id_))
            ).fetchall()
        }
        return Keys(array("q", sorted(found))) if found else NOWHERE

    def numbered(self, first_ms: int | None, last_ms: int | None) -> Term:
        first = 1 if first_ms is None else self._here.sequence_at(first_ms)
        last = self._here.last_sequence() if last_ms is None else self._here.sequence_at(last_ms + 1) - 1
        return Numbered(first, last) if first <= last else NOWHERE

    def full_text(self, node: algebra.FullText, universe: Universe) -> Term:
        return full_text.term(self._here, self.bounded, node, universe)


def _everything(_compiler: Compiler, _node: algebra.Everything, universe: Universe) -> Term:
    return universe


def _nothing(_compiler: Compiler, _node: algebra.Nothing, _universe: Universe) -> Term:
    return NOWHERE


def _token_in(compiler: Compiler, node: algebra.TokenIn, _universe: Universe) -> Term:
    return compiler.tokens(node.column, node.hashes)


def _string_is(compiler: Compiler, node: algebra.StringIs, _universe: Universe) -> Term:
    id_ = compiler.column(node.column)
    if id_ is None:
        return NOWHERE
    written = "" if node.written is None else " AND {a}.written = ?"
    values = (id_, node.text) if node.written is None else (id_, node.text, node.written)
    where = Sql(f"{_COLUMN} AND {{a}}.text = ?{written}", values)
    return Leaf(compiler.bounded, "string", id_, where, ordered=(where,), repeats=node.written is None)


def _string_starts(compiler: Compiler, node: algebra.StringStarts, _universe: Universe) -> Term:
    where = starts("{a}.text", node.text)
    return compiler.leaf("string", node.column, f" AND {where.text}", *where.values, by_key="string_by_key")


def _string_ends(compiler: Compiler, node: algebra.StringEnds, _universe: Universe) -> Term:
    # substr(text, 0) would be the whole
    more, values = (" AND substr({a}.text, ?) = ?", (-len(node.text), node.text)) if node.text else ("", ())
    return compiler.leaf("string", node.column, more, *values, by_key="string_by_key")


def _string_contains(compiler: Compiler, node: algebra.StringContains, _universe: Universe) -> Term:
    contains = Sql("instr({a}.text, ?)", (node.text,))
    more = f" AND {contains.text}"
    return compiler.leaf("string", node.column, more, node.text, by_key="string_by_key", of_text=contains)


def _between(compiler: Compiler, node: algebra.Between, _universe: Universe) -> Term:
    id_ = compiler.column(node.column)
    units = lexicon.units(compiler, node)
    if id_ is None or units == ():
        return NOWHERE
    return within(compiler.bounded, node, id_, units, compiler.statistics(id_)[1])


def _reference_in(compiler: Compiler, node: algebra.ReferenceIn, _universe: Universe) -> Term:
    return compiler.references(node.column, node.targets)


def _reference_of_type(compiler: Compiler, node: algebra.ReferenceOfType, _universe: Universe) -> Term:
    types = compiler.universe(node.resource_types) if node.resource_types else None
    if types is None or types.type_ids is None:
        return NOWHERE
    where = equal("(SELECT type FROM resource WHERE key = {a}.target)", types.type_ids)
    return compiler.leaf(
        "reference", node.column, f" AND {where.text}", *where.values, by_key="reference_by_key"
    )


def _near(compiler: Compiler, node: algebra.Near, _universe: Universe) -> Term:
    id_ = compiler.column(node.column)
    return NOWHERE if id_ is None else near(compiler.bounded, node, id_)


def _present(compiler: Compiler, node: algebra.Present, _universe: Universe) -> Term:
    if node.kind == "token":
        return compiler.leaf("token", node.column, collected=True)
    return compiler.leaf(node.kind, node.column, by_key=f"{node.kind}_by_key")


def _together(compiler: Compiler, node: algebra.Together, universe: Universe) -> Term:
    return joins.together(compiler, node, universe, _flat)


def _of_type(compiler: Compiler, node: algebra.OfType, universe: Universe) -> Term:
    types = compiler.universe(node.resource_types) if node.resource_types else None
    if types is None or types.type_ids is None:
        return NOWHERE
    if universe.type_ids is not None and set(universe.type_ids) <= set(types.type_ids):
        return universe
    return Typed(types)


def _id_in(compiler: Compiler, node: algebra.IdIn, universe: Universe) -> Term:
    if node.resource_type is not None:
        one_type = compiler.universe((node.resource_type,))
        return NOWHERE if one_type is None else compiler.ids(node.ids, one_type)
    return compiler.ids(node.ids, universe)


def _updated_between(compiler: Compiler, node: algebra.UpdatedBetween, _universe: Universe) -> Term:
    return compiler.numbered(node.first, node.last)


def _and(compiler: Compiler, node: algebra.And, universe: Universe) -> Term:
    terms = _flat(compiler, node.terms, universe)
    if NOWHERE in terms:
        return NOWHERE
    if len(terms) < 2:
        return terms[0] if terms else universe
    return All(terms)


def _flat(compiler: Compiler, nodes: tuple[Node, ...], universe: Universe) -> tuple[Term, ...]:
    """The terms of a conjunction, those of nested ones with them, without those that say nothing."""
    found: list[Term] = []
    for node in nodes:
        term = compiler.term(node, universe)
        if isinstance(term, All):
            found.extend(term.terms)
        elif term is not universe:
            found.append(term)
    return tuple(found)


def _or(compiler: Compiler, node: algebra.Or, universe: Universe) -> Term:
    return _any(compiler, node.terms, universe)


def _any(compiler: Compiler, nodes: tuple[Node, ...], universe: Universe) -> Term:
    groups, rest = gathered(nodes)
    terms = [term for node in rest if (term := compiler.term(node, universe)) is not NOWHERE]
    for group in groups:
        condition = joins.condition(compiler, group.value)
        if (columns := compiler.columns(group.columns)) and condition is not None:
            terms.append(Across(compiler.bounded, group.table, columns, condition))
    if any(term is universe for term in terms):
        return universe
    if len(terms) < 2:
        return terms[0] if terms else NOWHERE
    return AnyOf(tuple(terms))


def _not(compiler: Compiler, node: algebra.Not, universe: Universe) -> Term:
    match compiler.term(node.term, universe):
        case Nowhere():
            return universe
        case term if term is universe:
            return NOWHERE
        case Other(_, term):
            return term
        case term:
            return Other(universe, term)


_COMPILERS: dict[type[Any], Callable[[Compiler, Any, Universe], Term]] = {
    algebra.Everything: _everything,
    algebra.Nothing: _nothing,
    algebra.TokenIn: _token_in,
    algebra.LexiconIn: lexicon.with_texts,
    algebra.StringIs: _string_is,
    algebra.StringStarts: _string_starts,
    algebra.StringEnds: _string_ends,
    algebra.StringContains: _string_contains,
    algebra.Between: _between,
    algebra.ReferenceIn: _reference_in,
    algebra.ReferenceOfType: _reference_of_type,
    algebra.Near: _near,
    algebra.Present: _present,
    algebra.Forward: joins.forward,
    algebra.Backward: joins.backward,
    algebra.Referred: joins.referred,
    algebra.Together: _together,
    algebra.OfType: _of_type,
    algebra.FullText: Compiler.full_text,
    algebra.IdIn: _id_in,
    algebra.UpdatedBetween: _updated_between,
    algebra.And: _and,
    algebra.Or: _or,
    algebra.Not: _not,
}

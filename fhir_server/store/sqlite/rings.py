"""The nearest first, without measuring all that fits: ring by ring around a place, as far as a page goes."""

from collections.abc import Iterator
from typing import Any

from fhir_server.store.algebra import Near
from fhir_server.store.sqlite.combined import All, Other, terms_of
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.ranges import near
from fhir_server.store.sqlite.sort import Order
from fhir_server.store.sqlite.terms import Leaf, Sql, Term, Universe

# metres; the last one goes round the earth
_REACHES = (1e3, 4e3, 16e3, 64e3, 256e3, 1024e3, 4096e3, 3e7)


def has_rings(first: Order) -> bool:
    key = first.key
    ascending = key.kind == "distance" and not key.descending
    return ascending and len(key.places) == 1 and len(first.columns) == 1


def rings(
    compiler: Compiler, universe: Universe, term: Term, first: Order, position: tuple[Any, ...] | None
) -> Iterator[Term]:
    """Terms one after the other, each farther away than the one before; what has no position is last."""
    terms = terms_of(universe, term)
    name, column = first.columns[0]
    nearer: Leaf | None = None
    for reach in _REACHES:
        within = near(compiler.bounded, Near(name, *first.key.places[0], reach), column)
        if position is None or (position[0] is not None and position[0] <= reach):
            beyond = () if nearer is None else (Other(universe, nearer),)
            yield All((*terms, within, *beyond))
        nearer = within
    if not any(
        isinstance(each, Leaf) and (each.table, each.column) == ("position", column) for each in terms
    ):
        where = Sql("{a}.column = ?", (column,))
        yield All(
            (*terms, Other(universe, Leaf(compiler.bounded, "position", column, where, "position_by_key")))
        )

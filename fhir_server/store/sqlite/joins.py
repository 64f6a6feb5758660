"""Nodes about other resources, compiled: chains, what refers here, what must hold in one instance.

For a page that shows a state of the past, what was changed since is found by `Past`, and added as keys.
"""

from array import array
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from fhir_server.store import algebra
from fhir_server.store.algebra import Node
from fhir_server.store.sqlite.across import Mentioned
from fhir_server.store.sqlite.combined import Any as AnyOf
from fhir_server.store.sqlite.combined import Instance, Referrers, Targets
from fhir_server.store.sqlite.terms import NOWHERE, Keys, Leaf, Term, Universe

if TYPE_CHECKING:
    from fhir_server.store.sqlite.compile import Compiler


def forward(compiler: "Compiler", node: algebra.Forward, _universe: Universe) -> Term:
    column, there = compiler.column(node.column), compiler.universe((node.resource_type,))
    if column is None or there is None:
        return NOWHERE
    where = compiler.term(node.where, there)
    found: list[Term] = [] if where is NOWHERE else [Targets(compiler.bounded, column, there, where)]
    if compiler.past is not None:
        changed = sorted(then.key for then in compiler.past.fitting(node.where, there))
        found.append(compiler.valued("reference", "target", column, tuple(changed)))
    return _one_of(found)


def backward(compiler: "Compiler", node: algebra.Backward, _universe: Universe) -> Term:
    column, there = compiler.column(node.column), compiler.universe((node.resource_type,))
    if column is None or there is None:
        return NOWHERE
    where = compiler.term(node.where, there)
    found: list[Term] = [] if where is NOWHERE else [Referrers(compiler.bounded, column, there, where)]
    return _one_of([*found, _once_referred(compiler, (node.column,), node.where, there)])


def referred(compiler: "Compiler", node: algebra.Referred, _universe: Universe) -> Term:
    there = compiler.universe(node.resource_types) if node.resource_types else None
    columns = compiler.columns(node.columns)
    if there is None or not columns:
        return NOWHERE
    where = compiler.term(node.where, there)
    found: list[Term] = [] if where is NOWHERE else [Mentioned(compiler.bounded, columns, there, where)]
    return _one_of([*found, _once_referred(compiler, node.columns, node.where, there)])


def _once_referred(compiler: "Compiler", columns: Iterable[str], where: Node, there: Universe) -> Term:
    """What was referred to by resources that were changed since."""
    if compiler.past is None:
        return NOWHERE
    wanted = frozenset(columns)
    identities = {
        (resource_type, id_)
        for then in compiler.past.fitting(where, there)
        for column, resource_type, id_ in then.subject.rows.references
        if column in wanted
    }
    keys = {compiler.key(*identity) for identity in identities} - {None}
    return Keys(array("q", sorted(key for key in keys if key is not None))) if keys else NOWHERE


def _one_of(terms: list[Term]) -> Term:
    found = tuple(term for term in terms if term is not NOWHERE)
    if len(found) < 2:
        return found[0] if found else NOWHERE
    return AnyOf(found)


def together(
    compiler: "Compiler",
    node: algebra.Together,
    universe: Universe,
    flat: Callable[["Compiler", tuple[Node, ...], Universe], tuple[Term, ...]],
) -> Term:
    terms = flat(compiler, node.terms, universe)
    if NOWHERE in terms:
        return NOWHERE
    if any(isinstance(term, Leaf) for term in terms):
        return Instance(terms)
    either = next((found for found in node.terms if isinstance(found, algebra.Or)), None)
    if either is None:
        raise ValueError("an instance is found by a comparison that holds in it, not by what is absent")
    rest = tuple(term for term in node.terms if term is not either)
    split: list[Node] = [algebra.Together((term, *rest)) for term in either.terms]
    return compiler.term(algebra.Or(tuple(split)), universe)

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
from fhir_server.store.sqlite.terms import NOWHERE, Keys, Leaf, Sql, Term, Universe, equal
from fhir_server.store.sqlite.values import among

if TYPE_CHECKING:
    from fhir_server.store.sqlite.compile import Compiler


COLLECTED_AT_MOST = 20_000  # keys of what refers somewhere, and of what is referred to


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
    found: list[Term] = []
    if where is not NOWHERE:
        # few refer to few: what they refer to is worked out once
        few = compiler.collected(where, COLLECTED_AT_MOST)
        mentioned = Mentioned(compiler.bounded, columns, there, where if few is None else few)
        if few is None:
            found.append(mentioned)
        else:
            compiler.worked_out[id(node.where), there.type_ids] = few
            found.append(compiler.collected(mentioned, COLLECTED_AT_MOST) or mentioned)
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


def condition(
    compiler: "Compiler", node: algebra.ReferenceIn | algebra.ReferenceOfType | algebra.TokenIn
) -> Sql | None:
    """What it says of a row's value, whatever the column; None: no row can fit."""
    match node:
        case algebra.TokenIn(_, hashes):
            return among("{a}.hash", tuple(sorted(set(hashes)))) if hashes else None
        case algebra.ReferenceIn(_, targets):
            keys = compiler.keys_of(targets)
            return among("{a}.target", keys) if keys else None
        case algebra.ReferenceOfType(_, resource_types):
            types = compiler.universe(resource_types) if resource_types else None
            if types is None or types.type_ids is None:
                return None
            return equal("(SELECT type FROM resource WHERE key = {a}.target)", types.type_ids)


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

"""What a client may see, as a predicate of the algebra: everything else is as if it were not there.

The predicate stands in the question itself, for the hits and for every resource that a hit is found by, so
that neither counts, nor pages, nor chains tell of what is hidden.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from fhir_server.search.combine import all_of, any_of
from fhir_server.store.algebra import (
    And,
    Backward,
    Everything,
    Forward,
    Node,
    Not,
    OfType,
    Or,
    Referred,
    Together,
)

Access = Callable[[str], Node]
"""What may be seen of the resources of a type. Where there is none (None), that is everything."""

EVERYTHING = Everything()


def visible(access: Access | None, resource_types: Iterable[str]) -> Node:
    """What may be seen of resources of these types."""
    if access is None:
        return EVERYTHING
    alike: dict[Node, list[str]] = {}
    for resource_type in resource_types:
        alike.setdefault(access(resource_type), []).append(resource_type)
    if len(alike) == 1:
        return next(iter(alike))
    return any_of(all_of((OfType(tuple(types)), node)) for node, types in alike.items())


def seen(node: Node, access: Access | None) -> Node:
    """`node`, where what it asks of other resources is asked of those that may be seen."""
    if access is None:
        return node
    match node:
        case Forward(_, resource_type, where) | Backward(_, resource_type, where):
            return replace(node, where=all_of((seen(where, access), access(resource_type))))
        case Referred(_, resource_types, where):
            return replace(node, where=all_of((seen(where, access), visible(access, resource_types))))
        case And(terms) | Or(terms) | Together(terms):
            return replace(node, terms=tuple(seen(term, access) for term in terms))
        case Not(term):
            return Not(seen(term, access))
        case _:
            return node


def permitted(node: Node, access: Access | None, resource_types: Iterable[str]) -> Node:
    """Resources of these types that fit, of those that may be seen, by what may be seen."""
    return node if access is None else all_of((seen(node, access), visible(access, resource_types)))

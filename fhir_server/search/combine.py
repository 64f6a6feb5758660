"""Conjunctions and disjunctions of nodes without what says nothing."""

from collections.abc import Iterable

from fhir_server.store.algebra import And, Everything, Node, Not, Nothing, Or


def all_of(nodes: Iterable[Node]) -> Node:
    found: list[Node] = []
    for node in nodes:
        match node:
            case Nothing():
                return node
            case Everything():
                pass
            case And(terms):
                found += terms
            case _:
                found.append(node)
    if not found:
        return Everything()
    return found[0] if len(found) == 1 else And(tuple(found))


def any_of(nodes: Iterable[Node]) -> Node:
    found: list[Node] = []
    for node in nodes:
        match node:
            case Everything():
                return node
            case Nothing():
                pass
            case Or(terms):
                found += terms
            case _:
                found.append(node)
    if not found:
        return Nothing()
    return found[0] if len(found) == 1 else Or(tuple(found))


def none_of(node: Node) -> Node:
    match node:
        case Everything():
            return Nothing()
        case Nothing():
            return Everything()
        case Not(term):
            return term
        case _:
            return Not(node)

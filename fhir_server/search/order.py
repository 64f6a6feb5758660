"""The order of a search that asks for none: along the index in which the values lie that it asks for.

Any order will do that is the same on every page. In this one a page costs what it holds: the index is read
from one end of the range, however much lies in it. A resource stands where the first of its values stands
that fits.
"""

from typing import Literal

from fhir_server.store.algebra import Between, Node, Or, Ranged, SortKey, StringContains, StringStarts

RANGES = 8  # that are read side by side


def natural(where: Node) -> tuple[SortKey, ...]:
    """(): the order of the store, for what is no range, or more than one of different kinds."""
    terms = where.terms if isinstance(where, Or) else (where,)
    ranges = tuple(node for node in terms if isinstance(node, Between | StringContains | StringStarts))
    if not len(terms) == len(ranges) <= RANGES or not all(_has_one_order(node) for node in ranges):
        return ()
    kinds = {_kind(node) for node in ranges}
    if len(kinds) != 1:
        return ()
    columns = tuple(dict.fromkeys(node.column for node in ranges))
    # what reaches above a value begins most likely above it
    descending = all(_reaches_above(node) for node in ranges)
    return (SortKey(kinds.pop(), columns, descending, fitting=ranges),)


def _kind(node: Ranged) -> Literal["date", "number", "string"]:
    return node.kind if isinstance(node, Between) else "string"


def _has_one_order(node: Ranged) -> bool:
    """Numbers of several units lie in several places of the index."""
    return not isinstance(node, Between) or (len(node.units or ()) < 2 and not node.unit_texts)


def _reaches_above(node: Ranged) -> bool:
    return isinstance(node, Between) and node.high_from is not None and node.low_from is None

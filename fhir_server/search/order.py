"""The order of a search that asks for none: along the index in which its one range of dates lies.

Any order will do that is the same on every page. In this one a page costs what it holds: the index is read
from one end of the range, however much lies in it.
"""

from fhir_server.store.algebra import Between, Node, SortKey


def natural(where: Node) -> tuple[SortKey, ...]:
    """Numbers are left to the order of the store: an index that has their order mixes their units."""
    match where:
        case Between("date", column):
            # what reaches above a moment begins most likely above it
            descending = where.high_from is not None and where.low_from is None
            return (SortKey("date", (column,), descending),)
    return ()

"""Sorting without a sort: an index that has the wanted order is walked, and each resource is tested."""

from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.sort import Order
from fhir_server.store.sqlite.terms import Sql, Term, Universe


def walks(
    compiler: Compiler,
    universe: Universe,
    term: Term,
    orders: list[Order],
    position: tuple[object, ...] | None,
) -> list[Sql] | None:
    """Statements whose rows come in the wanted order, resources without a value last; None: no such index."""
    return None

"""Prefixes of ordered parameters (number, date, quantity), by the ranges that the specification speaks of.

https://hl7.org/fhir/R4/search.html#prefix

A value in a resource is a range low..high, and so is the value searched for: first..last.
"""

from collections.abc import Callable
from typing import Literal, get_args

from fhir_server.store.algebra import Node, Or

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
PREFIXES: frozenset[str] = frozenset(get_args(Prefix))

Bounded = Callable[[float | None, float | None, float | None, float | None], Node]
"""Makes a comparison from low_from, low_to, high_from, high_to."""
Step = Callable[[float], float]
"""The next, or the previous, value there is."""


def split_prefix(text: str) -> tuple[Prefix, str]:
    prefix = text[:2]
    if prefix in PREFIXES:
        return prefix, text[2:]  # type: ignore[return-value]
    return "eq", text


def compare(prefix: Prefix, first: float, last: float, between: Bounded, after: Step, before: Step) -> Node:
    """The rows that stand to first..last as `prefix` says; for `ap` the range is widened already."""
    match prefix:
        case "eq":  # the range of the search value fully contains the range of the target value
            return between(first, None, None, last)
        case "ne":
            return Or((between(None, before(first), None, None), between(None, None, after(last), None)))
        case "gt":  # the range above the search value intersects with the range of the target value
            return between(None, None, after(last), None)
        case "lt":
            return between(None, before(first), None, None)
        case (
            "ge"
        ):  # the range above the search value begins with the value: at least its beginning is reached
            return between(None, None, first, None)
        case "le":
            return between(None, last, None, None)
        case "sa":  # no overlap, and the range above contains the range of the target value
            return between(after(last), None, None, None)
        case "eb":
            return between(None, None, None, before(first))
        case "ap":  # the ranges overlap
            return between(None, last, first, None)

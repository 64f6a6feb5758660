"""aggregate(), sum(), min(), max(), avg().

https://hl7.org/fhirpath/N1/#aggregates; all but the first are of https://hl7.org/fhirpath/#aggregates
"""

from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.comparison import order
from fhir_server.fhirpath.compiled import Compiled, describe, from_one
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.math import calculate
from fhir_server.fhirpath.moments import Moment
from fhir_server.fhirpath.navigation import dynamic
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import to_system


def _aggregate(call: Call) -> Compiled:
    """Runs the aggregator once per item; `$total` is what the run before gave."""
    aggregator = dynamic(call.model, call.each(0)).run
    initial = dynamic(call.model, call.argument(1)).run if call.count > 1 else None
    run, at = call.focus.run, call.at

    def many(this: Any, scope: Scope) -> list[Any]:
        items = run(this, scope)
        scope.visit(len(items), at)
        before = scope.index, scope.total
        total = [] if initial is None else initial(this, scope)
        for index, item in enumerate(items):
            scope.index, scope.total = index, total
            total = aggregator(item, scope)
        scope.index, scope.total = before
        return total

    return Compiled(many, None)


Fold = Callable[[list[Any], Call, Scope], Any]
"""System values, one or more and of one type -> one value; None: the result cannot be told."""


def _folded(fold: Fold) -> Function:
    def compile_(call: Call) -> Compiled:
        model, convert, run = call.model, to_system(call.model, call.focus.type), call.focus.run

        def one(this: Any, scope: Scope) -> Item | None:
            items = run(this, scope)
            scope.visit(len(items), call.at)
            values = [value for item in items if (value := convert(item)) is not None]
            if not values:
                return None
            _check(values, call)
            found = fold(values, call, scope)
            return None if found is None else Item(found, model.guess_type(found))

        return from_one(one, None)

    return Function(compile_)


def _check(values: list[Any], call: Call) -> None:
    """Numbers are of one type here, and so are Date and DateTime: JSON writes both the same, `5`, `2012`."""
    for value in values:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal | Moment | Quantity):
            raise call.error(f"{describe(value)} has no place in a sum or an order")
    kinds = {_kind(value) for value in values}
    if len(kinds) > 1:
        raise call.error(f"the items are of different types: {', '.join(sorted(kinds))}")


def _kind(value: Any) -> str:
    match value:
        case str():
            return "String"
        case Moment(kind=kind):
            return "Time" if kind == "Time" else "Date"
        case Quantity():
            return "Quantity"
        case _:
            return "number"


def _sum(values: list[Any], call: Call, scope: Scope) -> Any:
    if _kind(values[0]) not in ("number", "Quantity"):
        raise call.error(f"{describe(values[0])} is neither a number nor a Quantity")

    def add(total: Any, value: Any) -> Any:
        return None if total is None else calculate("+", total, value, call.at, scope)

    return reduce(add, values)


def _average(values: list[Any], call: Call, scope: Scope) -> Any:
    # as Decimals, so that the sum of Integers may be larger than one of them
    found = _sum([Decimal(each) if isinstance(each, int) else each for each in values], call, scope)
    return None if found is None else calculate("/", found, len(values), call.at, scope)


def _extreme(sign: int) -> Fold:
    """sign 1: the least value; -1: the greatest."""

    def fold(values: list[Any], call: Call, scope: Scope) -> Any:
        found = values[0]
        for value in values[1:]:
            compared = order(value, found, call.at)
            if compared is None:
                return None
            if compared * sign < 0:
                found = value
        return found

    return fold


FUNCTIONS = {
    "aggregate": Function(_aggregate, 1, 2),
    "sum": _folded(_sum),
    "avg": _folded(_average),
    "min": _folded(_extreme(1)),
    "max": _folded(_extreme(-1)),
}

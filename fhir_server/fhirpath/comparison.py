"""`<`, `<=`, `>`, `>=`, comparable().

https://hl7.org/fhirpath/N1/#comparison, https://hl7.org/fhirpath/#fn-comparable
"""

import operator as operators
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import moments, quantity
from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import BOOLEAN, Compiled, describe, from_one, singleton
from fhir_server.fhirpath.equality import as_quantity
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.moments import Moment
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import to_system

_TESTS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


_PLAIN_TESTS: dict[str, Callable[[int, int], bool]] = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}


def compared(model: Model, operator: str, left: Compiled, right: Compiled, at: int) -> Compiled:
    convert, convert_right = to_system(model, left.type), to_system(model, right.type)
    one, one_right = singleton(left, at, operator), singleton(right, at, operator)
    test, plain = _TESTS[operator], _PLAIN_TESTS[operator]

    def answer(this: Any, scope: Scope) -> bool | None:
        item, other = one(this, scope), one_right(this, scope)
        if item is None or other is None:
            return None
        if type(item) is int and type(other) is int:
            return plain(item, other)
        found = order(convert(item), convert_right(other), at)
        return None if found is None else test(found)

    return from_one(answer, BOOLEAN)


def order(one: Any, other: Any, at: int) -> int | None:
    """Negative, zero or positive; None: a value is missing, or precision or unit leave it open."""
    match one, other:
        case (None, _) | (_, None):
            return None
        case (bool(), _) | (_, bool()):
            pass
        case (str(), str()) | (int() | Decimal(), int() | Decimal()):
            return int(one > other) - int(one < other)
        case Moment(), Moment() if (one.kind == "Time") == (other.kind == "Time"):
            return moments.compare(one, other)
        case (Quantity() | int() | Decimal(), Quantity()) | (Quantity(), int() | Decimal()):
            return quantity.compare(as_quantity(one), as_quantity(other))
        case (dict(), Quantity() | dict()) | (Quantity(), dict()) if _is_open(one) and _is_open(other):
            return None
    raise FhirPathError(f"{describe(one)} and {describe(other)} do not compare", at)


_QUANTITY_PROPERTIES = frozenset(("id", "extension", "value", "comparator", "unit", "system", "code"))


def _is_open(value: Quantity | dict[str, Any]) -> bool:
    """Whether it is a Quantity at all: FHIR's may lack the value, or have a comparator."""
    return isinstance(value, Quantity) or value.keys() <= _QUANTITY_PROPERTIES


def _comparable(call: Call) -> Compiled:
    """Whether two Quantities, or numbers as such of the unit '1', compare; empty when one is neither."""
    one, convert = call.focus_one(), to_system(call.model, call.focus.type)
    argument = call.argument(0)
    other, convert_other = singleton(argument, call.at, call.name), to_system(call.model, argument.type)

    def answer(this: Any, scope: Scope) -> bool | None:
        item, value = one(this, scope), other(this, scope)
        left = None if item is None else convert(item)
        right = None if value is None else convert_other(value)
        if not (_is_measured(left) and _is_measured(right)):
            return None
        return quantity.compare(as_quantity(left), as_quantity(right)) is not None

    return from_one(answer, BOOLEAN)


def _is_measured(value: Any) -> bool:
    return isinstance(value, Quantity | int | Decimal) and not isinstance(value, bool)


FUNCTIONS = {"comparable": Function(_comparable, 1, 1)}

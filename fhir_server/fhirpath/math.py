"""`+ - * / div mod`, unary `-`, abs(), round() and the other functions on numbers.

https://hl7.org/fhirpath/N1/#math, https://hl7.org/fhirpath/N1/#math-2

What overflows is empty: an Integer has 32 bits, a Long 64, a Decimal 28 digits of which 8 are kept when a
result has more (https://hl7.org/fhirpath/N1/#decimal).
"""

import operator as operators
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, DecimalException
from typing import Any

from fhir_server.fhirpath import quantity
from fhir_server.fhirpath.arithmetic import add_duration
from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import (
    DECIMAL,
    INTEGER,
    LONG,
    STRING,
    Compiled,
    describe,
    from_one,
    singleton,
)
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import INTEGER_RANGE, LONG_RANGE, Item, Long
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.moments import Moment
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import to_system

Number = int | Decimal

_CONTEXT = Context(prec=36, Emax=60, Emin=-60)
_LARGEST = Decimal(10) ** 28
_SMALLEST = Decimal("1E-8")


def _kept(value: Number | None) -> Number | None:
    """The number as the specification can represent it; None: it cannot."""
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value) >= _LARGEST:
            return None
        exponent = value.as_tuple().exponent
        return value.quantize(_SMALLEST, ROUND_HALF_UP, _CONTEXT) if int(exponent) < -8 else value
    return (
        value
        if value is None or int(value) in (LONG_RANGE if type(value) is Long else INTEGER_RANGE)
        else None
    )


def _as_long(value: Number | None, *operands: Number) -> Number | None:
    """A whole number is a Long when one of the numbers that it comes from is."""
    if isinstance(value, int) and any(type(each) is Long for each in operands):
        return Long(value)
    return value


def _divide(left: Number, right: Number) -> Number | None:
    if right == 0:
        return None
    found = _CONTEXT.divide(Decimal(left), Decimal(right))
    return found.normalize() if int(found.as_tuple().exponent) < -8 else found


def _div(left: Number, right: Number) -> Number | None:
    return None if right == 0 else int(_CONTEXT.divide_int(Decimal(left), Decimal(right)))


def _mod(left: Number, right: Number) -> Number | None:
    if right == 0:
        return None
    found = _CONTEXT.remainder(Decimal(left), Decimal(right))
    return int(found) if isinstance(left, int) and isinstance(right, int) else found


_NUMBERS: dict[str, Callable[[Number, Number], Number | None]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divide,
    "div": _div,
    "mod": _mod,
}


_INTEGERS: dict[str, Callable[[int, int], int]] = {
    "+": operators.add,
    "-": operators.sub,
    "*": operators.mul,
}


def arithmetic(model: Model, operator: str, left: Compiled, right: Compiled, at: int) -> Compiled:
    one, one_right = singleton(left, at, operator), singleton(right, at, operator)
    convert, convert_right = to_system(model, left.type), to_system(model, right.type)
    plain = _INTEGERS.get(operator)

    def calculated(this: Any, scope: Scope) -> Any:
        item, other = one(this, scope), one_right(this, scope)
        if item is None or other is None:
            return None
        if type(item) is int and type(other) is int and plain is not None:
            return found if -(2**31) <= (found := plain(item, other)) < 2**31 else None
        first, second = convert(item), convert_right(other)
        if first is None or second is None:
            return None
        try:
            return calculate(operator, first, second, at, scope)
        except DecimalException:
            return None

    return _of_result(model, calculated, operator, left, right)


def _of_result(model: Model, calculated: Any, operator: str, left: Compiled, right: Compiled) -> Compiled:
    """The result with its type, which only the run knows when an operand's type is not known."""
    if left.type == right.type == INTEGER and operator in _INTEGERS:
        return from_one(calculated, INTEGER)
    if left.type is not None and right.type is not None:
        categories = {model.category(left.type), model.category(right.type)}
        if categories == {"string"}:
            return from_one(calculated, STRING)
        if categories == {"number"} and operator == "/":
            return from_one(calculated, DECIMAL)

    def one(this: Any, scope: Scope) -> Any:
        found = calculated(this, scope)
        return None if found is None else Item(found, model.guess_type(found))

    return from_one(one, None)


def calculate(operator: str, left: Any, right: Any, at: int, scope: Scope) -> Any:
    match left, right:
        case (bool(), _) | (_, bool()):
            pass
        case int() | Decimal(), int() | Decimal():
            return _kept(_as_long(_NUMBERS[operator](left, right), left, right))
        case str(), str() if operator == "+":
            scope.build(len(left) + len(right), at)
            return left + right
        case Moment(), Quantity() if operator in ("+", "-"):
            return add_duration(left, right, 1 if operator == "+" else -1, at)
        case (Quantity() | int() | Decimal(), Quantity()) | (Quantity(), int() | Decimal()):
            return _quantities(operator, left, right, at)
    raise FhirPathError(f"{operator}: {describe(left)} and {describe(right)} do not go together", at)


def _quantities(operator: str, left: Any, right: Any, at: int) -> Quantity | None:
    a, b = (each if isinstance(each, Quantity) else Quantity(Decimal(each), "1") for each in (left, right))
    match operator:
        case "+":
            found = quantity.add(a, b, 1)
        case "-":
            found = quantity.add(a, b, -1)
        case "*":
            found = quantity.multiply(a, b)
        case "/":
            found = quantity.divide(a, b)
        case _:
            raise FhirPathError(f"{operator} is not for quantities", at)
    kept = None if found is None else _kept(found.value)
    return None if found is None or kept is None else Quantity(Decimal(kept), found.unit)


def polarity(model: Model, operator: str, operand: Compiled, at: int) -> Compiled:
    one, convert = singleton(operand, at, operator), to_system(model, operand.type)

    def signed(this: Any, scope: Scope) -> Any:
        item = one(this, scope)
        value = None if item is None else convert(item)
        match value:
            case None:
                return None
            case Quantity():
                return value if operator == "+" else Quantity(-value.value, value.unit)
            case int() | Decimal() if not isinstance(value, bool):
                return value if operator == "+" else _kept(_as_long(-value, value))
        raise FhirPathError(f"{operator}: {describe(value)} is not a number", at)

    if operand.type in (INTEGER, LONG, DECIMAL):
        return from_one(signed, operand.type)
    return _of_result(model, signed, operator, operand, Compiled(operand.run, None))


def _function(
    operation: Callable[..., Number | None], least: int = 0, most: int = 0, *, keeps_unit: bool = False
) -> Function:
    """A function of a number and of arguments that are numbers; empty when one of them is.

    keeps_unit: a Quantity is as good as a number.
    """

    def compile_(call: Call) -> Compiled:
        one, convert = call.focus_one(), to_system(call.model, call.focus.type)
        arguments = [call.argument(index) for index in range(call.count)]
        found = [
            (singleton(each, call.at, call.name), to_system(call.model, each.type)) for each in arguments
        ]

        def calculated(this: Any, scope: Scope) -> Any:
            values = [(None if (item := get(this, scope)) is None else to(item)) for get, to in found]
            item = one(this, scope)
            value = None if item is None else convert(item)
            if value is None or any(each is None for each in values):
                return None
            if isinstance(value, Quantity) and keeps_unit:
                number = _applied(operation, value.value, values, call)
                return None if number is None else Quantity(Decimal(number), value.unit)
            return _applied(operation, value, values, call)

        return _of_result(call.model, calculated, "", call.focus, Compiled(call.focus.run, None))

    return Function(compile_, least, most)


def _applied(
    operation: Callable[..., Number | None], value: Any, values: list[Any], call: Call
) -> Number | None:
    for each in (value, *values):
        if isinstance(each, bool) or not isinstance(each, int | Decimal):
            raise call.error(f"{describe(each)} is not a number")
    try:
        return _kept(operation(value, *values))
    except DecimalException:
        return None


def _whole(rounding: str) -> Callable[[Number], Number | None]:
    return lambda number: int(Decimal(number).to_integral_value(rounding))


def _round(number: Number, places: Number = 0) -> Number | None:
    if not isinstance(places, int) or not 0 <= places <= 28:
        return None
    # there is no negative zero
    return Decimal(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _CONTEXT) + 0


def _log(number: Number, base: Number) -> Number | None:
    if number <= 0 or base <= 0 or base == 1:
        return None
    return _CONTEXT.divide(_CONTEXT.ln(Decimal(number)), _CONTEXT.ln(Decimal(base)))


def _power(number: Number, exponent: Number) -> Number | None:
    if number < 0 and exponent != int(exponent):
        return None
    found = _CONTEXT.power(Decimal(number), Decimal(exponent))
    if type(number) is int and type(exponent) is int and exponent >= 0:
        return int(found)
    return found


FUNCTIONS = {
    "abs": _function(lambda number: _as_long(abs(number), number), keeps_unit=True),
    "ceiling": _function(_whole(ROUND_CEILING), keeps_unit=True),
    "floor": _function(_whole(ROUND_FLOOR), keeps_unit=True),
    "truncate": _function(_whole(ROUND_DOWN), keeps_unit=True),
    "round": _function(_round, 0, 1, keeps_unit=True),
    "exp": _function(lambda number: _CONTEXT.exp(Decimal(number))),
    "ln": _function(lambda number: _CONTEXT.ln(Decimal(number)) if number > 0 else None),
    "log": _function(_log, 1, 1),
    "power": _function(_power, 1, 1),
    "sqrt": _function(lambda number: _CONTEXT.sqrt(Decimal(number)) if number >= 0 else None),
}

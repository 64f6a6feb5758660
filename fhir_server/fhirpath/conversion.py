"""iif(), toInteger(), convertsToInteger() and the other conversions.

https://hl7.org/fhirpath/N1/#conversion
"""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.collections import of_one_type
from fhir_server.fhirpath.compiled import BOOLEAN, EMPTY, Compiled, from_one, truth
from fhir_server.fhirpath.formats import FormatError, parse_formatted
from fhir_server.fhirpath.items import INTEGER_RANGE, LONG_RANGE, Long
from fhir_server.fhirpath.moments import DAY, Moment, parse_moment, parse_time
from fhir_server.fhirpath.quantity import Quantity, in_unit, parse_quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import text, to_system

Convert = Callable[[Any], Any]
"""A value of a System type -> one of another type; None: it does not convert."""

_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,28}(\.\d{1,28})?", re.ASCII)

_TRUE = frozenset(("true", "t", "yes", "y", "1", "1.0"))
_FALSE = frozenset(("false", "f", "no", "n", "0", "0.0"))


def _boolean(value: Any) -> bool | None:
    match value:
        case bool():
            return value
        case str():
            lower = value.lower()
            return True if lower in _TRUE else False if lower in _FALSE else None
        case int() | Decimal():
            return True if value == 1 else False if value == 0 else None
        case _:
            return None


def _integer(value: Any) -> int | None:
    match value:
        case bool():
            return int(value)
        case int() if int(value) in INTEGER_RANGE:
            return int(value)
        case str() if _WHOLE.fullmatch(value) and int(value) in INTEGER_RANGE:
            return int(value)
        case _:
            return None


def _long(value: Any) -> Long | None:
    match value:
        case int():
            return Long(value)
        case str() if _WHOLE.fullmatch(value) and int(value) in LONG_RANGE:
            return Long(value)
        case _:
            return None


def _decimal(value: Any) -> Decimal | None:
    match value:
        case bool() | int():
            return Decimal(value)
        case Decimal():
            return value
        case str() if _DECIMAL.fullmatch(value):
            return Decimal(value)
        case _:
            return None


def _quantity(value: Any) -> Quantity | None:
    match value:
        case Quantity():
            return value
        case bool() | int() | Decimal():
            return Quantity(Decimal(value), "1")
        case str():
            return parse_quantity(value)
        case _:
            return None


def _date(value: Any) -> Moment | None:
    match value:
        case Moment(kind="Date" | "DateTime"):
            return parse_moment(value.text[:10].rstrip("T")) if value.kind == "DateTime" else value
        case str():
            found = parse_moment(value)
            return None if found is None else _date(found)
        case _:
            return None


def _date_time(value: Any) -> Moment | None:
    match value:
        case Moment(kind="DateTime"):
            return value
        case Moment(kind="Date", precision=precision):
            # a Date says as much as the DateTime of its text
            return parse_moment(value.text + ("T" if precision <= DAY else ""))
        case str():
            return parse_moment(value)
        case _:
            return None


def _time(value: Any) -> Moment | None:
    match value:
        case Moment(kind="Time"):
            return value
        case str():
            return parse_time(value.removeprefix("T"))
        case _:
            return None


ConvertTo = Callable[[Any, str], Any]
"""The same, to a unit, or from a text of a format. Raises FormatError."""


def _quantity_in(value: Any, unit: str) -> Quantity | None:
    found = _quantity(value)
    return None if found is None else in_unit(found, unit)


def _date_of(value: Any, pattern: str) -> Moment | None:
    if not isinstance(value, str):
        return _date(value)  # the format is of texts
    found = parse_formatted(value, pattern)
    return None if found is None else _date(found)


def _date_time_of(value: Any, pattern: str) -> Moment | None:
    return _date_time(parse_formatted(value, pattern) if isinstance(value, str) else value)


def _conversions(name: str, convert: Convert, convert_to: ConvertTo | None = None) -> dict[str, Function]:
    """toX() and convertsToX(); convert_to: with an argument, None: they take none."""

    def found_by(call: Call) -> Callable[[Any, Scope], tuple[Any, bool]]:
        """What comes out, and whether there was something to convert, and the argument when it is asked."""
        system, one = to_system(call.model, call.focus.type), call.focus_one()
        if convert_to is None or not call.count:

            def plain(this: Any, scope: Scope) -> tuple[Any, bool]:
                item = one(this, scope)
                return (None, False) if item is None else (convert(system(item)), True)

            return plain
        argument = call.string(0)

        def with_argument(this: Any, scope: Scope) -> tuple[Any, bool]:
            item, wanted = one(this, scope), argument(this, scope)
            if item is None or wanted is None:
                return None, False
            try:
                return convert_to(system(item), wanted), True
            except FormatError as error:
                raise call.error(str(error)) from None

        return with_argument

    def to(call: Call) -> Compiled:
        found = found_by(call)
        return from_one(lambda this, scope: found(this, scope)[0], f"System.{name}")

    def converts(call: Call) -> Compiled:
        found = found_by(call)

        def answer(this: Any, scope: Scope) -> bool | None:
            value, asked = found(this, scope)
            return value is not None if asked else None

        return from_one(answer, BOOLEAN)

    most = 0 if convert_to is None else 1
    return {f"to{name}": Function(to, 0, most), f"convertsTo{name}": Function(converts, 0, most)}


def _iif(call: Call) -> Compiled:
    """One of two arguments: only the one that is wanted runs.

    On a focus, `$this` of the arguments is the whole of it: `member.resolve().iif(empty(), …)` (ctm-1).
    """
    if call.node.focus is None or isinstance(call.node.focus, ast.This):
        context, run = call.context, None
    else:
        context, run = replace(call.context, type=call.focus.type, collection=True), call.focus.run
    arguments = call.node.arguments
    criterion = truth(call.compile(arguments[0], context), arguments[0].at, call.name)
    found = [call.compile(argument, context) for argument in arguments[1:]]
    results, type_ = of_one_type(call.model, found)
    both = iter(results)
    # of_one_type leaves out what is known to be empty
    runs = [EMPTY.run if each.run is EMPTY.run else next(both).run for each in (*found, EMPTY)[:2]]

    def many(this: Any, scope: Scope) -> list[Any]:
        focus = this if run is None else run(this, scope)
        return runs[0 if criterion(focus, scope) else 1](focus, scope)

    return Compiled(many, type_)


_MOST_ALTERNATIVES = 50


def _coalesce(call: Call) -> Compiled:
    """The first argument that is not empty; those behind it do not run.

    https://hl7.org/fhirpath/#coalescevalue-collection-value-collection--collection
    """
    found, type_ = of_one_type(call.model, [call.argument(index) for index in range(call.count)])
    runs = [each.run for each in found]

    def many(this: Any, scope: Scope) -> list[Any]:
        return next((items for run in runs if (items := run(this, scope))), [])

    return Compiled(many, type_)


FUNCTIONS = {
    "iif": Function(_iif, 2, 3),
    "coalesce": Function(_coalesce, 1, _MOST_ALTERNATIVES),
    **_conversions("Boolean", _boolean),
    **_conversions("Integer", _integer),
    **_conversions("Long", _long),
    **_conversions("Decimal", _decimal),
    **_conversions("Quantity", _quantity, _quantity_in),
    **_conversions("Date", _date, _date_of),
    **_conversions("DateTime", _date_time, _date_time_of),
    **_conversions("Time", _time),
    **_conversions("String", text),
}

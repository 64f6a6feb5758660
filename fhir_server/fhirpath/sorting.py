"""sort().

https://hl7.org/fhirpath/#sortkeyselector-expression-ascdesc
"""

from functools import cmp_to_key
from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.comparison import order
from fhir_server.fhirpath.compiled import Compiled, One, value
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import to_system


def _sort(call: Call) -> Compiled:
    """The items by their keys, the first one first; an empty key is lower than any; ties keep their order."""
    keys = [_key(call, index) for index in range(call.count)]
    descending = [isinstance(each, ast.Order) and each.descending for each in call.node.arguments]
    if not keys:
        keys, descending = [_itself(call)], [False]
    run, at = call.focus.run, call.at

    def compare(one: list[Any], other: list[Any]) -> int:
        for a, b, reverse in zip(one, other, descending, strict=True):
            found = (a is not None) - (b is not None) if a is None or b is None else order(a, b, at) or 0
            if found:
                return -found if reverse else found
        return 0

    def many(this: Any, scope: Scope) -> list[Any]:
        items = run(this, scope)
        scope.visit(len(items) * max(1, len(items).bit_length()), at)
        before = scope.index
        found: list[tuple[list[Any], Any]] = []
        for index, item in enumerate(items):
            scope.index = index
            found.append(([key(item, scope) for key in keys], item))
        scope.index = before
        keyed = cmp_to_key(compare)
        found.sort(key=lambda pair: keyed(pair[0]))
        return [item for _, item in found]

    return Compiled(many, call.focus.type)


def _key(call: Call, index: int) -> One:
    argument = call.each(index)
    one, convert = value(argument, call.at, call.name), to_system(call.model, argument.type)
    if argument.type is not None:
        return lambda item, scope: None if (found := one(item, scope)) is None else convert(found)
    run = argument.run

    def dynamic(item: Any, scope: Scope) -> Any:
        found = run(item, scope)
        if len(found) > 1:
            raise call.error(f"found {len(found)} items for one key, wanted one")
        return convert(found[0]) if found else None

    return dynamic


def _itself(call: Call) -> One:
    convert = to_system(call.model, call.focus.type)
    return lambda item, scope: convert(item)


FUNCTIONS = {"sort": Function(_sort, 0, 20)}

"""`|`, `in`, `contains`.

https://hl7.org/fhirpath/N1/#collections-2
"""

from typing import Any

from fhir_server.fhirpath.compiled import BOOLEAN, EMPTY, Compiled, from_one, is_empty, singleton
from fhir_server.fhirpath.equality import equal
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.navigation import dynamic
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import key, keys, to_system, unique


def of_one_type(model: Model, collections: list[Compiled]) -> tuple[list[Compiled], str | None]:
    """Collections that can stand in one list, and the type of the items of that list."""
    collections = [each for each in collections if not is_empty(each)] or [EMPTY]
    types = {each.type for each in collections}
    if len(types) == 1:
        return collections, collections[0].type
    return [dynamic(model, each) for each in collections], None


def union(model: Model, operands: list[Compiled]) -> Compiled:
    operands, type_ = of_one_type(model, operands)
    convert = to_system(model, type_)
    if len(operands) == 1:
        (alone,) = operands
        if alone.one is not None:
            return alone
        run = alone.run
        return Compiled(lambda this, scope: unique(convert, run(this, scope)), type_, exists=alone.exists)
    runs = [operand.run for operand in operands]

    def many(this: Any, scope: Scope) -> list[Any]:
        return unique(convert, [item for run in runs for item in run(this, scope)])

    return Compiled(many, type_)


def membership(model: Model, needle: Compiled, haystack: Compiled, at: int, what: str) -> Compiled:
    """Whether the only item of `needle` is in `haystack`; empty when there is none."""
    convert, convert_stack = to_system(model, needle.type), to_system(model, haystack.type)
    one, run = singleton(needle, at, what), haystack.run

    def test(this: Any, scope: Scope) -> bool | None:
        item = one(this, scope)
        if item is None:
            return None
        wanted = convert(item)
        if wanted is None:
            return None
        if isinstance(wanted, str):
            return any(convert_stack(each) == wanted for each in run(this, scope))
        if key(wanted) in keys(convert_stack, run(this, scope)):
            return True
        # what `=` calls equal has one key, apart from a Quantity and a number
        return any(equal(wanted, convert_stack(each)) is True for each in run(this, scope))

    return from_one(test, BOOLEAN)

"""`is`, `as`, ofType(), type().

https://hl7.org/fhirpath/N1/#types, https://hl7.org/fhir/R4/fhirpath.html#types

`as` filters a collection of any length, as ofType() does: search parameters and constraints of R4 use it so
(`Observation.component.value as Quantity`, dom-3).
"""

from collections.abc import Callable
from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import (
    BOOLEAN,
    EMPTY,
    Compiled,
    from_one,
    is_empty,
    singleton,
)
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import UNKNOWN, Item
from fhir_server.fhirpath.model import SYSTEM_TYPES, Model
from fhir_server.fhirpath.navigation import dynamic
from fhir_server.fhirpath.scope import Scope


def type_name(model: Model, specifier: ast.TypeSpecifier) -> str:
    """The type that is meant: of FHIR when there is one, else of System."""
    system = f"System.{specifier.name}"
    if specifier.namespace in (None, "FHIR") and model.has_type(specifier.name):
        return specifier.name
    if specifier.namespace in (None, "System") and (system in SYSTEM_TYPES or system == "System.Any"):
        return system
    prefix = f"{specifier.namespace}." if specifier.namespace else ""
    raise FhirPathError(f"{prefix}{specifier.name} is not a type", specifier.at)


def of_type(model: Model, focus: Compiled, wanted: str) -> Compiled:
    """The items of type `wanted` or of a subtype."""
    if is_empty(focus):
        return EMPTY
    if focus.type is not None and not _only_the_run_knows(model, focus.type):
        return focus if model.is_a(focus.type, wanted) else EMPTY
    matches = _matcher(model, focus, wanted)
    # what can only be this type needs no `Item` around it any more
    raw = focus.type is None and not _has_subtypes(model, wanted)
    type_ = wanted if raw or focus.type is not None else None

    if focus.one is not None:
        before = focus.one

        def one(this: Any, scope: Scope) -> Any:
            item = before(this, scope)
            if item is None or not matches(item):
                return None
            return item.value if raw else item

        return from_one(one, type_)
    run = focus.run

    def many(this: Any, scope: Scope) -> list[Any]:
        found = [item for item in run(this, scope) if matches(item)]
        return [item.value for item in found] if raw else found

    return Compiled(many, type_)


def _only_the_run_knows(model: Model, type_: str) -> bool:
    return type_ == UNKNOWN or model.is_abstract_resource(type_)


def _has_subtypes(model: Model, name: str) -> bool:
    if model.kind(name) not in ("complex", "resource"):
        return True
    return name == "Quantity" or model.definitions.type(name).abstract


def _matcher(model: Model, focus: Compiled, wanted: str) -> Callable[[Any], bool]:
    declared = focus.type or UNKNOWN

    known: dict[str, bool] = {}

    def matches(item: Any) -> bool:
        found = item.type if type(item) is Item else model.type_of(item, declared)
        answer = known.get(found)
        if answer is None:
            answer = known[found] = model.is_a(found, wanted)
        return answer

    return matches


def is_type(model: Model, focus: Compiled, wanted: str, at: int) -> Compiled:
    """Whether the only item is of type `wanted` or of a subtype; empty for the empty collection."""
    one = singleton(focus, at, "is")
    if focus.type is not None and not _only_the_run_knows(model, focus.type):
        answer = model.is_a(focus.type, wanted)
        return from_one(lambda this, scope: None if one(this, scope) is None else answer, BOOLEAN)
    matches = _matcher(model, focus, wanted)

    def test(this: Any, scope: Scope) -> bool | None:
        item = one(this, scope)
        return None if item is None else matches(item)

    return from_one(test, BOOLEAN)


def _of_type(call: Call) -> Compiled:
    return of_type(call.model, call.focus, type_name(call.model, call.type_argument(0)))


def _type(call: Call) -> Compiled:
    """SimpleTypeInfo and ClassInfo, of which the namespace and the name are given."""
    focus = dynamic(call.model, call.focus).run

    def run(this: Any, scope: Scope) -> list[Any]:
        return [Item(_type_info(item.type), UNKNOWN) for item in focus(this, scope)]

    return Compiled(run, None)


def _type_info(type_: str) -> dict[str, str]:
    if type_.startswith("System."):
        return {"namespace": "System", "name": type_.removeprefix("System.")}
    return {"namespace": "FHIR", "name": type_ or "Any"}


FUNCTIONS = {"ofType": Function(_of_type, 1, 1), "type": Function(_type)}

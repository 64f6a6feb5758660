"""memberOf(), subsumes(), conformsTo() and others that are answered by functions handed in with the scope.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import BOOLEAN, Compiled, One, from_one
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import unwrap
from fhir_server.fhirpath.navigation import as_items, dynamic
from fhir_server.fhirpath.scope import Scope


def _member_of(call: Call) -> Compiled:
    focus, value_set = dynamic(call.model, call.focus), call.string(0)
    run = focus.run

    def one(this: Any, scope: Scope) -> bool | None:
        if scope.member_of is None:
            raise call.error("there is no terminology to ask")
        items, canonical = run(this, scope), value_set(this, scope)
        if len(items) != 1 or canonical is None or items[0].value is None:
            return None
        return scope.member_of(items[0].type, items[0].value, canonical)

    return from_one(one, BOOLEAN)


def _subsumption(call: Call, *, by_argument: bool) -> Compiled:
    """by_argument: the focus is subsumed by the argument."""
    one, other = call.focus_value(), _value_of_argument(call)

    def answer(this: Any, scope: Scope) -> bool | None:
        if scope.subsumes is None:
            raise call.error("there is no terminology to ask")
        focus, argument = one(this, scope), other(this, scope)
        if focus is None or argument is None:
            return None
        return scope.subsumes(argument, focus) if by_argument else scope.subsumes(focus, argument)

    return from_one(answer, BOOLEAN)


def _value_of_argument(call: Call) -> One:
    run = call.argument(0).run

    def one(this: Any, scope: Scope) -> Any:
        found = run(this, scope)
        if len(found) > 1:
            raise call.error(f"found {len(found)} items in the argument, wanted one")
        return unwrap(found[0]) if found else None

    return one


def _conforms_to(call: Call) -> Compiled:
    focus, profile = call.focus_one(), call.string(0)

    def one(this: Any, scope: Scope) -> bool | None:
        if scope.conforms_to is None:
            raise call.error("there is no validator to ask")
        item, canonical = focus(this, scope), profile(this, scope)
        if item is None or canonical is None:
            return None
        return scope.conforms_to(unwrap(item), canonical)

    return from_one(one, BOOLEAN)


def _slice(call: Call) -> Compiled:
    """The items that a profile counts to one of its slices."""
    run, structure, name = call.focus.run, call.string(0), call.string(1)
    model, type_ = call.model, call.focus.type

    def many(this: Any, scope: Scope) -> list[Any]:
        if scope.slice is None:
            raise call.error("there are no profiles to ask")
        items, canonical, slice_name = run(this, scope), structure(this, scope), name(this, scope)
        if canonical is None or slice_name is None:
            return []
        wanted = scope.slice([unwrap(item) for item in items], canonical, slice_name)
        return [item for item in items if any(unwrap(item) is value for value in wanted)]

    return dynamic(model, Compiled(many, type_))


def _element_definition(call: Call) -> Compiled:
    """The definition of the element that the focus is, once for each item."""
    run, path, model = call.focus.run, _definition_path(call), call.model

    def many(this: Any, scope: Scope) -> list[Any]:
        if scope.element_definition is None:
            raise call.error("there are no definitions to ask")
        found = None if path is None else scope.element_definition(path)
        return [] if found is None else as_items(model, [found] * len(run(this, scope)), "ElementDefinition")

    return Compiled(many, None)


def _definition_path(call: Call) -> str | None:
    """`Patient.contact`, where the element is known when the expression is compiled."""
    match call.node.focus:
        case ast.Path(focus, name):
            holder = call.context.type if focus is None else call.compile(focus, call.context).type
            if holder is not None and call.model.element(holder, name) is not None:
                return f"{holder}.{name}"
    return call.focus.type


def _check_modifiers(call: Call) -> Compiled:
    """The items as they are; an error when one has another modifier extension than those that are named."""
    run = call.focus.run
    urls = [call.string(index) for index in range(call.count)]

    def many(this: Any, scope: Scope) -> list[Any]:
        known = {url for one in urls for url in (one(this, scope) or "").replace(",", " ").split()}
        items = run(this, scope)
        for item in items:
            value = unwrap(item)
            for extension in value.get("modifierExtension", ()) if isinstance(value, dict) else ():
                if extension.get("url") not in known:
                    raise FhirPathError("checkModifiers(): there is a modifier that is not named", call.at)
        return items

    return Compiled(many, call.focus.type)


_MOST_MODIFIERS = 50

FUNCTIONS = {
    "memberOf": Function(_member_of, 1, 1),
    "subsumes": Function(lambda call: _subsumption(call, by_argument=False), 1, 1),
    "subsumedBy": Function(lambda call: _subsumption(call, by_argument=True), 1, 1),
    "conformsTo": Function(_conforms_to, 1, 1),
    "slice": Function(_slice, 2, 2),
    "elementDefinition": Function(_element_definition),
    "checkModifiers": Function(_check_modifiers, 1, _MOST_MODIFIERS),
}

"""`%resource` and the other values that come from outside.

https://hl7.org/fhirpath/N1/#environment-variables, https://hl7.org/fhir/R4/fhirpath.html#variables

defineVariable() adds to them what the steps behind it can use, and nobody else: operands and arguments give
back the variables that there were before (`within`).
https://hl7.org/fhirpath/#definevariablename-string--expr-expression
"""

from dataclasses import replace
from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Call, Context, Function
from fhir_server.fhirpath.compiled import STRING, Compiled, constant, from_one
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.navigation import dynamic
from fhir_server.fhirpath.quantity import UCUM
from fhir_server.fhirpath.scope import Scope

_FIXED = {"ucum": UCUM, "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
_PREFIXES = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}


def variable(model: Model, node: ast.Variable, context: Context) -> Compiled:
    name, at = node.name, node.at
    if name in _FIXED:
        return constant(_FIXED[name], STRING)
    for prefix, base in _PREFIXES.items():
        if name.startswith(prefix):
            return constant(base + name.removeprefix(prefix), STRING)
    if name == "resource":
        return from_one(lambda this, scope: scope.resource, context.resource_type)
    if name == "rootResource":
        return from_one(lambda this, scope: scope.resource if scope.root is None else scope.root, "Resource")
    if name == "context":
        return from_one(lambda this, scope: scope.context, context.root_type)

    def many(this: Any, scope: Scope) -> list[Item]:
        if name in scope.defined:
            return scope.defined[name]
        try:
            found = scope.variables[name]
        except KeyError:
            raise FhirPathError(f"there is no variable %{name}", at) from None
        several = found if isinstance(found, list) else [found]
        return [each if type(each) is Item else Item(each, model.guess_type(each)) for each in several]

    return Compiled(many, None)


_RESERVED = frozenset((*_FIXED, "resource", "rootResource", "context"))


def _define(call: Call) -> Compiled:
    """The focus, and from here on a variable: the focus too, or what the second argument gives for it."""
    model, run, name = call.model, dynamic(call.model, call.focus).run, call.string(0)
    projection = run
    if call.count > 1:
        whole = replace(call.context, type=None, collection=True, depth=call.context.depth + 1)
        projected = dynamic(model, call.compile(call.node.arguments[1], whole)).run

        def projection(this: Any, scope: Scope) -> list[Any]:
            return projected(run(this, scope), scope)

    def many(this: Any, scope: Scope) -> list[Any]:
        items = run(this, scope)
        found = name(this, scope)
        if found is None or found in scope.defined or found in scope.variables or found in _RESERVED:
            raise call.error("there is a variable of this name already" if found else "it has no name")
        scope.defined = {**scope.defined, found: projection(this, scope)}
        return items

    return Compiled(many, None)


def within(compiled: Compiled) -> Compiled:
    """The same; the variables that it defines are not seen outside."""
    run = compiled.run

    def many(this: Any, scope: Scope) -> list[Any]:
        before = scope.defined
        try:
            return run(this, scope)
        finally:
            scope.defined = before

    if compiled.one is None:
        return Compiled(many, compiled.type)

    def one(this: Any, scope: Scope) -> Any:
        found = many(this, scope)
        return found[0] if found else None

    return from_one(one, compiled.type)


FUNCTIONS = {"defineVariable": Function(_define, 1, 2)}

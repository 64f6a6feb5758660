"""`%resource` and the other values that come from outside.

https://hl7.org/fhirpath/N1/#environment-variables, https://hl7.org/fhir/R4/fhirpath.html#variables
"""

from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Context
from fhir_server.fhirpath.compiled import STRING, Compiled, constant, from_one
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.model import Model
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
        try:
            found = scope.variables[name]
        except KeyError:
            raise FhirPathError(f"there is no variable %{name}", at) from None
        several = found if isinstance(found, list) else [found]
        return [each if type(each) is Item else Item(each, model.guess_type(each)) for each in several]

    return Compiled(many, None)

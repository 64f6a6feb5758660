"""FHIRPath Patch: operations add, insert, delete, replace and move in a Parameters resource.

https://hl7.org/fhir/R4/fhirpatch.html

A document that is no FHIRPath Patch is refused with 400, one that does not fit the resource with 422.
"""

from collections.abc import Callable
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.fhirpath import FhirPathError, ast, parse
from fhir_server.interactions.edits import OPERATIONS, Operation, Value
from fhir_server.interactions.places import root
from fhir_server.outcome import FhirError, Issue, bad_value, missing, too_costly, unprocessable
from fhir_server.resource import Resource, decode, encode

OPERATION_LIMIT = 1000
PATH_LIMIT = 10_000  # characters

_NEEDS: dict[str, tuple[str, ...]] = {
    "add": ("name", "value"),
    "insert": ("index", "value"),
    "delete": (),
    "replace": ("value",),
    "move": ("source", "destination"),
}
_TYPES = {"name": str, "index": int, "source": int, "destination": int}


def read(definitions: Definitions, parameters: Resource) -> Callable[[Resource], Resource]:
    """The change that a Parameters resource, whose structure was checked, describes."""
    given = parameters.get("parameter", [])
    if len(given) > OPERATION_LIMIT:
        raise too_costly(f"{len(given)} operations, at most {OPERATION_LIMIT} are allowed")
    places = [f"Parameters.parameter[{number}]" for number in range(len(given))]
    operations = [_operation(definitions, *each) for each in zip(given, places, strict=True)]

    def apply(resource: Resource) -> Resource:
        changed: Resource = decode(encode(resource))  # a copy: a resource is never changed in place
        for operation, at in zip(operations, places, strict=True):
            try:
                OPERATIONS[operation.type](operation, root(definitions, changed))
            except FhirError as error:
                issues = (Issue(each.severity, each.code, each.diagnostics, at) for each in error.issues)
                raise FhirError(error.status, *issues) from None
        return changed

    return apply


def _operation(definitions: Definitions, parameter: Resource, at: str) -> Operation:
    if parameter["name"] != "operation":
        raise bad_value(f"the parameter is {parameter['name']!r}, it must be 'operation'", at)
    parts = {part["name"]: _value(definitions, part, at) for part in parameter.get("part", ())}
    kind = _plain(parts, "type", str, at)
    if kind not in _NEEDS:
        raise bad_value(f"type is {kind!r}, it must be one of {', '.join(_NEEDS)}", at)
    needed: dict[str, Any] = {
        name: _plain(parts, name, _TYPES[name], at) for name in _NEEDS[kind] if name != "value"
    }
    if "value" in _NEEDS[kind]:
        needed["value"] = _part(parts, "value", at)
    return Operation(kind, _path(_plain(parts, "path", str, at), at), **needed)


def _part(parts: dict[str, Value], name: str, at: str) -> Value:
    found = parts.get(name)
    if found is None:
        raise missing(f"the operation needs the part {name!r}", at)
    return found


def _plain(parts: dict[str, Value], name: str, kind: type, at: str) -> Any:
    found = _part(parts, name, at).json
    if type(found) is not kind:
        raise bad_value(f"the part {name!r} must be {'a string' if kind is str else 'an integer'}", at)
    return found


def _value(definitions: Definitions, part: Resource, at: str) -> Value:
    """What a part brings: `value[x]`, a resource, or parts of its own."""
    if "resource" in part:
        return Value(part["resource"]["resourceType"], part["resource"])
    properties = definitions.type("Parameters.parameter").properties
    for name in part:
        found = properties.get(name.removeprefix("_"))
        if found is not None and found[0].choice:
            name = name.removeprefix("_")
            return Value(found[1], part.get(name), part.get("_" + name))
    if "part" not in part:
        raise missing(f"the part {part['name']!r} has neither a value nor parts", at)
    return Value(None, parts=tuple((each["name"], _value(definitions, each, at)) for each in part["part"]))


def _path(text: str, at: str) -> ast.Node:
    if len(text) > PATH_LIMIT:
        found = f"the path has {len(text)} characters, at most {PATH_LIMIT} are allowed"
        raise unprocessable([Issue("error", "too-costly", found, at)])
    try:
        return parse(text)
    except FhirPathError as error:
        raise bad_value(f"{text!r} is not a FHIRPath expression: {error}", at) from None

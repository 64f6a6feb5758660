"""The slow pass: walks a resource beside its definitions and says what is wrong, and where.

It runs when the fast pass is not sure. Every rule of that pass is here too, and is here to decide.
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Constraint, Element, TypeDefinition
from fhir_server.fhirpath.parser import KEYWORDS
from fhir_server.outcome import Issue
from fhir_server.suggestion import did_you_mean
from fhir_server.validation import (
    binding,
    cardinality,
    choice,
    companion,
    constraint,
    contained,
    extension,
    reference,
    xhtml,
)
from fhir_server.validation.primitive import ELEMENT_ID, PRIMITIVES, STRING_LIMIT, Primitive
from fhir_server.validation.scope import Contained, Scope, shown


def _step(at: str, name: str) -> str:
    """The path of an element; `div` is also an operator of FHIRPath and stands in backticks."""
    return f"{at}.`{name}`" if name in KEYWORDS else f"{at}.{name}"


def _wrong(at: str, text: str) -> Issue:
    return Issue("error", "structure", f"{at}: {text}", at)


# with these in it a value has not the shape that constraints speak of
_STRUCTURAL = frozenset(("structure", "value", "invalid", "too-long"))


class Explanation:
    """warnings: say too which constraints are broken that are only warnings."""

    def __init__(self, definitions: Definitions, *, warnings: bool = False) -> None:
        self._definitions = definitions
        self._warnings = warnings
        self._resource_types = definitions.resource_types

    def resource(self, value: Any, at: str, *, in_bundle: bool = False) -> Iterator[Issue]:
        """Issues of a resource with a scope of its own."""
        scope = Scope(value)
        yield from self._resource(value, at, scope)
        yield from contained.issues(scope, at)
        if not in_bundle:
            for text, place in scope.criteria:
                wanted = "a reference by search stands in an entry of a transaction only"
                yield Issue("error", "value", f"{place}: {shown(text)}: {wanted}", place)

    def _resource(self, value: Any, at: str, scope: Scope) -> Iterator[Issue]:
        if type(value) is not dict:
            yield _wrong(at, f"found {_json(value)}, needs a resource (an object)")
            return
        type_name = value.get("resourceType")
        if not isinstance(type_name, str):
            found = "found 0, needs 1" if type_name is None else f"{shown(type_name)} is not a string"
            yield Issue("error", "invalid", f"{at}.resourceType: {found}", at)
        elif type_name not in self._resource_types:
            hint = did_you_mean(type_name, self._resource_types)
            text = f"{at}.resourceType: {shown(type_name)} is not a resource type of FHIR"
            yield Issue("error", "invalid", f"{text} {self._definitions.release}{hint}", at)
        else:
            yield from self._type(self._definitions.type(type_name), value, at, scope)

    def _contained(self, values: Any, at: str, scope: Scope) -> Iterator[Issue]:
        """The property `contained` of a resource at `at`."""
        scope.contained = []
        for index, value in enumerate(values):
            place = f"{at}[{index}]"
            own = Scope(value, scope.resource)
            yield from self._resource(value, place, own)
            if isinstance(value, dict):
                yield from contained.own_issues(value, place)
                if isinstance(id_ := value.get("id"), str):
                    scope.contained.append(Contained(id_, index, own))
            scope.criteria += own.criteria

    def _type(
        self,
        definition: TypeDefinition,
        value: Any,
        at: str,
        scope: Scope,
        *,
        nested: bool = False,
        has_value: bool = False,
    ) -> Iterator[Issue]:
        """Issues of a value of a complex type.

        nested: an extension within an extension. has_value: the companion of a primitive value.
        """
        if type(value) is not dict:
            yield _wrong(at, f"found {_json(value)}, needs {_a(definition.name)} (an object)")
            return
        shaped = True
        for issue in self._structure(definition, value, at, scope, nested=nested, has_value=has_value):
            shaped = shaped and issue.code not in _STRUCTURAL
            yield issue
        if shaped:
            yield from self._constraints(definition.constraints, definition.name, value, at, scope)

    def _constraints(
        self, constraints: tuple[Constraint, ...], type_name: str, value: Any, at: str, scope: Scope
    ) -> Iterator[Issue]:
        for issue in constraint.issues(self._definitions, constraints, type_name, value, at, scope):
            if self._warnings or issue.severity == "error":
                yield issue

    def _structure(
        self,
        definition: TypeDefinition,
        value: dict[str, Any],
        at: str,
        scope: Scope,
        *,
        nested: bool,
        has_value: bool,
    ) -> Iterator[Issue]:
        if not value:
            yield _wrong(at, "found {}, an element has a value or children (ele-1)")
        elif value.keys() == {"id"} and definition.kind != "resource" and not has_value:
            text = f"{at}: found an id only, an element has a value or children (ele-1)"
            yield Issue("error", "invariant", text, at)
        for name, item in value.items():
            yield from self._property(definition, value, name, item, at, scope)
        yield from self._together(definition, value, at)
        if definition.name == "Extension":
            names = choice.properties(definition, definition.elements["value"])
            yield from extension.issues(value, at, names, nested)

    def _together(self, definition: TypeDefinition, value: dict[str, Any], at: str) -> Iterator[Issue]:
        """Rules about which properties stand together: cardinality, choice."""
        for element in definition.elements.values():
            place = _step(at, element.name)
            if element.choice:
                names = [name for name in choice.properties(definition, element) if name in value]
                yield from choice.issues(element, names, place)
                count = min(len(names), 1)
            else:
                found = value.get(element.name, value.get(f"_{element.name}"))
                count = len(found) if isinstance(found, list) else int(found is not None)
            if count or element.name not in value:  # what is there and empty is refused as such
                yield from cardinality.issues(element, count, place)

    def _property(
        self, definition: TypeDefinition, parent: dict[str, Any], name: str, item: Any, at: str, scope: Scope
    ) -> Iterator[Issue]:
        if name == "resourceType" and definition.kind == "resource":
            return
        if owner := companion.owner(definition, name):
            yield from self._companion(owner[0], parent, name, item, _step(at, owner[0].name), scope)
            return
        found = definition.properties.get(name)
        if found is None:
            yield _unknown(definition, name, at)
            return
        element, type_name = found
        place = _step(at, element.name)
        if not element.many:
            yield from self._value(definition, element, type_name, item, place, scope)
        elif type(item) is not list:
            yield _wrong(place, f"found {_json(item)}, needs an array")
        elif not item:
            yield _wrong(place, "found [], an array is not empty")
        elif name == "contained" and definition.kind == "resource":
            yield from self._contained(item, place, scope)
        else:
            has_companion = type(parent.get(f"_{name}")) is list
            for index, one in enumerate(item):
                if one is not None or not has_companion or type_name not in PRIMITIVES:
                    yield from self._value(definition, element, type_name, one, f"{place}[{index}]", scope)

    def _companion(
        self, element: Element, parent: dict[str, Any], name: str, item: Any, at: str, scope: Scope
    ) -> Iterator[Issue]:
        described = self._definitions.type("Element")
        value = parent.get(name[1:])
        if not element.many:
            yield from self._type(described, item, at, scope, has_value=value is not None)
            return
        if type(item) is not list or not item:
            yield _wrong(at, f"{name}: found {_json(item)}, needs an array with an entry for each value")
            return
        values = [None] * len(item) if value is None else value
        if isinstance(values, list):
            yield from companion.pairs(values, item, at)
            for index, (one, of) in enumerate(zip(item, values, strict=False)):
                if one is not None:
                    yield from self._type(described, one, f"{at}[{index}]", scope, has_value=of is not None)

    def _value(
        self,
        definition: TypeDefinition,
        element: Element,
        type_name: str,
        value: Any,
        at: str,
        scope: Scope,
    ) -> Iterator[Issue]:
        """Issues of one value of an element."""
        if element.name == "id" and definition.kind != "resource":
            found = list(_primitive(ELEMENT_ID, value, at, scope))
        elif type_name in PRIMITIVES:
            found = list(_primitive(PRIMITIVES[type_name], value, at, scope))
        elif type_name == "Resource":
            found = list(self.resource(value, at, in_bundle=definition.name == "Bundle.entry"))
        else:
            nested = definition.name == "Extension" and element.name == "extension"
            found = list(self._type(self._definitions.type(type_name), value, at, scope, nested=nested))
            if type_name == "Reference" and not found:
                found += self._reference(element, value, at, scope)
        yield from found
        if not found:
            yield from binding.issues(element, type_name, value, at, self._definitions.codes)
        if not any(issue.code in _STRUCTURAL for issue in found):
            yield from self._constraints(element.constraints, type_name, value, at, scope)

    def _reference(self, element: Element, value: dict[str, Any], at: str, scope: Scope) -> Iterator[Issue]:
        if "reference" in value:
            targets = frozenset(element.targets) or self._resource_types
            yield from reference.issues(
                value["reference"], f"{at}.reference", scope, self._resource_types, targets
            )


def _primitive(primitive: Primitive, value: Any, at: str, scope: Scope) -> Iterator[Issue]:
    if primitive.accepts(value, scope):
        return
    if value is None or type(value) in (dict, list):
        yield _wrong(at, f"found {_json(value)}, needs {primitive.wanted}")
    elif value == "":
        yield _wrong(at, f'found "", needs {primitive.wanted}')
    elif type(value) is str and len(value) > STRING_LIMIT and primitive is PRIMITIVES["string"]:
        text = f"{at}: found {len(value)} characters, at most {STRING_LIMIT} are allowed"
        yield Issue("error", "too-long", text, at)
    elif primitive is PRIMITIVES["xhtml"] and type(value) is str:
        yield Issue("error", "value", f"{at}: {xhtml.flaw(value)}, needs {primitive.wanted}", at)
    else:
        hint = f" (a JSON {primitive.json})" if _json(value) != f"a {primitive.json}" else ""
        yield Issue("error", "value", f"{at}: {shown(value)} is not {primitive.wanted}{hint}", at)


def _json(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case dict():
            return "an object"
        case list():
            return "an array" if value else "[]"
        case _:
            return "a number"


def _unknown(definition: TypeDefinition, name: str, at: str) -> Issue:
    return _wrong(at, f"{shown(name)}: {_why_unknown(definition, name)}")


def _why_unknown(definition: TypeDefinition, name: str) -> str:
    of = definition.properties.get(name[1:]) if name.startswith("_") else None
    if of and of[1] in PRIMITIVES:
        return f"{name[1:]} is an attribute and has no companion with _"
    if of:
        return f"{name[1:]} is {_a(of[1])}, and only primitive elements have a companion with _"
    if name in definition.elements:
        names = [one for one, (element, _) in definition.properties.items() if element.name == name]
        more = ", …" if len(names) > NAMES_LISTED else ""
        return f"{name}[x] is written with its type: {', '.join(names[:NAMES_LISTED])}{more}"
    return f"{definition.name} has no such property{did_you_mean(name, definition.properties)}"


NAMES_LISTED = 5


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "AEIO" else f"a {name}"

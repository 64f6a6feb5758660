"""The fast pass: a type compiled to a predicate that says whether a value is fine, and nothing else.

False means "perhaps not": what is rare (null in an array of primitives, a required element that has only an
extension) is left to `explain.py`, which decides. Closures are made when a property is first met, so a type
costs nothing until it is used. No predicate builds a path.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Constraint, Element, TypeDefinition
from fhir_server.validation import (
    binding,
    choice,
    companion,
    constraint,
    contained,
    extension,
    reference,
)
from fhir_server.validation.primitive import ELEMENT_ID, PRIMITIVES, STRING_LIMIT, Accept
from fhir_server.validation.scope import Contained, Scope
from fhir_server.validation.shape import SEEN, Shape, Shapes, written_out

WholeCheck = Callable[[dict[str, Any]], bool]


class Fine(set[str]):
    """Texts that a predicate has accepted: code systems, units, extension URLs come again and again."""

    most = 4096
    longest = 128  # characters

    def __init__(self, predicate: Accept, known: str) -> None:
        """known: one that it accepts; the set is never empty."""
        super().__init__((known,))
        self._predicate = predicate

    def accepts(self, value: Any, scope: Scope) -> bool:
        if not self._predicate(value, scope):
            return False
        # a fragment counts as a use of what it names, each time
        if len(self) < self.most and len(value) <= self.longest and value[0] != "#":
            self.add(value)
        return True


_ABSOLUTE = Fine(extension.absolute_url, "http://hl7.org/fhir/StructureDefinition/data-absent-reason")
_URIS = Fine(PRIMITIVES["uri"].accepts, "http://hl7.org/fhir")
_REMEMBERED = {
    "code": Fine(PRIMITIVES["code"].accepts, "unknown"),
    "uri": _URIS,
    "url": _URIS,
    "canonical": _URIS,
}
_ANY_VALUE: dict[str, frozenset[str] | Fine] = {
    "string": frozenset(),
    "markdown": frozenset(),
    **_REMEMBERED,
}
"""By type, what is fine of texts that are not bound."""


class _Checks(dict[str, Accept]):
    """By JSON property, made when a property is first met."""

    def __init__(self, compile_property: Callable[[str], Accept | None]) -> None:
        super().__init__()
        self._compile = compile_property

    def __missing__(self, name: str) -> Accept:
        found = self._compile(name)
        if found is None:  # not kept: clients can think of any number of names
            return _refuse
        self[name] = found
        return found


class Acceptance:
    """The predicates of one set of definitions, each compiled once.

    envelope: of a Bundle alone, its resources and its own constraints left aside.
    seen: objects of one shape, before what is asked of them is written out.
    """

    def __init__(self, definitions: Definitions, *, envelope: bool = False, seen: int = SEEN) -> None:
        self._definitions = definitions
        self._envelope = envelope
        self._compiled: dict[tuple[str, bool, frozenset[str]], Accept] = {}
        self._of_resources: dict[str, Accept] = {}  # by type
        self._resource_types = definitions.resource_types
        self._shapes = Shapes(seen)

    def resource(self, value: Any, *, in_bundle: bool = False) -> bool:
        """A resource with a scope of its own: the body of a request, or the entry of a bundle."""
        scope = Scope(value)
        if not self._resource(value, scope) or (scope.criteria and not in_bundle):
            return False
        if scope.fragments or scope.contained is not None:
            return next(contained.issues(scope, ""), None) is None
        return True

    def _resource(self, value: Any, scope: Scope) -> bool:
        if type(value) is not dict:
            return False
        type_name = value.get("resourceType")
        if type(type_name) is not str:
            return False
        accepts = self._of_resources.get(type_name)
        if accepts is None:
            if type_name not in self._resource_types:
                return False
            accepts = self._of_resources[type_name] = self.type(type_name)
        return accepts(value, scope)

    def _contained(self, values: Any, scope: Scope) -> bool:
        if type(values) is not list or not values:
            return False
        scope.contained = []
        for index, value in enumerate(values):
            own = Scope(value, scope.resource)
            if not self._resource(value, own) or next(contained.own_issues(value, ""), None):
                return False
            scope.criteria += own.criteria
            scope.contained.append(Contained(value["id"], index, own))
        return True

    def type(self, name: str, *, nested: bool = False, targets: frozenset[str] = frozenset()) -> Accept:
        """The predicate of a complex type.

        nested: an extension within an extension. targets: what a Reference may point to.
        """
        key = name, nested, targets
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = self._compile(self._definitions.type(name), nested, targets)
        return found

    def _compile(self, definition: TypeDefinition, nested: bool, targets: frozenset[str]) -> Accept:
        items: dict[str, Accept] = {}  # by property that any number of values of its type may stand in
        checks = _Checks(lambda name: self._property(definition, name, items))
        checks |= self._first_checks(definition, nested, targets)
        fine = self._fine(definition, nested)
        required = tuple(
            element.name for element in definition.elements.values() if element.min and not element.choice
        )
        holds = self._constraints(definition.constraints, definition.name)
        whole = _whole(required, _together(definition), holds)
        least = 1 if definition.kind == "resource" else 2  # an id alone is no content (ele-1)

        def write(shape: Shape) -> Accept:
            # the names of what was accepted tell that nothing is missing, and what goes together
            return written_out(shape, fine, checks, items, holds)

        return self._shapes.remembering(_judged(fine, checks, items, whole, least), write)

    def _constraints(self, constraints: tuple[Constraint, ...], type_name: str) -> constraint.Holds | None:
        if self._envelope and type_name.startswith("Bundle"):
            return None
        rules = constraint.rules(self._definitions, constraints, type_name)
        return constraint.together(rules)

    def _fine(self, definition: TypeDefinition, nested: bool) -> dict[str, frozenset[str] | Fine]:
        """By JSON property that holds one text: those that are fine; an empty set: any that is not too long.

        Anything else is judged by the predicate of the property.
        """
        found: dict[str, frozenset[str] | Fine] = {}
        if definition.kind == "resource":
            found["resourceType"] = frozenset((definition.name,))
        for name, (element, type_name) in definition.properties.items():
            if element.many or (element.name == "id" and definition.kind != "resource"):
                continue
            if self._constraints(element.constraints, type_name) is not None:
                continue
            codes = binding.required_codes(element, self._definitions.codes)
            if (definition.name, name) == ("Extension", "url") and not nested:
                found[name] = _ABSOLUTE
            elif (definition.name, name) == ("Reference", "reference"):
                continue
            elif type_name == "code" and codes:
                found[name] = frozenset(code for _, code in codes)
            elif type_name in _ANY_VALUE and not binding.allowed(element, type_name, self._definitions.codes):
                found[name] = _ANY_VALUE[type_name]
        return found

    def _first_checks(
        self, definition: TypeDefinition, nested: bool, targets: frozenset[str]
    ) -> dict[str, Accept]:
        """Those that the definition of the property does not tell."""
        if definition.kind == "resource":
            return {"resourceType": _accept_anything}
        if definition.name == "Extension" and not nested:
            return {"url": _ABSOLUTE.accepts}
        if definition.name == "Reference":
            return {"reference": reference.literal(self._resource_types, targets)}
        return {}

    def _property(self, definition: TypeDefinition, name: str, items: dict[str, Accept]) -> Accept | None:
        """The predicate of one JSON property; None: the type has no such property.

        items: gets the predicate of one value, where more need not be asked of the values of a list
        """
        if name.startswith("_"):
            owner = companion.owner(definition, name)
            if owner is None:
                return None
            # arrays with companions are compared in the slow pass
            return _refuse if owner[0].many else self.type("Element")
        found = definition.properties.get(name)
        if found is None:
            return None
        element, type_name = found
        if name == "contained" and definition.kind == "resource":
            return self._contained
        one = self._value(definition, element, type_name)
        if not element.many:
            return one
        if element.min < 2 and element.max is None:
            items[name] = one
        return _array(one, element.min, element.max)

    def _value(self, definition: TypeDefinition, element: Element, type_name: str) -> Accept:
        """The predicate of one value of an element, with the constraints of the element itself."""
        accepts = self._any_value(definition, element, type_name)
        holds = self._constraints(element.constraints, type_name)
        if holds is None:
            return accepts
        return lambda value, scope: accepts(value, scope) and holds(value, scope)

    def _any_value(self, definition: TypeDefinition, element: Element, type_name: str) -> Accept:
        if element.name == "id" and definition.kind != "resource":
            return ELEMENT_ID.accepts
        permits = binding.allowed(element, type_name, self._definitions.codes)
        if type_name in PRIMITIVES:
            if permits is None:
                fine = _REMEMBERED.get(type_name)
                return PRIMITIVES[type_name].accepts if fine is None else fine.accepts
            # among the codes: then it has the form of a code
            return lambda value, _: type(value) is str and permits(value)
        if type_name == "Resource" and self._envelope:
            return _accept_anything
        if type_name == "Resource":
            in_bundle = definition.name == "Bundle.entry"
            return lambda value, _: self.resource(value, in_bundle=in_bundle)
        targets = frozenset(element.targets) or self._resource_types
        accepts = self.type(
            type_name,
            nested=definition.name == "Extension" and element.name == "extension",
            targets=targets if type_name == "Reference" else frozenset(),
        )
        if permits is None:
            return accepts
        return lambda value, scope: accepts(value, scope) and permits(value)


def _judged(
    fine: Mapping[str, Collection[str]],
    checks: Mapping[str, Accept],
    items: Mapping[str, Accept],
    whole: constraint.Holds | None,
    least: int,
) -> Accept:
    """The predicate of an object with any properties, which are gone through one by one."""
    texts_of, item_of = fine.get, items.get

    def judged(value: dict[str, Any], scope: Scope) -> bool:
        if len(value) < least and (not value or "id" in value):
            return False
        for name, item in value.items():
            kind = type(item)
            if kind is str:
                # most values are texts, and most of these need no call to be judged
                texts = texts_of(name)
                if texts is not None and (item in texts if texts else 0 < len(item) <= STRING_LIMIT):
                    continue
            elif kind is list and item and (one := item_of(name)) is not None:
                for each in item:
                    if not one(each, scope):
                        return False
                continue
            if not checks[name](item, scope):
                return False
        return whole is None or whole(value, scope)

    return judged


def _array(one: Accept, least: int, most: int | None) -> Accept:
    def accepts(values: Any, scope: Scope) -> bool:
        if type(values) is not list or not values:
            return False
        for value in values:  # noqa: SIM110
            if not one(value, scope):
                return False
        return True

    if least < 2 and most is None:
        return accepts
    top = float("inf") if most is None else most
    return lambda values, scope: accepts(values, scope) and least <= len(values) <= top


def _whole(
    required: tuple[str, ...], together: WholeCheck | None, holds: constraint.Holds | None
) -> constraint.Holds | None:
    """What is asked of an object when each of its properties is fine; None: nothing."""
    if not required and together is None:
        return holds

    def whole(value: dict[str, Any], scope: Scope) -> bool:
        for name in required:
            if name not in value:
                return False
        if together is not None and not together(value):
            return False
        return holds is None or holds(value, scope)

    return whole


def _together(definition: TypeDefinition) -> WholeCheck | None:
    """The rules of choice elements, which are about several properties; None: the type has no such one."""
    choices = [
        (choice.properties(definition, element), bool(element.min))
        for element in definition.elements.values()
        if element.choice
    ]
    if not choices:
        return None
    if definition.name == "Extension":
        names, _ = choices[0]
        # with its url and one thing more it cannot have two values
        return lambda value: (
            ("extension" in value) == names.isdisjoint(value)
            and (len(value) < 3 or len(names.intersection(value)) < 2)
        )
    owners = {name: number for number, (names, _) in enumerate(choices) for name in names}
    needed = frozenset(number for number, (_, needed) in enumerate(choices) if needed)
    names = frozenset(owners)

    def one_of_each(value: dict[str, Any]) -> bool:
        present = names.intersection(value)
        if len(present) < 2 and not needed:
            return True
        chosen = {owners[name] for name in present}
        return len(chosen) == len(present) and needed <= chosen

    return one_of_each


def _accept_anything(value: Any, scope: Scope) -> bool:
    return True


def _refuse(value: Any, scope: Scope) -> bool:
    return False

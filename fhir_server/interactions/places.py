"""Places in a resource that a FHIRPath expression points to, so that a patch can change what stands there.

https://hl7.org/fhir/R4/fhirpatch.html, https://hl7.org/fhir/R4/json.html#primitive

An evaluation gives values, a patch needs to know where they stand. So the steps of a path are walked here,
and only criteria inside it (`where(system = 'x')`) are evaluated by the engine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Element
from fhir_server.fhirpath import FhirPathError, ast, compile_expression, print_expression
from fhir_server.outcome import FhirError, Issue, unprocessable
from fhir_server.resource import Resource


@dataclass(frozen=True, slots=True)
class Place:
    """`holder[name]`, or `holder[name][index]` of a repeating element; `holder["_" + name]` goes with it."""

    definitions: Definitions
    holder: dict[str, Any]
    name: str  # JSON property
    index: int | None  # None: the element does not repeat
    type: str  # FHIR type of what stands there
    element: Element | None  # None: the resource as a whole
    parent: "Place | None"

    @property
    def value(self) -> Any:
        """The JSON value; None: there is none, or a primitive that has extensions only."""
        return _at(self.holder.get(self.name), self.index)

    @property
    def companion(self) -> Any:
        """Id and extensions of a primitive; None: it has none."""
        return _at(self.holder.get("_" + self.name), self.index)

    def fields(self) -> dict[str, Any]:
        """The JSON object whose properties are the elements below; made for a primitive without one."""
        value = self.value
        if isinstance(value, dict):
            return value
        if self.index is None:
            found: dict[str, Any] = self.holder.setdefault("_" + self.name, {})
            return found
        values = self.holder.setdefault("_" + self.name, [None] * len(self.holder[self.name]))
        found = values[self.index] = values[self.index] or {}
        return found

    def children(self, name: str) -> Iterator["Place"]:
        """The places of the element `name` below that hold something."""
        holder = self.value if isinstance(self.value, dict) else self.companion
        element = self.definitions.type(self.type).elements.get(name)
        if element is None:
            raise refused(f"{self.type} has no element {name!r}")
        for type_name in element.types if isinstance(holder, dict) else ():
            property_ = property_name(element, type_name)
            for index in _indices(holder, property_, element):
                yield self._child(holder, property_, index, type_name, element)

    def _child(
        self, holder: dict[str, Any], name: str, index: int | None, type_name: str, element: Element
    ) -> "Place":
        if type_name == "Resource":
            type_name = str((_at(holder[name], index) or {}).get("resourceType"))
            if type_name not in self.definitions.resource_types:
                raise refused(f"{name} holds no resource")
        return Place(self.definitions, holder, name, index, type_name, element, self)


def _at(value: Any, index: int | None) -> Any:
    if index is None or value is None:
        return value
    return value[index] if index < len(value) else None


def property_name(element: Element, type_name: str) -> str:
    """`valueQuantity` for the Quantity of value[x]."""
    return element.name + type_name[0].upper() + type_name[1:] if element.choice else element.name


def _indices(holder: dict[str, Any], name: str, element: Element) -> list[int | None]:
    here = [holder[each] for each in (name, "_" + name) if each in holder]
    if not here:
        return []
    if not element.many:
        return [None]
    return list(range(max(len(values) for values in here)))


def root(definitions: Definitions, resource: Resource) -> Place:
    return Place(definitions, {"": resource}, "", None, resource["resourceType"], None, None)


def refused(text: str) -> FhirError:
    """422: the patch does not fit the resource."""
    return unprocessable([Issue("error", "processing", text)])


def select(node: ast.Node, start: Place) -> list[Place]:
    """The places that the path `node` points to, from the resource `start`."""
    match node:
        case ast.This():
            return [start]
        case ast.Path(None, name):
            if start.definitions.has_type(name) and start.definitions.is_a(start.type, name):
                return [start]
            return list(start.children(name))
        case ast.Path(ast.Node() as focus, name):
            return [child for place in select(focus, start) for child in place.children(name)]
        case ast.Indexer(focus, ast.Number(text)) if text.isdecimal():
            return select(focus, start)[int(text) :][:1]
        case ast.As(operand, type_):
            return _of_type(select(operand, start), type_.name)
        case ast.Function(focus, name, arguments) if name in _FILTERS:
            return _FILTERS[name](select(focus or ast.This(), start), arguments)
        case _:
            raise refused(f"{print_expression(node)} does not point to an element of the resource")


def _of_type(places: list[Place], name: str) -> list[Place]:
    return [place for place in places if place.definitions.is_a(place.type, name)]


def _where(places: list[Place], arguments: tuple[ast.Node, ...]) -> list[Place]:
    (criteria,) = arguments
    return [place for place in places if _is_true(place, print_expression(criteria))]


def _is_true(place: Place, criteria: str) -> bool:
    try:
        found = compile_expression(criteria, place.definitions, place.type).evaluate(place.value)
    except FhirPathError as error:
        raise refused(f"{criteria}: {error}") from None
    return bool(found == [True])


def _single(places: list[Place], arguments: tuple[ast.Node, ...]) -> list[Place]:
    if len(places) > 1:
        raise refused(f"single() found {len(places)} elements")
    return places


def _extension(places: list[Place], arguments: tuple[ast.Node, ...]) -> list[Place]:
    (url,) = arguments
    found = [child for place in places for child in place.children("extension")]
    return [place for place in found if isinstance(url, ast.String) and place.value.get("url") == url.value]


def _number(node: ast.Node) -> int:
    if isinstance(node, ast.Number) and node.text.isdecimal():
        return int(node.text)
    raise refused(f"{print_expression(node)} is not a number of elements")


_FILTERS: dict[str, Callable[[list[Place], tuple[ast.Node, ...]], list[Place]]] = {
    "where": _where,
    "first": lambda places, arguments: places[:1],
    "last": lambda places, arguments: places[-1:],
    "tail": lambda places, arguments: places[1:],
    "skip": lambda places, arguments: places[_number(arguments[0]) :],
    "take": lambda places, arguments: places[: _number(arguments[0])],
    "single": _single,
    "extension": _extension,
    "ofType": lambda places, arguments: _of_type(places, getattr(arguments[0], "name", "")),
}
"""Functions that pass elements on, by name."""

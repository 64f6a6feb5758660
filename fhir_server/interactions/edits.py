"""The five operations of a FHIRPath Patch, on a copy of the resource that may be changed in place.

https://hl7.org/fhir/R4/fhirpatch.html#concept
"""

from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Element
from fhir_server.fhirpath import ast, print_expression
from fhir_server.interactions.places import Place, property_name, refused, select


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a data type, a resource, or parts named like the elements that they become."""

    type: str | None  # None: of parts
    json: Any = None  # None: a primitive that has extensions only
    companion: Any = None  # id and extensions of a primitive; None: it has none
    parts: tuple[tuple[str, "Value"], ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    type: str
    path: ast.Node
    name: str = ""
    value: Value | None = None
    index: int = 0
    source: int = 0
    destination: int = 0


def add(operation: Operation, root: Place) -> None:
    """Append to a repeating element, or set one that is not there yet."""
    assert operation.value is not None
    place = _one(operation, root)
    element = _element(place.definitions, place.type, operation.name)
    _add(place.definitions, place.fields(), element, operation.value)


def insert(operation: Operation, root: Place) -> None:
    assert operation.value is not None
    parent, element = _collection(operation, root)
    holder = parent.fields()
    pairs = _pairs(holder, element.name)
    _require_index(operation.index, len(pairs), "index")
    type_name = _type_for(parent.definitions, element, operation.value)
    pairs.insert(operation.index, _json(parent.definitions, type_name, operation.value))
    _store(holder, element.name, pairs)


def delete(operation: Operation, root: Place) -> None:
    """Delete the one element, if it is there."""
    places = select(operation.path, root)
    if len(places) > 1:
        raise refused(f"{print_expression(operation.path)} finds {len(places)} elements, delete takes one")
    for place in places:
        _require_element(place)
        _remove(place)


def replace(operation: Operation, root: Place) -> None:
    assert operation.value is not None
    place = _one(operation, root)
    element = _require_element(place)
    type_name = _type_for(place.definitions, element, operation.value)
    pair = _json(place.definitions, type_name, operation.value)
    if place.index is not None:
        pairs = _pairs(place.holder, place.name)
        pairs[place.index] = pair
        _store(place.holder, place.name, pairs)
        return
    _set(place.holder, place.name, (None, None))
    _set(place.holder, property_name(element, type_name), pair)


def move(operation: Operation, root: Place) -> None:
    """Move an element within its list."""
    parent, element = _collection(operation, root)
    holder = parent.fields()
    pairs = _pairs(holder, element.name)
    _require_index(operation.source, len(pairs) - 1, "source")
    _require_index(operation.destination, len(pairs) - 1, "destination")
    pairs.insert(operation.destination, pairs.pop(operation.source))
    _store(holder, element.name, pairs)


OPERATIONS = {"add": add, "insert": insert, "delete": delete, "replace": replace, "move": move}

_Pair = tuple[Any, Any]
"""The JSON value of an element and its companion, each None when absent."""


def _one(operation: Operation, root: Place) -> Place:
    places = select(operation.path, root)
    if len(places) != 1:
        text = print_expression(operation.path)
        raise refused(f"{text} finds {len(places)} elements, {operation.type} needs one")
    return places[0]


def _collection(operation: Operation, root: Place) -> tuple[Place, Element]:
    """The element whose list a path names, and the place that has it; the list may be empty."""
    match operation.path:
        case ast.Path(focus, name) if not (focus is None and root.definitions.has_type(name)):
            parent = _one(Operation(operation.type, focus or ast.This()), root)
            element = _element(parent.definitions, parent.type, name)
            if element.many:
                return parent, element
    raise refused(f"{print_expression(operation.path)} is not a list of elements")


def _element(definitions: Definitions, type_name: str, name: str) -> Element:
    element = definitions.type(type_name).elements.get(name)
    if element is None:
        raise refused(f"{type_name} has no element {name!r}")
    return element


def _require_element(place: Place) -> Element:
    if place.element is None:
        raise refused("a patch cannot replace or delete the resource as a whole")
    return place.element


def _require_index(index: int, most: int, name: str) -> None:
    if not 0 <= index <= most:
        raise refused(f"{name} is {index}, it must be from 0 to {most}")


def _add(definitions: Definitions, holder: dict[str, Any], element: Element, value: Value) -> None:
    type_name = _type_for(definitions, element, value)
    pair = _json(definitions, type_name, value)
    if element.many:
        _store(holder, element.name, [*_pairs(holder, element.name), pair])
        return
    for each in element.types:
        name = property_name(element, each)
        if name in holder or "_" + name in holder:
            raise refused(f"{name} is there already, add needs it absent")
    _set(holder, property_name(element, type_name), pair)


def _type_for(definitions: Definitions, element: Element, value: Value) -> str:
    """Which of the types of `element` the value has."""
    if value.type in element.types:
        return value.type
    if value.type is None and len(element.types) == 1:
        return element.types[0]
    for type_name in element.types:
        if value.type is not None and definitions.is_a(value.type, type_name):
            return type_name
    wanted = " or ".join(element.types)
    raise refused(f"{element.name} takes {wanted}, not {value.type or 'parts'}")


def _json(definitions: Definitions, type_name: str, value: Value) -> _Pair:
    if value.type is not None:
        return value.json, value.companion
    fields: dict[str, Any] = {}
    for name, part in value.parts:
        _add(definitions, fields, _element(definitions, type_name, name), part)
    return fields, None


def _pairs(holder: dict[str, Any], name: str) -> list[_Pair]:
    return list(zip_longest(holder.get(name, ()), holder.get("_" + name, ())))


def _store(holder: dict[str, Any], name: str, pairs: list[_Pair]) -> None:
    for key, values in ((name, [pair[0] for pair in pairs]), ("_" + name, [pair[1] for pair in pairs])):
        # FHIR has no empty arrays
        if any(value is not None for value in values):
            holder[key] = values
        else:
            holder.pop(key, None)


def _set(holder: dict[str, Any], name: str, pair: _Pair) -> None:
    for key, value in ((name, pair[0]), ("_" + name, pair[1])):
        if value is None:
            holder.pop(key, None)
        else:
            holder[key] = value


def _remove(place: Place) -> None:
    """Take out what stands at `place`, and the elements above that are empty without it."""
    if place.index is None:
        _set(place.holder, place.name, (None, None))
    else:
        pairs = _pairs(place.holder, place.name)
        del pairs[place.index]
        _store(place.holder, place.name, pairs)
    parent = place.parent
    if place.holder or parent is None or parent.element is None:
        return
    if parent.value is place.holder or parent.value is None:
        _remove(parent)
    elif parent.index is None:
        _set(parent.holder, parent.name, (parent.value, None))
    else:
        pairs = _pairs(parent.holder, parent.name)
        pairs[parent.index] = parent.value, None
        _store(parent.holder, parent.name, pairs)

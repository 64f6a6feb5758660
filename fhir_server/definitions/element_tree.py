"""ElementDefinitions as a tree: children below their element, slices beside the element they slice.

https://hl7.org/fhir/R4/elementdefinition.html#path, https://hl7.org/fhir/R4/elementdefinition.html#id

A snapshot and a differential are lists in which `path` and `sliceName` say what belongs where. Two lists can
be merged only as trees: a differential leaves out parents, names types in a path (`valueQuantity`) and slices
that the base has not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fhir_server.outcome import DefinitionError

Properties = dict[str, Any]
"""An ElementDefinition as JSON."""

_POSITION = frozenset(("id", "path", "sliceName"))
DEPTH_LIMIT = 40  # of a path; the deepest of the published profiles have 12


@dataclass(slots=True)
class Node:
    """An element or a slice; `properties` are without id, path and sliceName, which follow from the place."""

    name: str  # the last part of the path, `value[x]`
    slice: str | None = None  # None: the element itself
    properties: Properties = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    slices: list["Node"] = field(default_factory=list)

    def copy(self) -> "Node":
        """A tree of its own; the properties are shared, for nobody changes them."""
        return Node(
            self.name,
            self.slice,
            self.properties,
            [child.copy() for child in self.children],
            [slice_.copy() for slice_ in self.slices],
        )

    def child(self, name: str) -> "Node | None":
        return next((child for child in self.children if child.name == name), None)

    def slice_named(self, name: str) -> "Node | None":
        """The slice, or a slice of a slice: `a/b` stands under `a`."""
        for slice_ in self.slices:
            if slice_.slice == name:
                return slice_
            if found := slice_.slice_named(name):
                return found
        return None

    @property
    def types(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.properties.get("type", [])
        return found


def tree(elements: list[Properties], canonical: str) -> Node:
    """The tree of a list of elements; parents that the list leaves out have no properties.

    Raises DefinitionError with `canonical` and the element.
    """
    root: Node | None = None
    places: dict[str, Node] = {}  # by element id
    for element, id_ in _identified(elements, canonical):
        parts = id_.split(".")
        if len(parts) > DEPTH_LIMIT:
            raise DefinitionError(f"{canonical}: {id_}: deeper than {DEPTH_LIMIT} elements")
        if root is None:
            root = places[parts[0]] = Node(parts[0])
        elif parts[0] != root.name:
            raise DefinitionError(f"{canonical}: {id_}: does not start with {root.name}")
        node = _place(root, parts, places)
        if node.properties:
            raise DefinitionError(f"{canonical}: {id_}: stands twice")
        node.properties = {name: value for name, value in element.items() if name not in _POSITION}
    if root is None:
        raise DefinitionError(f"{canonical}: has no elements")
    return root


def _place(root: Node, parts: list[str], places: dict[str, Node]) -> Node:
    node, at = root, parts[0]
    for part in parts[1:]:
        name, _, slice_ = part.partition(":")
        parent, at = node, f"{at}.{name}"
        found = places.get(at)
        if found is None:
            found = places[at] = Node(name)
            parent.children.append(found)
        node = found
        if slice_:
            at = f"{at}:{slice_}"
            node = places[at] if at in places else _new_slice(found, slice_)
            places[at] = node
    return node


def _new_slice(of: Node, name: str) -> Node:
    made = Node(of.name, name)
    outer = of.slice_named(name.rpartition("/")[0]) if "/" in name else None
    (outer or of).slices.append(made)
    return made


def _identified(elements: list[Properties], canonical: str) -> Iterator[tuple[Properties, str]]:
    """Elements with their ids; where an element has none it follows from path and slice names before it."""
    slices: dict[str, str] = {}  # by path, the slice that was met last
    for number, element in enumerate(elements):
        path = element.get("path")
        if not isinstance(path, str) or not path:
            raise DefinitionError(f"{canonical}: element {element.get('id', number)} has no path")
        slice_ = element.get("sliceName")
        for known in [known for known in slices if known.startswith(f"{path}.") or known == path]:
            del slices[known]
        if slice_:
            slices[path] = slice_
        id_ = element.get("id")
        if not isinstance(id_, str) or _path(id_) != path or (slice_ and not id_.endswith(f":{slice_}")):
            id_ = _id(path, slices)
        yield element, id_


def _path(id_: str) -> str:
    return ".".join(part.partition(":")[0] for part in id_.split("."))


def _id(path: str, slices: dict[str, str]) -> str:
    parts, at = [], ""
    for part in path.split("."):
        at = f"{at}.{part}" if at else part
        parts.append(f"{part}:{slices[at]}" if at in slices else part)
    return ".".join(parts)


def flatten(node: Node, path: str = "", id_: str = "") -> Iterator[Properties]:
    """The list of a tree, with id, path and sliceName in each element."""
    path = f"{path}.{node.name}" if path else node.name
    id_ = f"{id_}.{node.name}" if id_ else node.name
    yield from _flatten(node, path, id_)


def _flatten(node: Node, path: str, unsliced: str) -> Iterator[Properties]:
    id_ = unsliced if node.slice is None else f"{unsliced}:{node.slice}"
    named = {} if node.slice is None else {"sliceName": node.slice}
    yield {"id": id_, "path": path} | named | node.properties
    for child in node.children:
        yield from flatten(child, path, id_)
    for slice_ in node.slices:
        yield from _flatten(slice_, path, unsliced)

"""Snapshots: what a profile says of every element, from its differential and the snapshot of its base.

https://hl7.org/fhir/R4/profiling.html#snapshot, https://hl7.org/fhir/R4/elementdefinition.html#interpretation

A snapshot is generated once for a profile. Definitions are found by a function that is handed in, so that the
same code serves packages, the store and tests.
"""

from collections.abc import Callable
from typing import Any

from fhir_server.definitions.element_merge import merged
from fhir_server.definitions.element_tree import Node, Properties, flatten, tree
from fhir_server.outcome import DefinitionError
from fhir_server.resource import Resource

FindStructure = Callable[[str], Resource | None]
"""By canonical, `url` or `url|version`, the StructureDefinition; None: not at hand."""

TYPE_URL = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
_EXTENSIONS = frozenset(("extension", "modifierExtension"))
# not taken from the root of the profile that a type names: that profile itself is checked
_NOT_OF_PROFILE = frozenset(("base", "slicing", "type", "constraint"))
_BY_TYPE = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "closed"}
_BY_URL = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}


class Snapshots:
    """Generated snapshots, kept by canonical."""

    def __init__(self, find: FindStructure) -> None:
        self._find = find
        self._trees: dict[str, Node] = {}
        self._pending: list[str] = []  # canonicals that are being generated, to tell a definition in a ring

    def elements(self, canonical: str) -> list[Properties]:
        """The elements of a definition's snapshot; raises DefinitionError with canonical and element id."""
        return list(flatten(self.tree(canonical)))

    def tree(self, canonical: str) -> Node:
        """The same as a tree, which nobody may change: the published snapshot, else the one generated."""
        return self._tree(canonical, by="")

    def generate(self, structure: Resource) -> list[Properties]:
        """The snapshot from the differential, whether one is published or not."""
        return list(flatten(self._generated(structure, _url(structure))))

    def _tree(self, canonical: str, by: str) -> Node:
        """by: canonical and element that need it, for the error."""
        found = self._trees.get(canonical)
        if found is None:
            structure = self._find(canonical)
            if structure is None:
                raise DefinitionError(f"{by or canonical}: there is no definition {canonical}")
            elements = (structure.get("snapshot") or {}).get("element")
            found = tree(elements, _url(structure)) if elements else self._generated(structure, by)
            self._trees[canonical] = found
        return found

    def _knows(self, canonical: str) -> bool:
        return canonical in self._trees or self._find(canonical) is not None

    def _generated(self, structure: Resource, by: str) -> Node:
        url = _url(structure)
        if url in self._pending:
            ring = " → ".join([*self._pending[self._pending.index(url) :], url])
            raise DefinitionError(f"{by}: the definition needs itself: {ring}")
        elements = (structure.get("differential") or {}).get("element")
        base = structure.get("baseDefinition")
        if not isinstance(base, str):
            raise DefinitionError(f"{url}: has neither a snapshot nor a baseDefinition")
        self._pending.append(url)
        try:
            root = self._tree(base, f"{url}: baseDefinition")
            if not elements:
                return root
            return _Merge(self, url, root).element(root, tree(elements, url), root.name)
        except RecursionError:
            raise DefinitionError(f"{url}: nested too deeply") from None
        finally:
            self._pending.pop()

    def of_type(self, type_: dict[str, Any], by: str) -> Node:
        """The tree that says what an element of this type holds: its profile's, or the type's own."""
        profiles = type_.get("profile", ())
        code = str(type_.get("code", ""))
        if len(profiles) == 1:
            canonical, _, fragment = str(profiles[0]).partition("#")
            if self._knows(canonical):  # what the profile says is not known otherwise, what the type says is
                found = self._tree(canonical, by)
                return _at_id(found, fragment, f"{by}: {profiles[0]}") if fragment else found
        if code.startswith(SYSTEM_TYPE):
            code = "Element"
        return self._tree(code if "/" in code else TYPE_URL + code, by)


def _url(structure: Resource) -> str:
    return str(structure.get("url") or f"StructureDefinition/{structure.get('id')}")


def _at_id(root: Node, id_: str, by: str) -> Node:
    """The element with this id: what a profile with a fragment, or a content reference, points to."""
    node: Node | None = root
    for part in id_.split(".")[1:]:
        name, _, slice_ = part.partition(":")
        node = node.child(name) if node else None
        if slice_ and node:
            node = node.slice_named(slice_)
    if node is None:
        raise DefinitionError(f"{by}: there is no element {id_}")
    return node


class _Merge:
    """One differential laid over the tree of its base."""

    def __init__(self, snapshots: Snapshots, url: str, root: Node) -> None:
        self._snapshots = snapshots
        self._url = url
        self._root = root

    def element(self, base: Node, own: Node, at: str) -> Node:
        """`base` as `own`, an element of the differential, changes it. at: the id of the element."""
        where = f"{self._url}: {at}"
        properties = self._properties(base, own, where)
        found = Node(base.name, own.slice or base.slice, properties)
        children = base.children
        if own.children and not children:
            properties, children = self._expanded(found, where)
            found.properties = properties
        found.children = self._children(children, own, at)
        found.slices = self._slices(base.slices, own, found, at)
        if found.slices and found.name in _EXTENSIONS and "slicing" not in found.properties:
            found.properties = found.properties | {"slicing": _BY_URL}
        return found

    def _properties(self, base: Node, own: Node, where: str) -> Properties:
        types = own.types
        if len(types) == 1 and types[0].get("code") == "Extension" and types != base.types:
            # an extension says itself how often it may stand and whether it modifies
            profiled = self._snapshots.of_type(types[0], where).properties
            start = {name: value for name, value in profiled.items() if name not in _NOT_OF_PROFILE}
            start |= {name: base.properties[name] for name in _NOT_OF_PROFILE if name in base.properties}
            return merged(start, own.properties, where)
        start = base.properties
        if len(types) == 1 and types[0].get("profile") and types != base.types:
            root = self._snapshots.of_type(types[0], where).properties
            if "isSummary" in root:
                start = start | {"isSummary": root["isSummary"]}
        return merged(start, own.properties, where)

    def _expanded(self, node: Node, where: str) -> tuple[Properties, list[Node]]:
        """Properties and children of an element that the differential walks into."""
        properties = node.properties
        reference = properties.get("contentReference")
        if reference is not None:
            target = _at_id(self._root, str(reference).partition("#")[2], where)
            kept = {name: value for name, value in properties.items() if name != "contentReference"}
            return kept | {"type": target.types}, target.children
        types = node.types
        if not types:
            raise DefinitionError(f"{where}: has no type, so it has no children")
        if len({str(type_.get("code")) for type_ in types}) > 1:
            # what all types have: id and extensions
            return properties, self._snapshots.of_type({"code": "Element"}, where).children
        one = types[0] if len(types) == 1 else {"code": types[0]["code"]}
        return properties, self._snapshots.of_type(one, where).children

    def _children(self, children: list[Node], own: Node, at: str) -> list[Node]:
        by_name = {child.name: child for child in children}
        changes: dict[str, Node] = {}
        for child in own.children:
            name = child.name if child.name in by_name else _choice(child.name, by_name)
            if name is None:
                raise DefinitionError(f"{self._url}: {at}.{child.name}: the base has no such element")
            if name == child.name:
                changes[name] = _united(changes.get(name), child)
            else:
                changes[name] = _with_type_slice(changes.get(name) or Node(name), child, by_name[name])
        return [
            self.element(child, changes[child.name], f"{at}.{child.name}") if child.name in changes else child
            for child in children
        ]

    def _slices(self, slices: list[Node], own: Node, element: Node, at: str) -> list[Node]:
        """element: what is sliced, as the differential changes it."""
        found = {slice_.slice: slice_ for slice_ in slices}
        unsliced = at if element.slice is None else at.rpartition(":")[0]
        for slice_ in own.slices:
            start = found.get(slice_.slice)
            if start is None:
                start = _new_slice(element)
            found[slice_.slice] = self.element(start, slice_, f"{unsliced}:{slice_.slice}")
        return list(found.values())


def _new_slice(element: Node) -> Node:
    """What a slice starts as: all that holds of the element, but it need not be there."""
    properties = {name: value for name, value in element.properties.items() if name != "slicing"}
    return Node(element.name, None, properties | {"min": 0}, element.children, [])


def _choice(name: str, by_name: dict[str, Node]) -> str | None:
    """`value[x]` for `valueQuantity`; None: no choice element has such a form."""
    for candidate in by_name:
        stem = candidate.removesuffix("[x]")
        if candidate.endswith("[x]") and name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper():
            return candidate
    return None


def _united(known: Node | None, further: Node) -> Node:
    """Two nodes of a differential for one element: `value[x]` beside the short form `valueQuantity`."""
    if known is None:
        return further
    return Node(
        further.name,
        further.slice,
        known.properties | further.properties,
        known.children + further.children,
        known.slices + further.slices,
    )


def _with_type_slice(element: Node, short: Node, base: Node) -> Node:
    """`valueQuantity` written out: a slice of `value[x]` by type.

    https://hl7.org/fhir/R4/profiling.html#slicing, "slicing by type"
    """
    code = _type_code(short.name[len(base.name) - len("[x]") :], base)
    properties = dict(element.properties)
    properties.setdefault("slicing", _BY_TYPE)
    type_ = [one for one in base.types if one.get("code") == code]
    own = {"type": type_} | short.properties
    slice_ = Node(base.name, short.name, own, short.children, short.slices)
    types = [
        *properties.get("type", ()),
        *(one for one in own["type"] if one not in properties.get("type", ())),
    ]
    properties["type"] = types
    return Node(element.name, None, properties, element.children, [*element.slices, slice_])


def _type_code(suffix: str, base: Node) -> str:
    for type_ in base.types:
        code = str(type_.get("code", ""))
        if code[:1].upper() + code[1:] == suffix:
            return code
    return suffix[:1].lower() + suffix[1:] if suffix[:1].lower() + suffix[1:] in _PRIMITIVE else suffix


_PRIMITIVE = frozenset(
    ("base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant",
     "integer", "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri", "url", "uuid")
)  # fmt: skip

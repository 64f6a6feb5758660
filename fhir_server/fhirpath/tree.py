"""children(), descendants().

https://hl7.org/fhirpath/N1/#tree-navigation
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import INTEGER, Compiled, from_one
from fhir_server.fhirpath.items import UNKNOWN, Item
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.navigation import dynamic
from fhir_server.fhirpath.scope import Scope, limit_size


def children_of(model: Model, item: Item) -> list[Item]:
    """The child elements of an item, each with its type, in the order of the JSON."""
    value = item.value
    if type(value) is not dict:
        return _children_of_primitive(model, item)
    types = model.child_types(item.type)
    found: list[Item] = []
    for key, child in value.items():
        type_ = types.get(key)
        if type_ is None:
            if key != "resourceType":
                # a property beside a primitive, or one that no definition describes
                return _all_children(model, item)
        elif type(child) is list:
            found += [Item(each, type_) for each in child]
        else:
            found.append(Item(child, type_))
    return found


def _all_children(model: Model, item: Item) -> list[Item]:
    value = item.value
    known = model.properties(item.type)
    found: list[Item] = []
    for key, child in value.items():
        if key == "resourceType":
            continue
        if key[0] == "_":
            if key[1:] in value:
                continue  # taken with its value
            key, child = key[1:], None
        _, type_ = known.get(key, (None, UNKNOWN))
        found += _items(model, child, type_, value.get("_" + key))
    return found


def _children_of_primitive(model: Model, item: Item) -> list[Item]:
    if not item.element:
        return []
    found = [Item(each, "Extension") for each in item.element.get("extension") or ()]
    return found + [Item(each, "string") for each in (item.element.get("id"),) if each is not None]


def _items(model: Model, value: Any, type_: str, element: Any) -> list[Item]:
    if isinstance(value, list) or isinstance(element, list):
        values, elements = value or [], element if isinstance(element, list) else []
        count = max(len(values), len(elements))
        pairs = zip(_padded(values, count), _padded(elements, count), strict=True)
    else:
        pairs = zip((value,), (element,), strict=True)
    return [
        Item(each, model.type_of(each, type_) if type_ else model.guess_type(each), beside)
        for each, beside in pairs
        if each is not None or beside is not None
    ]


def _padded(values: list[Any], count: int) -> list[Any]:
    return values + [None] * (count - len(values))


def descendants_of(model: Model, items: list[Item], at: int) -> list[Item]:
    found: list[Item] = []
    level = items
    while level:
        level = [child for item in level for child in children_of(model, item)]
        found += level
        limit_size(len(found), at)
    return found


def _children(call: Call) -> Compiled:
    model, run = call.model, dynamic(call.model, call.focus).run
    return Compiled(
        lambda this, scope: [child for item in run(this, scope) for child in children_of(model, item)], None
    )


def _descendants(call: Call) -> Compiled:
    model, run, at = call.model, dynamic(call.model, call.focus).run, call.at

    def many(this: Any, scope: Scope) -> list[Any]:
        found = descendants_of(model, run(this, scope), at)
        scope.visit(len(found), at)
        return found

    return Compiled(many, None)


def count_of_children(call: Call) -> Compiled | None:
    """`children().count()` on one JSON object, as ele-1 asks it of every element; None: not this shape."""
    focus, type_ = call.focus, call.focus.type
    if focus.one is None or type_ is None or call.model.kind(type_) not in ("complex", "resource"):
        return None
    before = focus.one

    def one(this: Any, scope: Scope) -> int:
        item = before(this, scope)
        if item is None:
            return 0
        count = len(item)
        for key, value in item.items():
            if type(value) is list:
                count += len(value) - 1
            if key == "resourceType" or (key[0] == "_" and key[1:] in item):
                count -= len(value) if type(value) is list else 1
        return count

    return from_one(one, INTEGER)


FUNCTIONS = {"children": Function(_children), "descendants": Function(_descendants)}

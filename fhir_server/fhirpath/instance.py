"""`Coding { system: 'http://loinc.org', code: code }`: an object that the expression makes.

https://hl7.org/fhirpath/#instance-selector

Elements are those of the type in the definitions. A String becomes any type that JSON has as text, a number
one that is as exact, a Date a dateTime too; what else does not fit is an error, and so are several values
where the type has room for one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.definitions.types import Element
from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Compile, Context
from fhir_server.fhirpath.compiled import Compiled, Run, describe, from_one
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.model import SAME_IN_FHIR, Model
from fhir_server.fhirpath.moments import Moment
from fhir_server.fhirpath.navigation import dynamic, unknown_element
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.types import type_name
from fhir_server.fhirpath.values import to_json

Fill = Callable[[Any, Scope], Mapping[str, Any]]
"""(`$this`, scope) -> the JSON properties of one element, none where its value is empty."""

Option = tuple[str, str]
"""(JSON property, type) that an element may have; several for a choice."""

_WIDER = {
    "integer": ("integer", "unsignedInt", "positiveInt", "decimal"),
    "date": ("date", "dateTime"),
    "dateTime": ("dateTime", "instant", "date"),
}


def instance(model: Model, node: ast.Instance, context: Context, compile_: Compile) -> Compiled:
    type_ = type_name(model, node.type)
    kind = model.kind(type_)
    if kind == "system" or model.definitions.type(type_).abstract:
        raise FhirPathError(f"{type_} is no type of which there are objects", node.at)
    seen: set[str] = set()
    for each in node.elements:
        if each.name in seen:
            raise FhirPathError(f"{each.name!r} is given twice", each.at)
        seen.add(each.name)
    if kind == "primitive":
        make = _primitive(model, node, type_, context, compile_)
    else:
        make = _complex(model, node, type_, context, compile_)
    if not context.collection:
        return from_one(make, type_)

    def one(this: Any, scope: Scope) -> Any:
        if len(this) > 1:
            raise FhirPathError(f"{type_}: found {len(this)} items, wanted one", node.at)
        return make(this, scope) if this else None

    return from_one(one, type_)


def _complex(
    model: Model, node: ast.Instance, type_: str, context: Context, compile_: Compile
) -> Callable[[Any, Scope], Any]:
    fills = [_fill(model, type_, each, compile_(each.value, context)) for each in node.elements]
    start = {"resourceType": type_} if model.kind(type_) == "resource" else {}
    at = node.at

    def make(this: Any, scope: Scope) -> dict[str, Any]:
        scope.visit(1, at)
        found: dict[str, Any] = {**start}
        for fill in fills:
            found.update(fill(this, scope))
        return found

    return make


def _primitive(
    model: Model, node: ast.Instance, type_: str, context: Context, compile_: Compile
) -> Callable[[Any, Scope], Any]:
    """`code { value: 'final' }`, with `id` and `extension` beside the value."""
    fills: list[Fill] = []
    for each in node.elements:
        found = compile_(each.value, context)
        if each.name == "value":
            fills.append(_single(dynamic(model, found).run, model, (("value", type_),), each))
        else:
            fills.append(_fill(model, "Element", each, found))

    def make(this: Any, scope: Scope) -> Item | None:
        beside: dict[str, Any] = {}
        for fill in fills:
            beside.update(fill(this, scope))
        value = beside.pop("value", None)
        return Item(value, type_, beside or None) if value is not None or beside else None

    return make


def _fill(model: Model, type_: str, node: ast.InstanceElement, value: Compiled) -> Fill:
    element = model.element(type_, node.name)
    if element is None:
        raise unknown_element(model, type_, node.name, node.at)
    run, options = dynamic(model, value).run, _options(model, type_, element)
    return _several(run, model, options, node) if element.many else _single(run, model, options, node)


def _options(model: Model, type_: str, element: Element) -> tuple[Option, ...]:
    return model.choices(type_, element) if element.choice else ((element.name, element.types[0]),)


def _single(run: Run, model: Model, options: tuple[Option, ...], node: ast.InstanceElement) -> Fill:
    def fill(this: Any, scope: Scope) -> Mapping[str, Any]:
        items = run(this, scope)
        if not items:
            return {}
        if len(items) > 1:
            raise FhirPathError(f"{node.name}: found {len(items)} items, wanted one", node.at)
        (item,) = items
        name = _option(model, options, item, node)
        value = _json(item.value)
        found = {} if value is None else {name: value}
        return found | {f"_{name}": item.element} if item.element else found

    return fill


def _several(run: Run, model: Model, options: tuple[Option, ...], node: ast.InstanceElement) -> Fill:
    ((name, _),) = options  # no choice element repeats

    def fill(this: Any, scope: Scope) -> Mapping[str, Any]:
        items = run(this, scope)
        for item in items:
            _option(model, options, item, node)
        found = {name: [_json(item.value) for item in items]} if items else {}
        beside = [item.element or None for item in items]
        return found | {f"_{name}": beside} if any(beside) else found

    return fill


def _json(value: Any) -> Any:
    # the T that ends a partial DateTime is of the literal alone
    return value.text.removesuffix("T") if type(value) is Moment else to_json(value)


def _option(model: Model, options: tuple[Option, ...], item: Item, node: ast.InstanceElement) -> str:
    """The property that takes the item: of its own type, or else of one to which it converts."""
    own = SAME_IN_FHIR.get(item.type, item.type)
    for name, type_ in options:
        if own == type_ or (model.kind(type_) in ("complex", "resource") and model.is_a(own, type_)):
            return name
    for name, type_ in options:
        if _converts(model, own, type_):
            return name
    wanted = ", ".join(type_ for _, type_ in options[:5])
    raise FhirPathError(f"{node.name}: {describe(item)} is not of type {wanted}", node.at)


def _converts(model: Model, own: str, wanted: str) -> bool:
    if not (model.has_type(own) and model.is_primitive(own) and model.is_primitive(wanted)):
        return False
    if own in _WIDER:
        return wanted in _WIDER[own]
    category = model.category(own)
    return category == model.category(wanted) and category in ("string", "time", "boolean")

"""Composite parameters: values that belong together, joined by `$`.

https://hl7.org/fhir/R4/search.html#composite

The components of a whole resource have one value each, so all of them are true of the resource; those of an
element are compared within one and the same element.
"""

from collections.abc import Sequence

from fhir_server.outcome import bad_value
from fhir_server.search.column import Scope
from fhir_server.search.columns import Component, Composite, Parameter
from fhir_server.search.combine import all_of, any_of
from fhir_server.search.types import TYPES
from fhir_server.search.values import split
from fhir_server.store.algebra import Node, Nothing, Together


def where(parameter: Parameter, values: Sequence[str], scope: Scope) -> Node:
    return any_of(
        _where(composite, _parts(parameter, value), scope)
        for value in values
        for composite in parameter.composites
    )


def present(parameter: Parameter) -> Node:
    """A value for every component."""
    return any_of(
        _joined(composite, [_any_value(component) for component in composite.components])
        for composite in parameter.composites
    )


def _parts(parameter: Parameter, value: str) -> list[str]:
    parts = split(value, "$")
    wanted = len(parameter.definition.components)
    if len(parts) != wanted or not all(parts):
        raise bad_value(f"{value!r} has {len(parts)} parts, {parameter.code} needs {wanted} joined by '$'")
    return parts


def _where(composite: Composite, parts: list[str], scope: Scope) -> Node:
    terms = [
        any_of(TYPES[column.type].where(column, [part], "", scope) for column in component.columns)
        for component, part in zip(composite.components, parts, strict=True)
    ]
    return _joined(composite, terms)


def _any_value(component: Component) -> Node:
    return any_of(TYPES[column.type].present(column) for column in component.columns)


def _joined(composite: Composite, terms: Sequence[Node]) -> Node:
    if not composite.items:
        return all_of(terms)
    if Nothing() in terms:
        return Nothing()
    return Together(tuple(terms))

"""References to resources that are part of each other: `location:below=42`, `encounter:above=21`.

https://hl7.org/fhir/R4/search.html#recursive

A resource type is a hierarchy when one of its parameters `partof`, `part-of` or `parent` refers to the type
itself: locations, organizations, encounters, tasks and others.
"""

from collections.abc import Sequence

from fhir_server.outcome import bad_value
from fhir_server.search import reference
from fhir_server.search.column import Column, Scope
from fhir_server.search.columns import Columns
from fhir_server.search.terms import InHierarchy, required
from fhir_server.search.values import unescape
from fhir_server.store.algebra import Node

MODIFIERS = frozenset(("above", "below"))
_CODES = ("partof", "part-of", "parent")


def parents(columns: Columns, resource_type: str) -> tuple[str, ...]:
    """Names of the columns by which resources of a type refer to what they are part of; (): no hierarchy."""
    own = columns.definitions.search_parameters(resource_type)
    parameters = (columns.parameter(resource_type, code) for code in _CODES if code in own)
    return tuple(
        column.name
        for parameter in parameters
        if parameter is not None and parameter.type == "reference"
        for column in parameter.columns
        if resource_type in column.targets
    )


def modifiers(columns: Columns, column: Column) -> frozenset[str]:
    """Of a reference; canonicals have `:below` too, for their versions."""
    is_hierarchy = "Reference" in column.value_types and any(
        parents(columns, target) for target in column.targets or columns.definitions.resource_types
    )
    return MODIFIERS if is_hierarchy else frozenset()


def where(columns: Columns, column: Column, values: Sequence[str], modifier: str, scope: Scope) -> Node:
    """What refers to one of the resources or to one below or above it."""
    terms = required(scope.terms, modifier)
    pairs: dict[tuple[str, str], None] = {}
    for value in values:
        found = reference.identities(column, value, "", scope)
        if found is None:
            raise bad_value(f"{unescape(value)!r} is no resource of this server: its hierarchy is not known")
        for resource_type, id_ in found:
            if names := parents(columns, resource_type):
                need = InHierarchy(resource_type, id_, names, modifier == "above")
                # sorted, so that the search is the same in every process
                pairs |= {(resource_type, each): None for each in sorted(terms.hierarchy(need))}
            pairs[resource_type, id_] = None
    return reference.referring(column, tuple(pairs), (), scope)

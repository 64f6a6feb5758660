"""The elements of a resource with their types and constraints, found without the engine."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Constraint


@dataclass(frozen=True)
class Found:
    keys: tuple[str | int, ...]  # that lead from the resource to the element
    value: Any
    type: str
    resource: Any  # the innermost resource that holds it
    inner: int  # of the keys lead to that resource
    constraints: tuple[Constraint, ...]


def elements(definitions: Definitions, resource: dict[str, Any]) -> Iterator[Found]:
    """The resource and every element with children, and every primitive that has constraints of its own."""
    yield from _below(definitions, resource, resource["resourceType"], (), (), (resource, 0))


def _below(
    definitions: Definitions,
    value: Any,
    type_: str,
    keys: tuple[str | int, ...],
    own: tuple[Constraint, ...],
    holder: tuple[Any, int],
) -> Iterator[Found]:
    definition = definitions.type(type_)
    constraints = own + definition.constraints
    if definition.kind == "primitive":
        if own:
            yield Found(keys, value, type_, *holder, own)
        return
    yield Found(keys, value, type_, *holder, constraints)
    for key, child in value.items():
        if key not in definition.properties:
            continue
        element, child_type = definition.properties[key]
        several = enumerate(child) if isinstance(child, list) else [(None, child)]
        for index, each in several:
            at = (*keys, key) if index is None else (*keys, key, index)
            if each is None:
                continue
            if isinstance(each, dict) and "resourceType" in each:
                yield from _below(
                    definitions, each, each["resourceType"], at, element.constraints, (each, len(at))
                )
            else:
                yield from _below(definitions, each, child_type, at, element.constraints, holder)

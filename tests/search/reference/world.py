"""The resources that are searched, and what search parameters select in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import SearchParameter
from fhir_server.fhirpath import compile_expression
from tests.search.reference import paths, references
from tests.search.reference.references import Identity

Resource = dict[str, Any]
Typed = tuple[str, Any]
"""FHIR type and JSON value."""


@dataclass
class World:
    """What a store holds: current versions, none that are deleted."""

    definitions: Definitions
    resources: Mapping[Identity, Resource]
    base: str
    zone: tzinfo
    now_ms: int
    sequences: Mapping[Identity, int]  # the order of the last changes, finer than the time that is shown
    inside: dict[Identity, Resource] = field(default_factory=dict)
    """Contained resources that a chain came to; their ids begin with that of what contains them."""
    _selected: dict[tuple[Identity, str], list[Typed]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.held_types = frozenset(type_ for type_, _ in self.resources)

    def of_types(self, types: tuple[str, ...]) -> Iterator[Identity]:
        return (identity for identity in self.resources if not types or identity[0] in types)

    def parameter(self, resource_type: str, code: str) -> SearchParameter | None:
        return self.definitions.search_parameters(resource_type).get(code)

    def references(self, resource_type: str) -> list[SearchParameter]:
        """Its reference parameters that are of a type which is here."""
        if resource_type not in self.held_types:
            return []
        known = self.definitions.search_parameters(resource_type).values()
        return [each for each in known if each.type == "reference" and each.expression is not None]

    def values(self, identity: Identity, parameter: SearchParameter) -> list[Typed]:
        key = identity, parameter.code
        if key not in self._selected:
            assert parameter.expression is not None
            resource = self.resource(identity)
            self._selected[key] = self.select(parameter.expression, identity[0], resource, resource)
        return self._selected[key]

    def resource(self, identity: Identity) -> Resource:
        return self.resources[identity] if identity in self.resources else self.inside[identity]

    def contained(self, identity: Identity, parameter: SearchParameter) -> list[Identity]:
        """The resources inside this one that a reference parameter leads to."""
        typed_values = self.values(identity, parameter)
        texts = [value.get("reference") for type_, value in typed_values if type_ == "Reference"]
        texts += [value for type_, value in typed_values if type_ == "canonical"]
        found = []
        for each in self.resource(identity).get("contained", ()):
            if f"#{each.get('id')}" in texts:
                inner = each["resourceType"], f"{'/'.join(identity)}#{each['id']}"
                self.inside[inner] = each
                found.append(inner)
        return found

    def select(self, expression: str, type_name: str, item: Any, resource: Resource) -> list[Typed]:
        """What an expression selects, starting at an item of the resource."""
        compiled = compile_expression(_corrected(expression), self.definitions, type_name)
        found = compiled.typed(resource, context=item, resolve=lambda _: None)
        return [each for typed in found for each in _without_extensions(typed)]

    def targets(self, parameter: SearchParameter, resource_type: str) -> tuple[str, ...]:
        return paths.targets(self.definitions, parameter, resource_type)

    def types(self, parameter: SearchParameter, resource_type: str) -> frozenset[str] | None:
        return paths.types(self.definitions, parameter, resource_type)

    def referred(self, identity: Identity, parameter: SearchParameter) -> list[Identity]:
        """The resources of this server that a reference parameter leads to, there or not."""
        texts = (references.text_of(*typed) for typed in self.values(identity, parameter))
        found = (references.local(text, self.base) for text in texts if text)
        return [each for each in found if each]

    def implied_systems(self, parameter: SearchParameter, resource_type: str) -> frozenset[str]:
        return paths.implied_systems(self.definitions, parameter.expression or "", resource_type)


def _corrected(expression: str) -> str:
    """Observation-code-value-date writes DateTime for dateTime."""
    return expression.replace("DateTime", "dateTime")


def _without_extensions(typed: Typed) -> Iterator[Typed]:
    type_name, value = typed
    if type_name != "Extension":
        yield typed
        return
    for name, each in value.items():
        if name.startswith("value"):
            rest = name.removeprefix("value")
            yield (rest if isinstance(each, dict) else rest[0].lower() + rest[1:]), each

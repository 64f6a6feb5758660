"""What is known of an operation: for the dispatch of requests, and for the CapabilityStatement.

https://hl7.org/fhir/R4/operations.html
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fhir_server.interactions.request import Request, Response

if TYPE_CHECKING:  # a context has operations
    from fhir_server.interactions.context import Context


@dataclass(frozen=True, slots=True)
class Operation:
    perform: Callable[["Context", Request], Awaitable[Response]]
    # canonical of the OperationDefinition; `{type}` in it stands for the type, where each has its own
    definition: str
    levels: frozenset[str]  # of "system", "type", "instance", "version"
    resource_types: frozenset[str] = frozenset()  # empty: any
    affects_state: bool = False  # True: POST only
    # of types for which R4 has no definition
    own_definitions: Mapping[str, str] = field(default_factory=dict)

    def concerns(self, resource_type: str | None) -> bool:
        """Whether a URL with this type can go on with the operation; None: a URL without a type."""
        if resource_type is None:
            return "system" in self.levels
        return self.levels != {"system"} and (not self.resource_types or resource_type in self.resource_types)

    def definition_of(self, resource_type: str | None) -> str:
        own = self.own_definitions.get(resource_type or "")
        return own or self.definition.replace("{type}", resource_type or "")

"""One file per operation; this table says which there are.

https://hl7.org/fhir/R4/operations.html
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Request, Response


@dataclass(frozen=True, slots=True)
class Operation:
    perform: Callable[[Context, Request], Awaitable[Response]]
    definition: str  # canonical of the OperationDefinition
    levels: frozenset[str]  # of "system", "type", "instance", "version"
    resource_types: frozenset[str] = frozenset()  # empty: any
    affects_state: bool = False  # True: POST only

    def concerns(self, resource_type: str | None) -> bool:
        """Whether a URL with this type can go on with the operation; None: a URL without a type."""
        if resource_type is None:
            return "system" in self.levels
        return self.levels != {"system"} and (not self.resource_types or resource_type in self.resource_types)


OPERATIONS: dict[str, Operation] = {}
"""By code, without the `$`."""

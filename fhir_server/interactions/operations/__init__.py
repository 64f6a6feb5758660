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


OPERATIONS: dict[str, Operation] = {}
"""By code, without the `$`."""

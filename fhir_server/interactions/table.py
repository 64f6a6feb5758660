"""The table of interactions: the shape of a request, its method, what is done.

https://hl7.org/fhir/R4/http.html#summary
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, NamedTuple

from fhir_server.interactions.context import Context
from fhir_server.interactions.request import Method, Request, Response

Shape = Literal[
    "metadata",
    "system", "system/_history", "system/_search",
    "type", "type/_history", "type/_search",
    "instance", "instance/_history", "version",
    "compartment", "compartment/_search",
]  # fmt: skip


class Interaction(NamedTuple):
    perform: Callable[[Context, Request], Awaitable[Response]]
    # what CapabilityStatement.rest.(resource.)interaction.code calls it; (): nothing there is about it
    codes: tuple[str, ...]


Table = Mapping[Shape, Mapping[Method, Interaction]]


def shape_of(request: Request) -> Shape:
    """Where a request goes that is no operation."""
    if request.resource_type is None:
        if request.metadata:
            return "metadata"
        return "system/_history" if request.history else "system/_search" if request.search else "system"
    if request.id is None:
        return "type/_history" if request.history else "type/_search" if request.search else "type"
    if request.compartment_type is not None:
        return "compartment/_search" if request.search else "compartment"
    if request.version_id is not None:
        return "version"
    return "instance/_history" if request.history else "instance"

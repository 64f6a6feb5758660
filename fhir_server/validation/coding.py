"""Codings and quantities: whether a code is one of its own code system, whatever it is bound to.

https://hl7.org/fhir/R4/datatypes-definitions.html#Coding.code: "a symbol in syntax defined by the system"
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from fhir_server.definitions.registry import Definitions
from fhir_server.resource import Resource
from fhir_server.validation.profile.focus import step

_CODED = frozenset(("Coding", "Quantity", "Age", "Count", "Distance", "Duration"))


class Coded(NamedTuple):
    system: str
    code: str
    at: str


def codings(definitions: Definitions, resource: Resource, at: str) -> Iterator[Coded]:
    """Every Coding and Quantity of a resource that has both; those of contained resources and entries too."""
    type_ = resource.get("resourceType")
    if isinstance(type_, str) and type_ in definitions.resource_types:
        yield from _walk(definitions, resource, type_, at)


def _walk(definitions: Definitions, value: dict[str, Any], type_: str, at: str) -> Iterator[Coded]:
    if type_ in _CODED:
        if "system" in value and "code" in value:
            yield Coded(value["system"], value["code"], at)
        return
    properties = definitions.type(type_).properties
    for name, child in value.items():
        many = type(child) is list
        if not many and type(child) is not dict:
            continue
        found = properties.get(name)
        if found is None:
            continue
        place = step(at, found[0].name)
        for index, one in enumerate(child if many else (child,)):
            if type(one) is dict:
                here = f"{place}[{index}]" if many else place
                if found[1] == "Resource":
                    yield from codings(definitions, one, here)
                else:
                    yield from _walk(definitions, one, found[1], here)

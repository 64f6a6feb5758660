"""value[x]: one of the types, and once.

https://hl7.org/fhir/R4/formats.html#choice
"""

from collections.abc import Iterator

from fhir_server.definitions.types import Element, TypeDefinition
from fhir_server.outcome import Issue


def properties(definition: TypeDefinition, element: Element) -> frozenset[str]:
    """The JSON properties of a choice element, `_valueString` among them."""
    names = [name for name, (found, _) in definition.properties.items() if found is element]
    return frozenset(names) | frozenset(f"_{name}" for name in names)


def issues(element: Element, names: list[str], at: str) -> Iterator[Issue]:
    """`names`: those of the element's properties that are there."""
    distinct = sorted({name.removeprefix("_") for name in names})
    if len(distinct) > 1:
        found = " and ".join(distinct)
        text = f"{at}: found {found}, {element.name}[x] has one type at a time"
        yield Issue("error", "structure", text, at)

"""`_x`: id and extensions of the primitive element `x`.

https://hl7.org/fhir/R4/json.html#primitive
"""

from collections.abc import Iterator
from typing import Any

from fhir_server.definitions.types import Element, TypeDefinition
from fhir_server.outcome import Issue
from fhir_server.validation.primitive import PRIMITIVES


def owner(definition: TypeDefinition, name: str) -> tuple[Element, str] | None:
    """The primitive property whose companion is called `name`; None: no property has such a companion."""
    if not name.startswith("_"):
        return None
    found = definition.properties.get(name[1:])
    if found is None or found[1] not in PRIMITIVES or found[1] == "xhtml":
        return None
    # attributes in XML: they have no room for extensions
    if name == "_id" or (definition.name == "Extension" and name == "_url"):
        return None
    return found


def pairs(values: list[Any], companions: list[Any], at: str) -> Iterator[Issue]:
    """The rules for `given` beside `_given`, one entry for one entry."""
    if len(values) != len(companions):
        text = (
            f"{at}: found {len(values)} values and {len(companions)} companions (_{at.rpartition('.')[2]}), "
            "needs as many of both; null fills the gaps"
        )
        yield Issue("error", "structure", text, at)
        return
    for index, (value, companion) in enumerate(zip(values, companions, strict=True)):
        if value is None and companion is None:
            place = f"{at}[{index}]"
            yield Issue("error", "structure", f"{place}: found null, needs a value or an extension", place)

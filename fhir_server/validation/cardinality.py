"""min..max of an element.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.min
"""

from collections.abc import Iterator

from fhir_server.definitions.types import Element
from fhir_server.outcome import Issue


def issues(element: Element, count: int, at: str) -> Iterator[Issue]:
    if count < element.min:
        text = f"{at}: found {count}, needs at least {element.min}"
        yield Issue("error", "required", text, at)
    elif element.max is not None and count > element.max:
        text = f"{at}: found {count}, allows at most {element.max}"
        yield Issue("error", "structure", text, at)

"""The values that a rule looks at: elements of a resource with their type and place."""

from collections.abc import Callable
from typing import Any, NamedTuple

from fhir_server.definitions.registry import Definitions
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.parser import KEYWORDS


class Focus(NamedTuple):
    value: Any  # None: a primitive that has extensions and no value
    beside: dict[str, Any] | None  # `_x`, id and extensions of a primitive
    type: str  # of a resource its own, of a backbone element its path
    at: str  # FHIRPath

    def item(self) -> Any:
        """For FHIRPath, an expression on items of this type."""
        return self.value if self.beside is None else Item(self.value, self.type, self.beside)


Select = Callable[[Focus], list[Focus]]


def step(at: str, name: str) -> str:
    """The path of an element; a name that is a word of FHIRPath stands in backticks."""
    return f"{at}.`{name}`" if name in KEYWORDS else f"{at}.{name}"


def select(definitions: Definitions, parent: str, name: str) -> Select | None:
    """How to get the occurrences of the element `name` (`value` for value[x]); None: the type has no such."""
    described = definitions.type(parent)
    if described.kind == "primitive":
        return _of_primitive(definitions, name)
    properties = [
        (key, f"_{key}", type_, element.many)
        for key, (element, type_) in described.properties.items()
        if element.name == name
    ]
    if not properties:
        return None
    suffix = step("", name)
    if len(properties) > 1 or not properties[0][3]:
        return _one_of(definitions, [(key, beside, type_) for key, beside, type_, _ in properties], suffix)
    key, beside, type_, _ = properties[0]
    resources = _is_abstract(definitions, type_)

    def many(focus: Focus) -> list[Focus]:
        values, companions = focus.value.get(key), focus.value.get(beside)
        if values is None and companions is None:
            return []
        at = focus.at + suffix
        if companions is None:
            return [
                Focus(value, None, value["resourceType"] if resources else type_, f"{at}[{index}]")
                for index, value in enumerate(values)
            ]
        values = values or [None] * len(companions)
        return [
            Focus(value, companions[index] if index < len(companions) else None, type_, f"{at}[{index}]")
            for index, value in enumerate(values)
        ]

    return many


def _one_of(definitions: Definitions, properties: list[tuple[str, str, str]], suffix: str) -> Select:
    if len(properties) == 1 and _is_abstract(definitions, properties[0][2]):
        ((key, _, _),) = properties
        return lambda focus: (
            [Focus(found, None, found["resourceType"], focus.at + suffix)]
            if (found := focus.value.get(key)) is not None
            else []
        )

    def one(focus: Focus) -> list[Focus]:
        value = focus.value
        for key, beside, type_ in properties:
            if key in value or beside in value:
                return [Focus(value.get(key), value.get(beside), type_, focus.at + suffix)]
        return []

    return one


def _of_primitive(definitions: Definitions, name: str) -> Select | None:
    """`id` and `extension` of a primitive stand beside it."""
    if name not in ("id", "extension"):
        return None
    of_element = select(definitions, "Element", name)
    assert of_element is not None
    return lambda focus: (
        [] if focus.beside is None else of_element(Focus(focus.beside, None, "Element", focus.at))
    )


def _is_abstract(definitions: Definitions, type_: str) -> bool:
    described = definitions.type(type_)
    return described.kind == "resource" and described.abstract

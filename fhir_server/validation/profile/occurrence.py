"""The values of an element: how they are got out of what holds them.

https://hl7.org/fhir/R4/json.html
"""

from collections.abc import Callable
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.parser import KEYWORDS
from fhir_server.validation.profile.finding import Beside

Occurrence = tuple[Any, Beside, str, int | None]
"""(value, what stands beside it, type, place in its array); place None: the element is no array"""

Select = Callable[[Any, Beside], list[Occurrence]]
"""Of a value, and of what stands beside it"""


def item(value: Any, beside: Beside, type_: str) -> Any:
    """For FHIRPath, an expression on items of this type."""
    return value if beside is None else Item(value, type_, beside)


def place(occurrence: Occurrence) -> str:
    """`[0]`, as in FHIRPath."""
    return "" if occurrence[3] is None else f"[{occurrence[3]}]"


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
    if len(properties) > 1 or not properties[0][3]:
        return _one_of(definitions, [(key, beside, type_) for key, beside, type_, _ in properties])
    key, beside, type_, _ = properties[0]
    resources = _is_abstract(definitions, type_)

    def many(value: Any, _: Beside) -> list[Occurrence]:
        values, companions = value.get(key), value.get(beside)
        if companions is None:
            if values is None:
                return []
            return [
                (one, None, one["resourceType"] if resources else type_, index)
                for index, one in enumerate(values)
            ]
        values = values or [None] * len(companions)
        return [
            (one, companions[index] if index < len(companions) else None, type_, index)
            for index, one in enumerate(values)
        ]

    return many


def single(definitions: Definitions, parent: str, name: str) -> tuple[str, str, str] | None:
    """(property, the one beside it, type) of an element that is no array, no choice and no resource."""
    described = definitions.type(parent)
    found = None if described.kind == "primitive" else described.properties.get(name)
    if found is None or found[0].many or found[0].choice or _is_abstract(definitions, found[1]):
        return None
    return name, f"_{name}", found[1]


def _one_of(definitions: Definitions, properties: list[tuple[str, str, str]]) -> Select:
    if len(properties) == 1:
        ((key, beside, type_),) = properties
        if _is_abstract(definitions, type_):
            return lambda value, _: (
                [(found, None, found["resourceType"], None)] if (found := value.get(key)) is not None else []
            )
        return lambda value, _: (
            [(value.get(key), value.get(beside), type_, None)] if key in value or beside in value else []
        )

    def one(value: Any, _: Beside) -> list[Occurrence]:
        for key, beside, type_ in properties:
            if key in value or beside in value:
                return [(value.get(key), value.get(beside), type_, None)]
        return []

    return one


def _of_primitive(definitions: Definitions, name: str) -> Select | None:
    """`id` and `extension` of a primitive stand beside it."""
    if name not in ("id", "extension"):
        return None
    of_element = select(definitions, "Element", name)
    assert of_element is not None
    return lambda value, beside: [] if beside is None else of_element(beside, None)


def _is_abstract(definitions: Definitions, type_: str) -> bool:
    described = definitions.type(type_)
    return described.kind == "resource" and described.abstract

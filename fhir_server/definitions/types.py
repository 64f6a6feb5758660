"""What is known of a type: its elements, their types and bindings, its constraints.

https://hl7.org/fhir/R4/elementdefinition.html, https://hl7.org/fhir/R4/searchparameter.html

Everything here is frozen and read from the tables that `build.py` makes. The records are structs and not
dataclasses because they decode straight from the bytes of the tables.
"""

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

TypeKind = Literal["primitive", "complex", "backbone", "resource"]
BindingStrength = Literal["required", "extensible", "preferred", "example"]
SearchParameterType = Literal[
    "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"
]


class Constraint(Struct, frozen=True, array_like=True):
    key: str
    severity: Literal["error", "warning"]
    human: str
    expression: str


class Binding(Struct, frozen=True, array_like=True):
    strength: BindingStrength
    value_set: str | None  # canonical without its version; None: described in words only


class Element(Struct, frozen=True, array_like=True):
    name: str  # `value` for value[x]
    # type codes; a backbone element has the type of its path, `Patient.contact`
    types: tuple[str, ...]
    min: int
    max: int | None  # None: `*`
    many: bool  # a JSON array
    choice: bool
    summary: bool
    modifier: bool
    binding: Binding | None
    targets: tuple[str, ...]  # types that a Reference or canonical may point to; (): any
    constraints: tuple[Constraint, ...]  # of this element, beyond those of its type


@dataclass(frozen=True, slots=True, eq=False)
class TypeDefinition:
    name: str
    kind: TypeKind
    base: str | None  # None: Element and Resource
    abstract: bool
    elements: dict[str, Element]  # by name, in their order, inherited ones included
    # by JSON property: `valueQuantity` -> (value[x], "Quantity"); `_birthDate` forms are not listed
    properties: dict[str, tuple[Element, str]]
    constraints: tuple[Constraint, ...]  # own and inherited
    # regex that the whole text of a primitive matches, `\s` meaning ASCII white space only (re.ASCII: else a
    # full-width space would not fit `string`); None: no rule
    pattern: str | None


class SearchParameter(Struct, frozen=True, array_like=True):
    code: str
    url: str
    type: SearchParameterType
    base: tuple[str, ...]
    expression: str | None  # None: the server gives it its meaning (`_text`, `_filter`)
    targets: tuple[str, ...]
    components: tuple[tuple[str, str], ...]  # of a composite: (url of a parameter, expression)
    multiple_or: bool
    multiple_and: bool
    comparators: tuple[str, ...]
    modifiers: tuple[str, ...]
    chains: tuple[str, ...]
    description: str
    xpath_usage: str | None


class Operation(Struct, frozen=True, array_like=True):
    code: str  # without the `$`
    url: str
    resource_types: tuple[str, ...]
    system: bool
    type: bool
    instance: bool
    affects_state: bool

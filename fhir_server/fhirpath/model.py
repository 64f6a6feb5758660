"""What the compiler asks of the definitions.

https://hl7.org/fhirpath/N1/#models, https://hl7.org/fhir/R4/fhirpath.html#types

Types of FHIR are named as in the definitions (`Patient`, `Patient.contact`), System types `System.Boolean`.
"""

from collections.abc import Hashable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, Protocol

from fhir_server.definitions.types import Element, TypeDefinition
from fhir_server.fhirpath.items import UNKNOWN, Long
from fhir_server.fhirpath.moments import Moment
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.resource import ExactDecimal

Category = Literal["boolean", "string", "number", "date", "time", "quantity", "complex"]
"""Values of different categories are never equal; within one, comparing needs no further look at types."""

SYSTEM_TYPES: dict[str, Category] = {
    "System.Boolean": "boolean",
    "System.String": "string",
    "System.Integer": "number",
    "System.Long": "number",
    "System.Decimal": "number",
    "System.Date": "date",
    "System.DateTime": "date",
    "System.Time": "time",
    "System.Quantity": "quantity",
}
_PRIMITIVES: dict[str, Category] = {
    "boolean": "boolean",
    "integer": "number",
    "decimal": "number",
    "date": "date",
    "dateTime": "date",
    "instant": "date",
    "time": "time",
}
_SYSTEM_TYPE_OF: dict[type, str] = {
    bool: "System.Boolean",
    str: "System.String",
    int: "System.Integer",
    Long: "System.Long",
    Decimal: "System.Decimal",
    ExactDecimal: "System.Decimal",
    float: "System.Decimal",
    Quantity: "System.Quantity",
}
SAME_IN_FHIR = {
    "System.Boolean": "boolean",
    "System.String": "string",
    "System.Integer": "integer",
    "System.Long": "integer64",  # of R5; R4 has no such type
    "System.Decimal": "decimal",
    "System.Date": "date",
    "System.DateTime": "dateTime",
    "System.Time": "time",
    "System.Quantity": "Quantity",
}
SYSTEM_ANY = "System.Any"


# answers kept per question; names come from clients too
_CACHE_SIZE = 10_000


class Definitions(Protocol):
    """The part of `fhir_server.definitions.registry.Definitions` that expressions need."""

    def has_type(self, name: str) -> bool: ...
    def type(self, name: str) -> TypeDefinition: ...
    def is_a(self, name: str, ancestor: str) -> bool: ...


class Model:
    """The definitions, with answers kept."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self._keys: dict[tuple[Hashable, str], object] = {}
        kept = lru_cache(_CACHE_SIZE)
        self.has_type = kept(definitions.has_type)
        self.is_a = kept(self._is_a)
        self.category = kept(self._category)
        self.kind = kept(self._kind)
        self.child_types = kept(self._child_types)

    def key(self, node: Hashable, resource_type: str) -> object:
        """One object for equal parts of expressions on one type of resource: what scopes keep them by."""
        if len(self._keys) > _CACHE_SIZE:
            self._keys.clear()  # clients bring expressions without end
        return self._keys.setdefault((node, resource_type), object())

    def _is_a(self, name: str, ancestor: str) -> bool:
        """Whether an item of type `name` is one of type `ancestor`."""
        if name == ancestor or (name, ancestor) == ("System.Quantity", "Quantity"):
            return True  # FHIR's Quantity stands in the way of naming System's without its namespace
        if name.startswith("System.") or ancestor.startswith("System."):
            return ancestor == SYSTEM_ANY and name.startswith("System.")
        return self.has_type(name) and self.definitions.is_a(name, ancestor)

    def _kind(self, name: str) -> Literal["system", "primitive", "complex", "resource", "unknown"]:
        if name in SYSTEM_TYPES:
            return "system"
        if not self.has_type(name):
            return "unknown"
        kind = self.definitions.type(name).kind
        return "complex" if kind == "backbone" else kind

    def _category(self, name: str) -> Category:
        if name in SYSTEM_TYPES:
            return SYSTEM_TYPES[name]
        if self.kind(name) == "primitive":
            return next((found for base, found in _PRIMITIVES.items() if self.is_a(name, base)), "string")
        return "quantity" if self.is_a(name, "Quantity") else "complex"

    def is_primitive(self, name: str) -> bool:
        return self.kind(name) == "primitive"

    def is_abstract_resource(self, name: str) -> bool:
        """Whether only the item itself, by its resourceType, says which type it has."""
        return self.kind(name) == "resource" and self.definitions.type(name).abstract

    def element(self, type_name: str, name: str) -> Element | None:
        if type_name in SYSTEM_TYPES or not self.has_type(type_name):
            return None
        return self.definitions.type(type_name).elements.get(name)

    def choices(self, type_name: str, element: Element) -> tuple[tuple[str, str], ...]:
        """(JSON property, type) of each type that a choice element may have."""
        properties = self.definitions.type(type_name).properties
        return tuple((key, type_) for key, (found, type_) in properties.items() if found.name == element.name)

    def properties(self, type_name: str) -> dict[str, tuple[Element, str]]:
        if type_name in SYSTEM_TYPES or not self.has_type(type_name):
            return {}
        return self.definitions.type(type_name).properties

    def _child_types(self, type_name: str) -> dict[str, str]:
        """The type by JSON property, without those whose type only the item itself tells."""
        properties = self.properties(type_name)
        return {key: type_ for key, (_, type_) in properties.items() if not self.is_abstract_resource(type_)}

    def guess_type(self, value: Any) -> str:
        """The type of a value that comes without one: that of the resource, or a System type."""
        if isinstance(value, dict):
            found = value.get("resourceType")
            return found if isinstance(found, str) and self.has_type(found) else UNKNOWN
        if isinstance(value, Moment):
            return f"System.{value.kind}"
        return _SYSTEM_TYPE_OF.get(type(value), UNKNOWN)

    def type_of(self, value: Any, declared: str) -> str:
        """The type of a value where `declared` may be an abstract resource type."""
        if isinstance(value, dict) and self.is_abstract_resource(declared):
            found = value.get("resourceType")
            return found if isinstance(found, str) and self.has_type(found) else declared
        return declared

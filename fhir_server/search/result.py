"""Parameters that say which results come, in which order and how much of them.

https://hl7.org/fhir/R4/search.html#return
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from fhir_server.definitions.registry import Definitions
from fhir_server.outcome import bad_value, not_supported
from fhir_server.search.columns import Parameter
from fhir_server.search.filter import Filters
from fhir_server.suggestion import choices

Total = Literal["none", "estimate", "accurate"]
Contained = Literal["false", "true", "both"]
ContainedType = Literal["container", "contained"]
Summary = Literal["true", "text", "data", "count", "false"]

ANY = "*"


@dataclass(frozen=True, slots=True)
class Include:
    """`_include` or `_revinclude`: `source`:`parameter`[:`target`]."""

    source: str | None  # None: any type
    parameters: Callable[[str], tuple[Parameter, ...]]  # those that are followed from resources of a type
    target: str | None  # None: of any type
    iterate: bool
    reverse: bool


def page_size(value: str, limit: int) -> int:
    """`_count`; larger ones are cut to `limit`."""
    if not value.isascii() or not value.isdigit():
        raise bad_value(f"_count is {value!r}, it must be a whole number that is not negative")
    return min(int(value[:18]), limit)


def total(value: str) -> Total:
    match value:
        case "none" | "estimate" | "accurate":
            return value
        case _:
            raise bad_value(f"_total is {value!r}, it can be none, estimate or accurate")


def summary(value: str) -> Summary:
    match value:
        case "true" | "text" | "data" | "count" | "false":
            return value
        case _:
            raise bad_value(f"_summary is {value!r}, it can be true, text, data, count or false")


def contained(value: str) -> Contained:
    """https://hl7.org/fhir/R4/search.html#contained"""
    match value:
        case "false" | "true" | "both":
            return value
        case _:
            raise bad_value(f"_contained is {value!r}, it can be false, true or both")


def contained_type(value: str) -> ContainedType:
    match value:
        case "container" | "contained":
            return value
        case _:
            raise bad_value(f"_containedType is {value!r}, it can be container or contained")


def explain(value: str) -> bool:
    if value not in ("true", "false"):
        raise bad_value(f"_explain is {value!r}, it can be true or false")
    return value == "true"


def elements(value: str, resource_types: Sequence[str], definitions: Definitions) -> tuple[str, ...]:
    """`_elements=identifier,Patient.active`: names of elements at the root of the resources."""
    found = []
    for name in value.split(","):
        resource_type, dot, element = name.strip().rpartition(".")
        types = [each for each in resource_types if not dot or each == resource_type]
        known = {each for one in types for each in definitions.type(one).elements}
        if not types or element not in known:
            raise bad_value(f"_elements names {name!r}, which is not an element{choices(element, known)}")
        found.append(element)
    return tuple(found)


def include(name: str, value: str, filters: Filters, definitions: Definitions) -> Include:
    """`_include=Observation:subject:Patient`, `_include=Observation:*`, `_revinclude:iterate=*`.

    https://hl7.org/fhir/R4/search.html#include
    """
    code, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise not_supported(f":{modifier} is not a modifier of {code}; there is :iterate")
    iterate, reverse = bool(modifier), code == "_revinclude"
    if value == ANY:
        return Include(None, filters.references, None, iterate, reverse)
    parts = value.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise bad_value(f"{code}={value!r} is not written Type:parameter, Type:parameter:Target, Type:* or *")
    source, parameter, *rest = parts
    for each in (source, *rest):
        if each not in definitions.resource_types:
            near = choices(each, definitions.resource_types)
            raise bad_value(f"{code}={value!r}: {each!r} is not a resource type{near}")
    followed = filters.references(source)
    if parameter != ANY:
        followed = tuple(each for each in followed if each.code == parameter)
    if not followed:
        known = {each.code for each in filters.references(source)}
        near = choices(parameter, known)
        raise bad_value(f"{code}={value!r}: {source} has no reference parameter {parameter!r}{near}")
    return Include(
        source, lambda each: followed if each == source else (), rest[0] if rest else None, iterate, reverse
    )

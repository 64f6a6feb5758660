"""`_sort`: search parameters as sort keys.

https://hl7.org/fhir/R4/search.html#sort

Quantities go by their canonical units; codes by their text, not by system; identifiers, telephone numbers and
other exact tokens by their value. `near` is the distance from the place that the same search names.
"""

from collections.abc import Sequence

from fhir_server.outcome import bad_value, not_supported
from fhir_server.search import near, quantity
from fhir_server.search.column import Column
from fhir_server.search.columns import Parameter
from fhir_server.search.filter import Filters
from fhir_server.search.token import SORTABLE
from fhir_server.search.types import TYPES
from fhir_server.store.algebra import SortKey


def sort_keys(
    value: str, resource_types: Sequence[str], filters: Filters, areas: Sequence[near.Area] = ()
) -> tuple[SortKey, ...]:
    """`status,-date`; areas: what `near` parameters of the same search name."""
    parts = value.split(",")
    if not all(part.removeprefix("-") for part in parts):
        raise bad_value(f"_sort={value!r} has an empty parameter")
    return tuple(_sort_key(part, resource_types, filters, areas) for part in parts)


def _sort_key(
    text: str, resource_types: Sequence[str], filters: Filters, areas: Sequence[near.Area]
) -> SortKey:
    descending = text.startswith("-")
    code = text.removeprefix("-")
    match code:
        case "_id":
            return SortKey("id", descending=descending)
        case "_lastUpdated":
            return SortKey("updated", descending=descending)
    if ":" in code or "." in code or not filters.known(resource_types, code):
        raise not_supported(f"_sort by {code!r}: {filters.unknown(resource_types, code)}")
    parameters = [filters.parameter(each, code) for each in resource_types]
    columns = [column for parameter in parameters for column in _columns(parameter)]
    kinds = {TYPES[column.type].kind for column in columns}
    if len(kinds) != 1:
        raise not_supported(f"_sort by {code!r}: values of different kinds have no one order")
    names = tuple(dict.fromkeys(_name(column) for column in columns))
    match kinds.pop():
        case "position":
            return _by_distance(names, areas, descending)
        case "token" if not all(_has_lexicon(column) for column in columns):
            return SortKey("text", names, descending)
        case kind:
            return SortKey(kind, names, descending)


def _columns(parameter: Parameter) -> tuple[Column, ...]:
    if not parameter.columns:
        kind = "composite" if parameter.composites else "text"
        raise not_supported(f"_sort by {parameter.code!r}: a {kind} parameter has no value to sort by")
    return parameter.columns


def _name(column: Column) -> str:
    return column.name + quantity.CANONICAL if column.type == "quantity" else column.name


def _has_lexicon(column: Column) -> bool:
    return column.type == "uri" or SORTABLE.issuperset(column.value_types)


def _by_distance(names: tuple[str, ...], areas: Sequence[near.Area], descending: bool) -> SortKey:
    if not areas:
        raise not_supported(
            "_sort by 'near' is by the distance from a place, near=latitude|longitude must name it"
        )
    places = tuple(dict.fromkeys((area.latitude, area.longitude) for area in areas))
    return SortKey("distance", names, descending, places)

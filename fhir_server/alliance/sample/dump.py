"""From a typed resource of `fhir.resources` to the plain JSON that the server works with.

`model_dump_json` of the library walks a model through pydantic's serialiser, 0.2 to 0.8 ms a resource; the
sample has many thousands. Here only what was set is looked at, and what repeats is written once: a tenth of
the time. A test holds it to the library's own output.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from fhir_server.resource import Resource

Typed = TypeVar("Typed")

_shared: dict[int, tuple[Any, dict[str, Any]]] = {}
"""By identity of a typed element, itself, so that it stays, and its JSON."""


@cache
def _places(kind: Any) -> dict[str, tuple[int, str]]:
    """By attribute, its place in the order of the specification and its JSON property."""
    names = kind.get_alias_mapping()
    found: dict[str, tuple[int, str]] = {}
    for element in kind.elements_sequence():
        found[names[element]] = len(found), element
        found[f"{names[element]}__ext"] = len(found), f"_{element}"
    return found


def shared(typed: Typed) -> Typed:
    """`typed`, which will stand in many resources: its JSON is made now, once, and kept."""
    _shared[id(typed)] = typed, _written(typed)
    return typed


def plain(typed: Any) -> Resource:
    """The JSON of a `fhir.resources` resource, as a plain dict in the order of the specification."""
    return {"resourceType": typed.get_resource_type()} | _written(typed)


def _element(typed: Any) -> dict[str, Any]:
    known = _shared.get(id(typed))
    return _written(typed) if known is None else known[1]


def _written(typed: Any) -> dict[str, Any]:
    kind: Any = type(typed)
    places = _places(kind)
    found = [
        (*places[attribute], _value(value))
        for attribute in typed.model_fields_set
        if (value := getattr(typed, attribute)) is not None
    ]
    found.sort()
    return {element: value for _, element, value in found}


def _value(value: Any) -> Any:
    write = _WRITERS.get(type(value))
    return _element(value) if write is None else write(value)


def _list(values: list[Any]) -> list[Any]:
    return [_value(value) for value in values]


def _same(value: Any) -> Any:
    return value


def _moment(value: datetime) -> str:
    text = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


_WRITERS: dict[type, Callable[[Any], Any]] = {
    str: _same,
    bool: _same,
    int: _same,
    Decimal: _same,
    type(None): _same,  # holds the place of a value in a list beside its extension
    list: _list,
    datetime: _moment,
    date: date.isoformat,
    time: time.isoformat,
}

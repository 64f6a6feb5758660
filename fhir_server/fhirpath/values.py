"""Items as values of the System types, by what the compiler knows of their type.

https://hl7.org/fhir/R4/fhirpath.html#types: primitives of FHIR convert implicitly to the System type that
is theirs, and Quantity does too.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import quantity
from fhir_server.fhirpath.items import Item, Long, unwrap
from fhir_server.fhirpath.model import Category, Model
from fhir_server.fhirpath.moments import Moment, parse_moment, parse_time
from fhir_server.fhirpath.quantity import Quantity

ToSystem = Callable[[Any], Any]
"""An item -> str, bool, int, Decimal, Moment, Quantity or, for a type with children, the JSON object.

None: a primitive without a value.
"""


def to_system(model: Model, type_: str | None) -> ToSystem:
    return _of_any(model) if type_ is None else _BY_CATEGORY[model.category(type_)]


def _of_any(model: Model) -> ToSystem:
    def convert(item: Any) -> Any:
        return _BY_CATEGORY[category_of(model, item)](item.value)

    return convert


def category_of(model: Model, item: Item) -> Category:
    if item.type:
        return model.category(item.type)
    return _guess(item.value)


def category_of_value(value: Any) -> Category:
    """The category of a value that `to_system` gave."""
    match value:
        case Moment(kind="Time"):
            return "time"
        case Moment():
            return "date"
        case Quantity():
            return "quantity"
        case _:
            return _guess(value)


def _guess(value: Any) -> Category:
    match value:
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | Decimal() | float():
            return "number"
        case _:
            return "complex"


def _number(item: Any) -> Any:
    found = unwrap(item)
    # JSON decoded elsewhere may bring floats; their shortest text is the number that was meant
    return Decimal(repr(found)) if type(found) is float else found


def _date(item: Any) -> Any:
    found = unwrap(item)
    return parse_moment(found) or found if type(found) is str else found


def _time(item: Any) -> Any:
    found = unwrap(item)
    return parse_time(found) or found if type(found) is str else found


def _quantity(item: Any) -> Any:
    found = unwrap(item)
    return quantity.from_fhir(found) or found if type(found) is dict else found


_BY_CATEGORY: dict[Category, ToSystem] = {
    "boolean": unwrap,
    "string": unwrap,
    "number": _number,
    "date": _date,
    "time": _time,
    "quantity": _quantity,
    "complex": unwrap,
}


def to_json(value: Any) -> Any:
    """The JSON of a System value; the values of JSON are themselves."""
    if type(value) is Moment:
        return value.text
    if type(value) is Long:
        return int(value)
    if type(value) is Quantity:
        return quantity.to_fhir(value)
    return value


_FEW = 12  # objects


def key(value: Any) -> Any:
    """Something hashable that is equal for values that `=` calls equal, and for no others."""
    match value:
        case str():
            return value
        case bool():
            return bool, value
        case Moment():
            return value.kind == "Time", value.precision, value.low
        case Quantity():
            return Quantity, quantity.base(value)
        case dict():
            return frozenset((name, key(each)) for name, each in value.items())
        case list():
            return tuple(key(each) for each in value)
        case _:
            return value


def keys(convert: ToSystem, items: list[Any]) -> list[Any]:
    """The key of each item; a primitive without a value is equal to none but itself."""
    return [(id(item),) if (value := convert(item)) is None else key(value) for item in items]


def unique(convert: ToSystem, items: list[Any]) -> list[Any]:
    """The items without duplicates, in the order of their first appearance."""
    if len(items) < 2:
        return items
    if convert is unwrap and len(items) <= _FEW and all(type(item) is dict for item in items):
        # comparing a few objects is cheaper than hashing them
        return [item for index, item in enumerate(items) if item not in items[:index]]
    found: dict[Any, Any] = {}
    for each, item in zip(keys(convert, items), items, strict=True):
        found.setdefault(each, item)
    return list(found.values())


def text(value: Any) -> str | None:
    """The result of toString(); None: the value has none."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | Moment() | Quantity():
            return str(value)
        case Decimal():
            # an ExactDecimal keeps the text of the JSON
            return f"{value:f}"
        case _:
            return None

"""What collections hold.

An item is a raw JSON value as long as its type is known when the expression is compiled. It is an `Item`
where only the run knows the type (choice elements, children(), unions of several types), and for a primitive
with an `id` or extensions, which JSON keeps beside it (`_birthDate`,
https://hl7.org/fhir/R4/json.html#primitive). Values of the System types that JSON lacks are `Long`,
`Moment` (moments.py) and `Quantity` (quantity.py).
"""

from collections.abc import Iterable
from typing import Any, Final


class Long(int):
    """A whole number of 64 bits, which keeps apart from the Integers.

    https://hl7.org/fhirpath/#long. Ask whether int(value) is in a range: for a Long itself that is a search.
    """

    __slots__ = ()


INTEGER_RANGE: Final = range(-(2**31), 2**31)
LONG_RANGE: Final = range(-(2**63), 2**63)

UNKNOWN: Final = ""
"""The type of an item about which nothing is known; distinct from None, "only the run knows"."""


class Item:
    """A value with what JSON does not say of it. Not a dataclass: one is made per element of a choice."""

    __slots__ = ("element", "type", "value")

    def __init__(self, value: Any, type_: str, element: dict[str, Any] | None = None) -> None:
        self.value = value  # None: a primitive that has extensions and no value
        self.type = type_
        self.element = element  # `id` and `extension` of a primitive

    def __repr__(self) -> str:
        return f"Item({self.value!r}, {self.type!r}, {self.element!r})"


def unwrap(item: Any) -> Any:
    """The JSON value of an item; None: a primitive without a value."""
    return item.value if type(item) is Item else item


def primitive(value: Any, type_: str, element: Any) -> Any:
    """A primitive beside whose property stands `element`: None when there is neither."""
    if isinstance(element, dict):
        return Item(value, type_, element)
    return value


def primitives(values: Any, type_: str, elements: Any) -> list[Any]:
    """The items of a repeating primitive and of the list beside it, which has null where there is nothing."""
    if not isinstance(elements, list):
        return values or []
    values = values or []
    found: Iterable[Any] = (
        primitive(
            values[index] if index < len(values) else None,
            type_,
            elements[index] if index < len(elements) else None,
        )
        for index in range(max(len(values), len(elements)))
    )
    return [item for item in found if item is not None]

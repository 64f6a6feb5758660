"""`=`, `!=`, `~`, `!~`.

https://hl7.org/fhirpath/N1/#equality
"""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fhir_server.fhirpath import moments, quantity
from fhir_server.fhirpath.compiled import (
    ABSENT,
    BOOLEAN,
    Compiled,
    One,
    from_one,
)
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.moments import Moment
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import ToSystem, category_of_value, to_system

Compare = Callable[[Any, Any], bool | None]

_PLAIN = frozenset(("string", "boolean"))
_COMPARE_AS_THEY_STAND = frozenset((str, bool, int, Decimal, dict))


def equals(model: Model, left: Compiled, right: Compiled) -> Compiled:
    if (
        right.constant is not ABSENT
        and _is_plain(model, left)
        and model.category(right.type or "") == (model.category(left.type or ""))
    ):
        assert left.one is not None
        return _equals_constant(left.one, right.constant)
    return from_one(_pairwise(model, left, right, equal), BOOLEAN)


def not_equals(model: Model, left: Compiled, right: Compiled) -> Compiled:
    return _negated(equals(model, left, right))


def equivalent_to(model: Model, left: Compiled, right: Compiled) -> Compiled:
    convert, convert_right = to_system(model, left.type), to_system(model, right.type)
    run, run_right = left.run, right.run

    def one(this: Any, scope: Scope) -> bool:
        return equivalent_lists(
            [convert(item) for item in run(this, scope)],
            [convert_right(item) for item in run_right(this, scope)],
        )

    return from_one(one, BOOLEAN)


def not_equivalent_to(model: Model, left: Compiled, right: Compiled) -> Compiled:
    return _negated(equivalent_to(model, left, right))


def _negated(compiled: Compiled) -> Compiled:
    before = compiled.one
    assert before is not None

    def one(this: Any, scope: Scope) -> bool | None:
        found = before(this, scope)
        return None if found is None else not found

    return from_one(one, BOOLEAN)


def _is_plain(model: Model, compiled: Compiled) -> bool:
    """Whether it is at most one item whose JSON value compares as it stands."""
    return compiled.one is not None and compiled.type is not None and model.category(compiled.type) in _PLAIN


def _equals_constant(left: One, wanted: Any) -> Compiled:
    """`code = 'x'`: most of what constraints ask."""

    def one(this: Any, scope: Scope) -> bool | None:
        found = left(this, scope)
        if type(found) is Item:
            found = found.value
        return None if found is None else found == wanted

    return from_one(one, BOOLEAN)


def _pairwise(model: Model, left: Compiled, right: Compiled, compare: Compare) -> One:
    convert, convert_right = to_system(model, left.type), to_system(model, right.type)
    one, one_right = left.one, right.one
    if one is not None and one_right is not None:

        def of_one(this: Any, scope: Scope) -> bool | None:
            item = one(this, scope)
            if item is None:
                return None
            other = one_right(this, scope)
            return None if other is None else compare(convert(item), convert_right(other))

        return of_one
    run, run_right = left.run, right.run

    def of_many(this: Any, scope: Scope) -> bool | None:
        items = run(this, scope)
        if not items:
            return None
        others = run_right(this, scope)
        if not others:
            return None
        if len(items) != len(others):
            return False
        return _all_equal(items, others, convert, convert_right, compare)

    return of_many


def _all_equal(
    items: list[Any], others: list[Any], convert: ToSystem, convert_right: ToSystem, compare: Compare
) -> bool | None:
    answer: bool | None = True
    for item, other in zip(items, others, strict=True):
        found = compare(convert(item), convert_right(other))
        if found is False:
            return False
        if found is None:
            answer = None
    return answer


def equal(one: Any, other: Any) -> bool | None:
    """Whether two System values are equal; None: one has no value, or their precisions leave it open."""
    if type(one) is type(other) and type(one) in _COMPARE_AS_THEY_STAND:
        return bool(one == other)
    match one, other:
        case (None, _) | (_, None):
            return None
        case Moment(), Moment() if (one.kind == "Time") == (other.kind == "Time"):
            return moments.equal(one, other)
        case (Quantity() | int() | Decimal(), Quantity()) | (Quantity(), int() | Decimal()):
            if isinstance(one, bool) or isinstance(other, bool):
                return False
            return quantity.equal(as_quantity(one), as_quantity(other))
        case _:
            return category_of_value(one) == category_of_value(other) and bool(one == other)


def as_quantity(value: Any) -> Quantity:
    """Integers and Decimals convert implicitly, with the unit '1'."""
    return value if isinstance(value, Quantity) else Quantity(Decimal(value), "1")


def equivalent(one: Any, other: Any) -> bool:
    match one, other:
        case str(), str():
            return " ".join(one.lower().split()) == " ".join(other.lower().split())
        case Decimal(), int() | Decimal():
            return _equivalent_numbers(one, other)
        case int(), Decimal():
            return not isinstance(one, bool) and _equivalent_numbers(other, one)
        case Moment(), Moment():
            return (one.kind == "Time") == (other.kind == "Time") and moments.equivalent(one, other)
        case Quantity(), Quantity():
            return quantity.equivalent(one, other)
        case dict(), dict():
            return one.keys() == other.keys() and all(equivalent(one[name], other[name]) for name in one)
        case list(), list():
            return equivalent_lists(one, other)
        case _:
            return one is not None and equal(one, other) is True


def _equivalent_numbers(one: Decimal, other: Decimal | int) -> bool:
    """Rounded to the precision of the less precise operand; trailing zeroes do not count."""
    if isinstance(other, bool):
        return False
    places = min(_decimals(one), _decimals(Decimal(other)))
    unit = Decimal(1).scaleb(-places)
    return one.quantize(unit, ROUND_HALF_UP) == Decimal(other).quantize(unit, ROUND_HALF_UP)


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def equivalent_lists(items: list[Any], others: list[Any]) -> bool:
    """Whether each item of one has an equivalent of its own in the other, in whatever order."""
    if len(items) != len(others):
        return False
    left = list(others)
    for item in items:
        for index, other in enumerate(left):
            if equivalent(item, other):
                del left[index]
                break
        else:
            return False
    return True

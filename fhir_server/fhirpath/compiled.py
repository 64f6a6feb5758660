"""What an expression compiles to, and the ways to run it.

A `Compiled` always has `run`, which gives the collection. Where at most one item can come out it also has
`one`, which gives the item or None and saves a list; for Booleans that is three-valued logic as it stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import Item, Long, unwrap
from fhir_server.fhirpath.scope import Scope

Run = Callable[[Any, Scope], list[Any]]
"""(`$this`, scope) -> collection, which nobody changes: it may be a list of the resource itself."""

One = Callable[[Any, Scope], Any]
"""(`$this`, scope) -> the item, or None for the empty collection."""

Truth = Callable[[Any, Scope], bool | None]

BOOLEAN = "System.Boolean"
STRING = "System.String"
INTEGER = "System.Integer"
LONG = "System.Long"
DECIMAL = "System.Decimal"

ABSENT = object()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compiled:
    run: Run
    type: str | None  # of all items; None: every item is an `Item` that carries its type
    one: One | None = None  # None: more than one item can come out
    exists: Truth | None = None  # a cheaper way to tell than to run
    constant: Any = ABSENT  # the value of a literal
    this: bool = False  # it is `$this`


def _nothing(this: Any, scope: Scope) -> list[Any]:
    return []


def _none(this: Any, scope: Scope) -> None:
    return None


def _never(this: Any, scope: Scope) -> bool:
    return False


EMPTY = Compiled(_nothing, "System.Any", _none, _never, constant=None)
"""`{}`, and what is known when compiling to be empty."""


def is_empty(compiled: Compiled) -> bool:
    return compiled.run is _nothing


def from_one(one: One, type_: str | None, exists: Truth | None = None) -> Compiled:
    def run(this: Any, scope: Scope) -> list[Any]:
        item = one(this, scope)
        return [] if item is None else [item]

    return Compiled(run, type_, one, exists)


def constant(value: Any, type_: str) -> Compiled:
    alone = [value]
    return Compiled(
        lambda this, scope: alone,
        type_,
        lambda this, scope: value,
        lambda this, scope: True,
        constant=value,
    )


def singleton(compiled: Compiled, at: int, what: str) -> One:
    """The only item; several are an error.

    https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
    """
    if compiled.one is not None:
        return compiled.one
    run = compiled.run

    def one(this: Any, scope: Scope) -> Any:
        items = run(this, scope)
        if not items:
            return None
        if len(items) > 1:
            raise FhirPathError(f"{what}: found {len(items)} items, wanted one", at)
        return items[0]

    return one


def truth(compiled: Compiled, at: int, what: str) -> Truth:
    """The Boolean of an operand or criterion; a single item that is no Boolean counts as true.

    https://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
    """
    one = singleton(compiled, at, what)
    if compiled.type == BOOLEAN:
        return one

    def test(this: Any, scope: Scope) -> bool | None:
        item = one(this, scope)
        if type(item) is Item and item.value is not None:
            item = item.value
        return item if item is None or item is False else True

    return test


def existence(compiled: Compiled) -> Callable[[Any, Scope], bool]:
    if compiled.exists is not None:
        return compiled.exists  # type: ignore[return-value]
    if compiled.one is not None:
        one = compiled.one
        return lambda this, scope: one(this, scope) is not None
    run = compiled.run
    return lambda this, scope: bool(run(this, scope))


def value(compiled: Compiled, at: int, what: str) -> One:
    """The JSON value of the only item; None: no item, or a primitive without a value."""
    one = singleton(compiled, at, what)
    if compiled.constant is not ABSENT or (compiled.type or "").startswith("System."):
        return one
    return lambda this, scope: unwrap(one(this, scope))


def typed_value(compiled: Compiled, kind: type[T], at: int, what: str) -> Callable[[Any, Scope], T | None]:
    """The value of the only item, which has to be a `kind`."""
    found = value(compiled, at, what)

    def one(this: Any, scope: Scope) -> T | None:
        item = found(this, scope)
        if item is None or type(item) is kind:
            return item
        raise FhirPathError(f"{what}: {describe(item)} is not {_KINDS[kind]}", at)

    return one


_KINDS: dict[type, str] = {str: "a String", int: "an Integer", bool: "a Boolean"}


def describe(item: Any) -> str:
    """An item in an error message: its kind, never its content, which may be a patient's."""
    match unwrap(item):
        case bool():
            return "a Boolean"
        case Long():
            return "a Long"
        case int():
            return "an Integer"
        case str():
            return "a String"
        case dict() | list():
            return "an element with children"
        case None:
            return "an element without a value"
        case other:
            return f"a {type(other).__name__}"

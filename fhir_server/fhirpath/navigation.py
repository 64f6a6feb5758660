"""Steps along the elements of a type.

https://hl7.org/fhirpath/N1/#path-selection, https://hl7.org/fhir/R4/fhirpath.html#polymorphism

Where the type of the focus is known, a step is a closure around a dict lookup, with one shape per
(what comes in) x (what comes out). Where only the run knows it, `_dynamic` keeps one fetch per type met.
"""

from collections.abc import Callable
from typing import Any

from fhir_server.fhirpath.compiled import EMPTY, Compiled, One, Run, from_one
from fhir_server.fhirpath.errors import FhirPathError
from fhir_server.fhirpath.items import UNKNOWN, Item, primitive, primitives
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.scope import Scope
from fhir_server.suggestion import nearest

Fetch = Callable[[Any], list[Any]]
"""A JSON object -> the items of one of its elements."""

_NO_ELEMENT: dict[str, Any] = {}


def step(model: Model, focus: Compiled, name: str, wanted: str | None = None) -> Compiled | None:
    """The element `name` of each item; None: the type of the focus has no such element.

    wanted: of a choice element only values of this type or a subtype; None: of any type.
    """
    if focus.type is None or model.is_abstract_resource(focus.type) or focus.type == UNKNOWN:
        known = model.element(focus.type, name) if focus.type else None
        if known is None or known.choice:
            return _dynamic(model, focus, name)
    if focus.type is not None and model.is_primitive(focus.type):
        return _of_primitive(model, focus, name)
    element = model.element(focus.type or "", name)
    if element is None or focus.type is None:
        return None
    if element.choice:
        choices = model.choices(focus.type, element)
        if wanted is not None:
            choices = tuple(each for each in choices if model.is_a(each[1], wanted))
        return _choice(model, focus, choices, element.many)
    return _plain(model, focus, name, element.types[0], element.many)


def unknown_element(model: Model, type_: str, name: str, at: int) -> FhirPathError:
    near = nearest(name, [element.name for element, _ in model.properties(type_).values()])
    problem = f"{type_} has no element {name!r}" + (f", did you mean {near[0]!r}?" if near else "")
    return FhirPathError(problem, at)


def _plain(model: Model, focus: Compiled, name: str, type_: str, many: bool) -> Compiled:
    if model.is_primitive(type_):
        return (_primitive_many if many else _primitive_one)(focus, name, type_)
    return (_complex_many if many else _complex_one)(focus, name, type_)


def _complex_one(focus: Compiled, name: str, type_: str) -> Compiled:
    if focus.this:

        def of_this(this: Any, scope: Scope) -> Any:
            return this.get(name)

        return from_one(of_this, type_, lambda this, scope: name in this)
    if focus.one is not None:
        before = focus.one

        def of_one(this: Any, scope: Scope) -> Any:
            item = before(this, scope)
            return None if item is None else item.get(name)

        return from_one(of_one, type_)
    run = focus.run

    def of_many(this: Any, scope: Scope) -> list[Any]:
        return [found for item in run(this, scope) if (found := item.get(name)) is not None]

    return Compiled(of_many, type_)


def _complex_many(focus: Compiled, name: str, type_: str) -> Compiled:
    if focus.this:

        def of_this(this: Any, scope: Scope) -> list[Any]:
            return this.get(name) or []

        return Compiled(of_this, type_, exists=lambda this, scope: name in this)
    if focus.one is not None:
        before = focus.one

        def of_one(this: Any, scope: Scope) -> list[Any]:
            item = before(this, scope)
            return [] if item is None else item.get(name) or []

        return Compiled(of_one, type_)
    run = focus.run

    def of_many(this: Any, scope: Scope) -> list[Any]:
        found: list[Any] = []
        for item in run(this, scope):
            if values := item.get(name):
                found += values
        return found

    return Compiled(of_many, type_)


def _primitive_one(focus: Compiled, name: str, type_: str) -> Compiled:
    beside = "_" + name

    def fetch(item: Any) -> Any:
        return primitive(item.get(name), type_, item[beside]) if beside in item else item.get(name)

    if focus.this:

        def of_this(this: Any, scope: Scope) -> Any:
            return fetch(this) if beside in this else this.get(name)

        return from_one(of_this, type_, lambda this, scope: name in this or beside in this)
    if focus.one is not None:
        before = focus.one

        def of_one(this: Any, scope: Scope) -> Any:
            item = before(this, scope)
            if item is None:
                return None
            return fetch(item) if beside in item else item.get(name)

        return from_one(of_one, type_)
    run = focus.run

    def of_many(this: Any, scope: Scope) -> list[Any]:
        return [
            found
            for item in run(this, scope)
            if (found := fetch(item) if beside in item else item.get(name)) is not None
        ]

    return Compiled(of_many, type_)


def _primitive_many(focus: Compiled, name: str, type_: str) -> Compiled:
    beside = "_" + name

    def fetch(item: Any) -> list[Any]:
        if beside in item:
            return primitives(item.get(name), type_, item[beside])
        return item.get(name) or []

    return _fetched(focus, fetch, type_)


def _fetched(focus: Compiled, fetch: Fetch, type_: str | None) -> Compiled:
    if focus.this:
        return Compiled(lambda this, scope: fetch(this), type_)
    if focus.one is not None:
        before = focus.one

        def of_one(this: Any, scope: Scope) -> list[Any]:
            item = before(this, scope)
            return [] if item is None else fetch(item)

        return Compiled(of_one, type_)
    run = focus.run

    def of_many(this: Any, scope: Scope) -> list[Any]:
        found: list[Any] = []
        for item in run(this, scope):
            found += fetch(item)
        return found

    return Compiled(of_many, type_)


def _choice(model: Model, focus: Compiled, choices: tuple[tuple[str, str], ...], many: bool) -> Compiled:
    if not choices:
        return EMPTY
    if len(choices) == 1:
        ((key, type_),) = choices
        return _plain(model, focus, key, type_, many)
    fetch = _fetch_choice(model, choices)
    if focus.this:
        return from_one(lambda this, scope: fetch(this), None, _any_of(model, choices))
    if focus.one is not None:
        before = focus.one

        def of_one(this: Any, scope: Scope) -> Any:
            item = before(this, scope)
            return None if item is None else fetch(item)

        return from_one(of_one, None)
    run = focus.run

    def of_many(this: Any, scope: Scope) -> list[Any]:
        return [found for item in run(this, scope) if (found := fetch(item)) is not None]

    return Compiled(of_many, None)


def _keys(model: Model, choices: tuple[tuple[str, str], ...]) -> dict[str, tuple[str, str]]:
    """By property, also the one beside a primitive: (property of the value, type)."""
    keys = {key: (key, type_) for key, type_ in choices}
    beside = {"_" + key: (key, type_) for key, type_ in choices if model.is_primitive(type_)}
    return keys | beside


def _any_of(model: Model, choices: tuple[tuple[str, str], ...]) -> Callable[[Any, Scope], bool]:
    nothing_of = frozenset(_keys(model, choices)).isdisjoint
    return lambda this, scope: not nothing_of(this)


def _fetch_choice(model: Model, choices: tuple[tuple[str, str], ...]) -> Callable[[Any], Item | None]:
    keys = _keys(model, choices)
    nothing_of = frozenset(keys).isdisjoint
    count = len(choices)

    def fetch(item: Any) -> Item | None:
        # whichever is shorter, the object or the choice
        if len(item) > count:
            for key, type_ in choices:
                if key in item:
                    return Item(item[key], type_, item.get("_" + key))
            if nothing_of(item):
                return None
        for key in item:
            if key in keys:
                key, type_ = keys[key]
                return Item(item.get(key), type_, item.get("_" + key))
        return None

    return fetch


def _of_primitive(model: Model, focus: Compiled, name: str) -> Compiled | None:
    """`id` and `extension` of a primitive, which only an `Item` can have."""
    if name == "extension":
        return _fetched(focus, _extensions, "Extension")
    if name == "id":
        return _fetched(focus, _ids, "string")
    return None


def _extensions(item: Any) -> list[Any]:
    return ((item.element or _NO_ELEMENT).get("extension") or []) if type(item) is Item else []


def _ids(item: Any) -> list[Any]:
    found = (item.element or _NO_ELEMENT).get("id") if type(item) is Item else None
    return [] if found is None else [found]


def _dynamic(model: Model, focus: Compiled, name: str) -> Compiled:
    fetches: dict[str, Fetch] = {}
    declared = focus.type or UNKNOWN

    of_primitives = name in ("id", "extension")

    def fetch(item: Any) -> list[Any]:
        if type(item) is Item:
            type_, value = item.type, item.value
            if type(value) is not dict and not of_primitives:
                return []
        else:
            type_, value = model.type_of(item, declared), item
        found = fetches.get(type_)
        if found is None:
            found = fetches[type_] = fetch_items(model, type_, name)
        return found(value if isinstance(value, dict) else item)

    return _fetched(focus, fetch, None)


def fetch_items(model: Model, type_: str, name: str) -> Fetch:
    """A value of type `type_` -> the `Item`s of its element `name`."""
    if type_ == UNKNOWN:
        return _guess(model, name)
    if model.is_abstract_resource(type_) and model.element(type_, name) is None:
        # a resource whose type no definition describes
        return lambda value: []
    found = step(model, Compiled(_as_is, type_, _itself, this=True), name)
    if found is None:
        return lambda value: []
    run, found_type = found.run, found.type
    if found_type is None:
        return lambda value: run(value, _NO_SCOPE)
    return lambda value: as_items(model, run(value, _NO_SCOPE), found_type)


def _as_is(this: Any, scope: Scope) -> list[Any]:
    return [this]


def _itself(this: Any, scope: Scope) -> Any:
    return this


_NO_SCOPE = Scope()


def as_items(model: Model, items: list[Any], type_: str) -> list[Any]:
    """Items of a known type in the form where each carries its own."""
    if model.is_abstract_resource(type_):
        return [Item(item, model.type_of(item, type_)) for item in items]
    return [item if type(item) is Item else Item(item, type_) for item in items]


def dynamic(model: Model, compiled: Compiled) -> Compiled:
    """The same collection, each item with its type."""
    if compiled.type is None:
        return compiled
    type_ = compiled.type
    run: Run = compiled.run
    one: One | None = None
    if compiled.one is not None:
        found_one = compiled.one

        def one(this: Any, scope: Scope) -> Any:
            item = found_one(this, scope)
            return None if item is None else as_items(model, [item], type_)[0]

    return Compiled(lambda this, scope: as_items(model, run(this, scope), type_), None, one, compiled.exists)


def _guess(model: Model, name: str) -> Fetch:
    """The property of an object that no definition describes."""

    def fetch(value: Any) -> list[Any]:
        found = value.get(name) if isinstance(value, dict) else None
        if found is None:
            return []
        several = found if isinstance(found, list) else [found]
        return [Item(each, model.guess_type(each)) for each in several]

    return fetch

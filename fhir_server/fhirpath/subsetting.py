"""`[index]`, single(), first(), last(), tail(), skip(), take(), intersect(), exclude().

https://hl7.org/fhirpath/N1/#subsetting
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import ABSENT, Compiled, from_one, is_empty, singleton, typed_value
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import keys, to_system, unique


def item_at(focus: Compiled, index: Compiled, at: int) -> Compiled:
    run = focus.run
    if type(index.constant) is int and index.constant is not ABSENT:
        fixed: int = index.constant

        def at_fixed(this: Any, scope: Scope) -> Any:
            items = run(this, scope)
            return items[fixed] if len(items) > fixed else None

        return from_one(at_fixed, focus.type)
    number = typed_value(index, int, at, "[]")

    def one(this: Any, scope: Scope) -> Any:
        found, items = number(this, scope), run(this, scope)
        return items[found] if found is not None and 0 <= found < len(items) else None

    return from_one(one, focus.type)


def _single(call: Call) -> Compiled:
    return from_one(singleton(call.focus, call.at, call.name), call.focus.type)


def _first(call: Call) -> Compiled:
    if call.focus.one is not None:
        return call.focus
    run = call.focus.run

    def one(this: Any, scope: Scope) -> Any:
        items = run(this, scope)
        return items[0] if items else None

    return from_one(one, call.focus.type)


def _last(call: Call) -> Compiled:
    run = call.focus.run

    def one(this: Any, scope: Scope) -> Any:
        items = run(this, scope)
        return items[-1] if items else None

    return from_one(one, call.focus.type)


def _tail(call: Call) -> Compiled:
    run = call.focus.run
    return Compiled(lambda this, scope: run(this, scope)[1:], call.focus.type)


def _skip(call: Call) -> Compiled:
    run, number = call.focus.run, call.integer(0)
    return Compiled(lambda this, scope: run(this, scope)[max(0, number(this, scope) or 0) :], call.focus.type)


def _take(call: Call) -> Compiled:
    run, number = call.focus.run, call.integer(0)
    return Compiled(lambda this, scope: run(this, scope)[: max(0, number(this, scope) or 0)], call.focus.type)


def _kept(call: Call, *, common: bool) -> Compiled:
    """Items that the other collection has (common) or lacks."""
    if is_empty(call.focus):
        return call.focus
    other = call.argument(0)
    convert, convert_other = to_system(call.model, call.focus.type), to_system(call.model, other.type)
    run, run_other = call.focus.run, other.run

    def many(this: Any, scope: Scope) -> list[Any]:
        items = run(this, scope)
        others = set(keys(convert_other, run_other(this, scope)))
        found = zip(items, keys(convert, items), strict=True)
        kept = [item for item, key in found if (key in others) is common]
        # intersect() drops duplicates, exclude() does not
        return unique(convert, kept) if common else kept

    return Compiled(many, call.focus.type)


FUNCTIONS = {
    "single": Function(_single),
    "first": Function(_first),
    "last": Function(_last),
    "tail": Function(_tail),
    "skip": Function(_skip, 1, 1),
    "take": Function(_take, 1, 1),
    "intersect": Function(lambda call: _kept(call, common=True), 1, 1),
    "exclude": Function(lambda call: _kept(call, common=False), 1, 1),
}

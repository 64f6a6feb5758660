"""empty(), exists(), all(), allTrue() …, subsetOf(), supersetOf(), count(), distinct(), isDistinct().

https://hl7.org/fhirpath/N1/#existence
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import BOOLEAN, INTEGER, Compiled, existence, from_one
from fhir_server.fhirpath.items import unwrap
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import keys, to_system, unique


def _empty(call: Call) -> Compiled:
    exists = existence(call.focus)
    return from_one(lambda this, scope: not exists(this, scope), BOOLEAN)


def _exists(call: Call) -> Compiled:
    if call.count == 0:
        return from_one(existence(call.focus), BOOLEAN)
    criteria, walk, run = call.criteria(0), call.walk(0), call.focus.run

    def one(this: Any, scope: Scope) -> bool:
        items = run(this, scope)
        if walk is None:
            return any(criteria(item, scope) for item in items)
        # all of them, so that the walk can put `$index` back
        return any([criteria(item, scope) for item in walk(items, scope)])

    return from_one(one, BOOLEAN)


def _all(call: Call) -> Compiled:
    """Whether the criteria is true of every item: also when there is none."""
    criteria, walk, run = call.criteria(0), call.walk(0), call.focus.run

    def one(this: Any, scope: Scope) -> bool:
        items = run(this, scope)
        if walk is None:
            return all(criteria(item, scope) for item in items)
        return all([criteria(item, scope) for item in walk(items, scope)])

    return from_one(one, BOOLEAN)


def _booleans(call: Call, wanted: bool, *, every: bool) -> Compiled:
    run, at = call.focus.run, call
    quantify = all if every else any

    def one(this: Any, scope: Scope) -> bool:
        values = [unwrap(item) for item in run(this, scope)]
        if any(type(value) is not bool for value in values):
            raise at.error("not all items are Booleans")
        return quantify(value is wanted for value in values)

    return from_one(one, BOOLEAN)


def _count(call: Call) -> Compiled:
    if call.focus.one is not None:
        before = call.focus.one
        return from_one(lambda this, scope: 0 if before(this, scope) is None else 1, INTEGER)
    run = call.focus.run
    return from_one(lambda this, scope: len(run(this, scope)), INTEGER)


def _distinct(call: Call) -> Compiled:
    convert, run = to_system(call.model, call.focus.type), call.focus.run
    return Compiled(lambda this, scope: unique(convert, run(this, scope)), call.focus.type, call.focus.one)


def _is_distinct(call: Call) -> Compiled:
    convert, run = to_system(call.model, call.focus.type), call.focus.run

    def one(this: Any, scope: Scope) -> bool:
        items = run(this, scope)
        return len(items) < 2 or len(set(keys(convert, items))) == len(items)

    return from_one(one, BOOLEAN)


def _contained(call: Call, *, focus_in_other: bool) -> Compiled:
    other = call.argument(0)
    convert, convert_other = to_system(call.model, call.focus.type), to_system(call.model, other.type)
    run, run_other = call.focus.run, other.run

    def one(this: Any, scope: Scope) -> bool:
        items, others = (
            set(keys(convert, run(this, scope))),
            set(keys(convert_other, run_other(this, scope))),
        )
        return items <= others if focus_in_other else others <= items

    return from_one(one, BOOLEAN)


FUNCTIONS = {
    "empty": Function(_empty),
    "exists": Function(_exists, 0, 1),
    "all": Function(_all, 1, 1),
    "allTrue": Function(lambda call: _booleans(call, True, every=True)),
    "anyTrue": Function(lambda call: _booleans(call, True, every=False)),
    "allFalse": Function(lambda call: _booleans(call, False, every=True)),
    "anyFalse": Function(lambda call: _booleans(call, False, every=False)),
    "subsetOf": Function(lambda call: _contained(call, focus_in_other=True), 1, 1),
    "supersetOf": Function(lambda call: _contained(call, focus_in_other=False), 1, 1),
    "count": Function(_count),
    "distinct": Function(_distinct),
    "isDistinct": Function(_is_distinct),
}

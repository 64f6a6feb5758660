"""`and`, `or`, `xor`, `implies`, not(): three-valued logic, None standing for the empty collection.

https://hl7.org/fhirpath/N1/#boolean-logic
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import BOOLEAN, Compiled, Truth, from_one, truth
from fhir_server.fhirpath.scope import Scope


def conjunction(left: Truth, right: Truth) -> Compiled:
    def one(this: Any, scope: Scope) -> bool | None:
        first = left(this, scope)
        if first is False:
            return False
        second = right(this, scope)
        if second is False:
            return False
        return True if first and second else None

    return from_one(one, BOOLEAN)


def disjunction(left: Truth, right: Truth) -> Compiled:
    def one(this: Any, scope: Scope) -> bool | None:
        first = left(this, scope)
        if first:
            return True
        second = right(this, scope)
        if second:
            return True
        return None if first is None or second is None else False

    return from_one(one, BOOLEAN)


def exclusive(left: Truth, right: Truth) -> Compiled:
    def one(this: Any, scope: Scope) -> bool | None:
        first, second = left(this, scope), right(this, scope)
        return None if first is None or second is None else first is not second

    return from_one(one, BOOLEAN)


def implication(left: Truth, right: Truth) -> Compiled:
    def one(this: Any, scope: Scope) -> bool | None:
        first = left(this, scope)
        if first is False:
            return True
        second = right(this, scope)
        if first or second:
            return second
        return None

    return from_one(one, BOOLEAN)


OPERATORS = {"and": conjunction, "or": disjunction, "xor": exclusive, "implies": implication}


def _not(call: Call) -> Compiled:
    before = truth(call.focus, call.at, call.name)

    def one(this: Any, scope: Scope) -> bool | None:
        found = before(this, scope)
        return None if found is None else not found

    return from_one(one, BOOLEAN)


FUNCTIONS = {"not": Function(_not)}

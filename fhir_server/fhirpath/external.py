"""memberOf(), conformsTo(): answered by functions that are handed in with the scope.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import BOOLEAN, Compiled, from_one
from fhir_server.fhirpath.items import unwrap
from fhir_server.fhirpath.navigation import dynamic
from fhir_server.fhirpath.scope import Scope


def _member_of(call: Call) -> Compiled:
    focus, value_set = dynamic(call.model, call.focus), call.string(0)
    run = focus.run

    def one(this: Any, scope: Scope) -> bool | None:
        if scope.member_of is None:
            raise call.error("there is no terminology to ask")
        items, canonical = run(this, scope), value_set(this, scope)
        if len(items) != 1 or canonical is None or items[0].value is None:
            return None
        return scope.member_of(items[0].type, items[0].value, canonical)

    return from_one(one, BOOLEAN)


def _conforms_to(call: Call) -> Compiled:
    focus, profile = call.focus_one(), call.string(0)

    def one(this: Any, scope: Scope) -> bool | None:
        if scope.conforms_to is None:
            raise call.error("there is no validator to ask")
        item, canonical = focus(this, scope), profile(this, scope)
        if item is None or canonical is None:
            return None
        return scope.conforms_to(unwrap(item), canonical)

    return from_one(one, BOOLEAN)


FUNCTIONS = {"memberOf": Function(_member_of, 1, 1), "conformsTo": Function(_conforms_to, 1, 1)}

"""union(), combine().

https://hl7.org/fhirpath/N1/#combining; the second argument of combine() is of https://hl7.org/fhirpath/#combining
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.collections import of_one_type, union
from fhir_server.fhirpath.compiled import Compiled
from fhir_server.fhirpath.scope import Scope, limit_size


def _union(call: Call) -> Compiled:
    return union(call.model, [call.focus, call.argument(0)])


def _combine(call: Call) -> Compiled:
    """One behind the other: the order is kept whether the second argument asks for that or not."""
    if call.count > 1:
        call.argument(1)  # has to be right in itself
    operands, type_ = of_one_type(call.model, [call.focus, call.argument(0)])
    runs, at = [operand.run for operand in operands], call.at

    def many(this: Any, scope: Scope) -> list[Any]:
        found = [item for run in runs for item in run(this, scope)]
        limit_size(len(found), at)
        return found

    return Compiled(many, type_)


FUNCTIONS = {"union": Function(_union, 1, 1), "combine": Function(_combine, 1, 2)}

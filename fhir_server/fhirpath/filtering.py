"""where(), select(), repeat(): ofType() is in types.py.

https://hl7.org/fhirpath/N1/#filtering-and-projection
"""

from typing import Any

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import EMPTY, Compiled, from_one, is_empty
from fhir_server.fhirpath.navigation import dynamic
from fhir_server.fhirpath.scope import Scope, limit_size
from fhir_server.fhirpath.values import keys, to_system


def _where(call: Call) -> Compiled:
    """Items whose criteria is true; false and empty drop out."""
    if is_empty(call.focus):
        return EMPTY
    if fused := _where_equals(call):
        return fused
    criteria, walk = call.criteria(0), call.walk(0)
    if call.focus.one is not None and walk is None:
        before = call.focus.one

        def one(this: Any, scope: Scope) -> Any:
            item = before(this, scope)
            return item if item is not None and criteria(item, scope) else None

        return from_one(one, call.focus.type)
    run = call.focus.run
    if walk is None:
        return Compiled(
            lambda this, scope: [item for item in run(this, scope) if criteria(item, scope)], call.focus.type
        )
    return Compiled(
        lambda this, scope: [item for item in walk(run(this, scope), scope) if criteria(item, scope)],
        call.focus.type,
    )


def _where_equals(call: Call) -> Compiled | None:
    """`where(system = 'phone')` on objects: no closure runs per item."""
    match call.node.arguments[0]:
        case ast.Binary("=", ast.Path(None, name), ast.String(wanted)):
            pass
        case _:
            return None
    type_ = call.focus.type
    element = call.model.element(type_, name) if type_ is not None else None
    if element is None or element.many or element.choice:
        return None
    if call.model.category(element.types[0]) != "string" or call.model.is_primitive(type_ or ""):
        return None
    run = call.focus.run
    return Compiled(
        lambda this, scope: [item for item in run(this, scope) if item.get(name) == wanted], type_
    )


def _select(call: Call) -> Compiled:
    """What the projection gives for each item, in one collection."""
    if is_empty(call.focus):
        return EMPTY
    projection, walk, at = call.each(0), call.walk(0), call.at
    run, project = call.focus.run, projection.run

    def many(this: Any, scope: Scope) -> list[Any]:
        items = run(this, scope)
        found: list[Any] = []
        for item in items if walk is None else walk(items, scope):
            found += project(item, scope)
        limit_size(len(found), at)
        return found

    return Compiled(many, projection.type)


def _repeat(call: Call, *, unique: bool = True) -> Compiled:
    """What the projection gives for each item, and for what it gave, as long as that is new.

    unique: False: and what it gave before, each time (https://hl7.org/fhirpath/#repeatallprojection-expression)
    """
    if is_empty(call.focus):
        return EMPTY
    focus = dynamic(call.model, call.focus)
    again = Call(call.node, focus, call.context, call.model, call.compile)
    projection, at = dynamic(call.model, again.each(0)), call.at
    convert = to_system(call.model, None)
    run, project = focus.run, projection.run

    def many(this: Any, scope: Scope) -> list[Any]:
        found: list[Any] = []
        seen: set[Any] = set()
        size = 0
        waiting = run(this, scope)
        while waiting:
            scope.visit(len(waiting), at)
            given = [each for item in waiting for each in project(item, scope)]
            waiting = []
            for each, each_key in zip(given, keys(convert, given), strict=True):
                if not unique or each_key not in seen:
                    seen.add(each_key)
                    waiting.append(each)
            found += waiting
            # texts can grow with every round
            size += len(waiting) + sum(len(each.value) for each in waiting if type(each.value) is str) // 64
            limit_size(size, at)
        return found

    return Compiled(many, None)


FUNCTIONS = {
    "where": Function(_where, 1, 1),
    "select": Function(_select, 1, 1),
    "repeat": Function(_repeat, 1, 1),
    "repeatAll": Function(lambda call: _repeat(call, unique=False), 1, 1),
}

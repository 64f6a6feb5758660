"""extension(), hasExtension(), hasValue(), getValue(): what FHIR adds for its primitives and extensions.

https://hl7.org/fhir/R4/fhirpath.html#functions
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import BOOLEAN, EMPTY, STRING, Compiled, from_one
from fhir_server.fhirpath.items import Item
from fhir_server.fhirpath.model import SYSTEM_TYPES, Model
from fhir_server.fhirpath.navigation import dynamic, step
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.scope import Scope
from fhir_server.fhirpath.values import to_system

_SYSTEM = {"boolean": BOOLEAN, "string": STRING, "time": "System.Time"}


def _extension(call: Call) -> Compiled:
    """The extensions with this url, of elements and of primitives."""
    extensions = step(call.model, call.focus, "extension")
    if extensions is None:
        return EMPTY
    run, url = extensions.run, call.string(0)
    fixed = call.argument(0).constant
    if extensions.type is None:

        def of_items(this: Any, scope: Scope) -> list[Any]:
            wanted = url(this, scope)
            return [
                item.value
                for item in run(this, scope)
                if wanted is not None and item.value.get("url") == wanted
            ]

        return Compiled(of_items, "Extension")
    if type(fixed) is str:
        return Compiled(
            lambda this, scope: [item for item in run(this, scope) if item.get("url") == fixed], "Extension"
        )

    def many(this: Any, scope: Scope) -> list[Any]:
        wanted = url(this, scope)
        return [item for item in run(this, scope) if wanted is not None and item.get("url") == wanted]

    return Compiled(many, "Extension")


def _has_extension(call: Call) -> Compiled:
    """Not in the specification, but in a search parameter of R4 (QuestionnaireResponse-item-subject)."""
    run = _extension(call).run
    return from_one(lambda this, scope: bool(run(this, scope)), BOOLEAN)


def _has_value(call: Call) -> Compiled:
    """Whether the collection is one primitive that has a value."""
    model, type_ = call.model, call.focus.type
    if type_ is not None and not _may_be_primitive(model, type_):
        return from_one(lambda this, scope: False, BOOLEAN)
    if call.focus.one is not None:
        before = call.focus.one

        def one(this: Any, scope: Scope) -> bool:
            item = before(this, scope)
            return item is not None and _is_value(item)

        return from_one(one, BOOLEAN)
    run = call.focus.run

    def many(this: Any, scope: Scope) -> bool:
        items = run(this, scope)
        return len(items) == 1 and _is_value(items[0])

    return from_one(many, BOOLEAN)


def _may_be_primitive(model: Model, type_: str) -> bool:
    return type_ in SYSTEM_TYPES or model.kind(type_) not in ("complex", "resource")


def _is_value(item: Any) -> bool:
    value = item.value if type(item) is Item else item
    return value is not None and not isinstance(value, dict | Quantity)


def _get_value(call: Call) -> Compiled:
    """The value of a primitive as one of System; empty for what has children."""
    model, run = call.model, dynamic(call.model, call.focus).run
    system = to_system(model, None)

    def one(this: Any, scope: Scope) -> Any:
        items = run(this, scope)
        if len(items) != 1 or not _is_value(items[0]):
            return None
        return Item(system(items[0]), _system_type(model, items[0]))

    return from_one(one, None)


def _system_type(model: Model, item: Item) -> str:
    category = model.category(item.type)
    if category == "number":
        return "System.Integer" if type(item.value) is int else "System.Decimal"
    if category == "date":
        return "System.Date" if item.type == "date" else "System.DateTime"
    return _SYSTEM.get(category, STRING)


FUNCTIONS = {
    "extension": Function(_extension, 1, 1),
    "hasExtension": Function(_has_extension, 1, 1),
    "hasValue": Function(_has_value),
    "getValue": Function(_get_value),
}

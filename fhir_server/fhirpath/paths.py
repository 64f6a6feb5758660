"""pathname(), and where the items of an expression stand in their resource.

https://hl7.org/fhirpath/#fn-pathname

Items are plain JSON and do not know where they are. Where that is asked, the expression runs on a copy of the
resource in which everything can be told apart: an object by itself, a primitive by the object beside it, the
`_birthDate` of a `birthDate`, which is made where there is none.
"""

from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import STRING, Compiled, typed_value
from fhir_server.fhirpath.items import UNKNOWN, Item, unwrap
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.scope import Scope

_Step = tuple[int | None, str, int | None]
"""(identity of the parent, name of the element, index; None: the element is no list)."""

_ELEMENT = "Element"  # what stands beside a primitive


class Located:
    """A resource that knows where everything in it is; objects that are handed out are its own copies."""

    def __init__(self, model: Model, resource: Any) -> None:
        self.given = resource
        self._model = model
        self._steps: dict[int, _Step] = {}
        self._originals: dict[int, Any] = {}
        self._copies: dict[int, Any] = {}
        self._kept: list[Any] = []  # identities stay those of these objects
        type_ = model.guess_type(resource)
        self.resource = self._copy(resource, type_)
        if isinstance(resource, dict):
            name = str(resource.get("resourceType", type_))
            self._steps[id(self.resource)] = (None, name, None)

    def adopt(self, value: Any) -> Any:
        """The copy of an object of the resource; of any other a copy that is nowhere."""
        if isinstance(value, list):
            return [self.adopt(each) for each in value]
        if not isinstance(value, dict):
            return value
        found = self._copies.get(id(value))
        return self._copy(value, self._model.guess_type(value)) if found is None else found

    def original(self, value: Any) -> Any:
        """What the copy was made of; any other value is itself."""
        return self._originals.get(id(value), value) if isinstance(value, dict) else value

    def original_item(self, item: Any) -> Any:
        if type(item) is Item:
            return Item(self.original(item.value), item.type, self.original(item.element))
        return self.original(item)

    def path(self, item: Any, *, short: bool = False) -> str | None:
        """`Patient.name[0].given[1]`; short: without the index of what is no list. None: it is nowhere."""
        value = unwrap(item)
        if not isinstance(value, dict):
            value = item.element if type(item) is Item else None
        at = self._steps.get(id(value))
        if at is None:
            return None
        steps: list[str] = []
        while True:
            parent, name, index = at
            if parent is None:
                return ".".join((name, *reversed(steps)))
            number = 0 if index is None and not short else index
            steps.append(name if number is None else f"{name}[{number}]")
            found = self._steps.get(parent)
            if found is None:
                return None
            at = found

    def _copy(self, value: Any, type_: str) -> Any:
        if not isinstance(value, dict):
            return value
        copy: dict[str, Any] = {}
        self._kept += (value, copy)
        self._originals[id(copy)], self._copies[id(value)] = value, copy
        known = self._model.properties(type_)
        for name in dict.fromkeys(key.removeprefix("_") for key in value):
            if name == "resourceType" and name in value:
                copy[name] = value[name]
                continue
            element, inner = known.get(name, (None, UNKNOWN))
            step = name if element is None else element.name
            self._child(copy, value, name, (step, inner))
        return copy

    def _child(self, copy: dict[str, Any], value: dict[str, Any], name: str, known: tuple[str, str]) -> None:
        """One element, and what stands beside it when it is a primitive."""
        found, beside, parent = value.get(name), value.get(f"_{name}"), id(copy)
        if isinstance(found, list) or isinstance(beside, list):
            items = found if isinstance(found, list) else []
            others = beside if isinstance(beside, list) else []
            pairs = [
                self._one(
                    items[index] if index < len(items) else None,
                    others[index] if index < len(others) else None,
                    known[1],
                    (parent, known[0], index),
                )
                for index in range(max(len(items), len(others)))
            ]
            if items:
                copy[name] = [item for item, _ in pairs]
            if any(other is not None for _, other in pairs):
                copy[f"_{name}"] = [other for _, other in pairs]
            return
        item, other = self._one(found, beside, known[1], (parent, known[0], None))
        if item is not None:
            copy[name] = item
        if other is not None:
            copy[f"_{name}"] = other

    def _one(self, item: Any, beside: Any, type_: str, step: _Step) -> tuple[Any, Any]:
        if isinstance(item, dict):
            inner = self._model.type_of(item, type_) if type_ else self._model.guess_type(item)
            copied = self._copy(item, inner)
            self._steps[id(copied)] = step
            return copied, beside
        other = self._copy(beside if isinstance(beside, dict) else {}, _ELEMENT)
        self._steps[id(other)] = step
        return item, other


def _pathname(call: Call) -> Compiled:
    """The path of each item of the resource; what was calculated, or comes from elsewhere, has none."""
    run = call.focus.run
    short = typed_value(call.argument(0), bool, call.at, call.name) if call.count else None

    def many(this: Any, scope: Scope) -> list[str]:
        located: Located | None = scope.located
        without = False if short is None else short(this, scope)
        if located is None or without is None:
            return []
        paths = (located.path(item, short=without) for item in run(this, scope))
        return [path for path in paths if path is not None]

    return Compiled(many, STRING)


FUNCTIONS = {"pathname": Function(_pathname, 0, 1)}

"""resolve(), and the type of a reference's target without resolving it.

https://hl7.org/fhir/R4/fhirpath.html#functions, https://hl7.org/fhir/R4/references.html
"""

import re
from collections.abc import Callable
from typing import Any

from fhir_server.fhirpath.call import Call, Function
from fhir_server.fhirpath.compiled import BOOLEAN, EMPTY, Compiled, from_one, is_empty, singleton
from fhir_server.fhirpath.items import unwrap
from fhir_server.fhirpath.model import Model
from fhir_server.fhirpath.scope import Scope

_TARGET = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)(?:/[A-Za-z0-9\-.]{1,64}(?:/_history/[^/]+)?|\?.*)(?:#.*)?$")


def reference_text(item: Any) -> str | None:
    """The URL of a Reference, or of a canonical or another uri."""
    value = unwrap(item)
    found = value.get("reference") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None


def target_type(text: str) -> str | None:
    """`Patient` for `Patient/1`, `http://x/fhir/Patient/1/_history/2`, `Patient?identifier=…`.

    None: the text does not say.
    """
    type_, slash, id_ = text.partition("/")
    if slash and type_[:1].isupper() and type_.isalpha() and "/" not in id_:
        return type_
    match = _TARGET.search(text)
    return match.group(1) if match else None


def resolved(item: Any, scope: Scope) -> dict[str, Any] | None:
    """The target: a contained resource, or what the function that was handed in finds."""
    text = reference_text(item)
    if text is None:
        return None
    if text.startswith("#"):
        return _contained(text[1:], scope)
    return None if scope.resolve is None else scope.resolve(text)


def _contained(id_: str, scope: Scope) -> dict[str, Any] | None:
    for container in (scope.root, scope.resource):
        if not isinstance(container, dict):
            continue
        if id_ == "":
            return container
        for resource in container.get("contained") or ():
            if isinstance(resource, dict) and resource.get("id") == id_:
                return resource
    return None


def _resolve(call: Call) -> Compiled:
    """The targets; a reference that leads nowhere gives nothing."""
    if is_empty(call.focus):
        return EMPTY
    run = call.focus.run

    def many(this: Any, scope: Scope) -> list[Any]:
        found = [resolved(item, scope) for item in run(this, scope)]
        return [resource for resource in found if resource is not None]

    return Compiled(many, "Resource")


def resolves_to(model: Model, focus: Compiled, wanted: str, at: int) -> Compiled:
    """`resolve() is Patient`, decided by the text of the reference wherever it names the type."""
    reference = singleton(focus, at, "is")
    is_wanted = _cached_is_a(model, wanted)

    def one(this: Any, scope: Scope) -> bool | None:
        item = reference(this, scope)
        if item is None:
            return None
        text = reference_text(item)
        found = None if text is None or text.startswith("#") else target_type(text)
        if found is None:
            found = _declared(item, text, scope)
        return None if found is None else is_wanted(found)

    return from_one(one, BOOLEAN)


def _declared(item: Any, text: str | None, scope: Scope) -> str | None:
    """The type of the target where the text does not name it: that of the resource, or Reference.type."""
    resource = resolved(item, scope)
    if resource is not None:
        found = resource.get("resourceType")
    else:
        value = unwrap(item)
        # a logical reference (an identifier without a target) does not resolve, whatever its type says
        found = value.get("type") if isinstance(value, dict) and text is not None else None
    return found if isinstance(found, str) else None


def _cached_is_a(model: Model, wanted: str) -> Callable[[str], bool]:
    return lambda found: model.is_a(found, wanted)


FUNCTIONS = {"resolve": Function(_resolve)}

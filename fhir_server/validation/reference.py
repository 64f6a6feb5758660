"""Reference.reference: the forms that a literal reference has, and the types it may point to.

https://hl7.org/fhir/R4/references.html#literal

Whether the target exists is not a matter of structure.
"""

import re
from collections.abc import Iterator
from typing import Any

from fhir_server.outcome import Issue
from fhir_server.suggestion import did_you_mean
from fhir_server.validation.primitive import Accept
from fhir_server.validation.scope import Scope, shown

_ID = r"[A-Za-z0-9\-.]{1,64}"
_id_and_version = re.compile(rf"{_ID}(?:/_history/{_ID})?", re.ASCII).fullmatch
_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+").fullmatch
_restful = re.compile(rf"https?://\S+/([A-Za-z]+)/{_ID}(?:/_history/{_ID})?", re.ASCII).fullmatch
_uuid = re.compile(r"urn:uuid:[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}").fullmatch
_oid = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_criteria = re.compile(r"([A-Za-z]+)\?\S+").fullmatch

WANTED = (
    "a reference: Type/id, Type/id/_history/version, an absolute URL, urn:uuid:…, urn:oid:… "
    "or #id of a contained resource"
)


def literal(resource_types: frozenset[str], targets: frozenset[str]) -> Accept:
    """Accepts the text of a reference to one of `targets`."""
    others = resource_types - targets

    def accepts(text: Any, scope: Scope) -> bool:
        if type(text) is not str:
            return False
        type_name, _, rest = text.partition("/")
        if type_name in targets:
            return _id_and_version(rest) is not None
        if text.startswith("urn:uuid:"):
            return _uuid(text) is not None
        return otherwise(text, scope)

    def otherwise(text: str, scope: Scope) -> bool:
        if text.startswith("#"):
            scope.fragments.append((text, ""))
            return True
        if found := _criteria(text):
            scope.criteria.append((text, ""))
            return found[1] in targets
        if found := _restful(text):
            return found[1] not in others
        return is_uri(text)

    return accepts


def is_uri(text: str) -> bool:
    """An absolute URI; those made of UUIDs and OIDs in their own form."""
    if text.startswith("urn:oid:"):
        return _oid(text) is not None
    if text.startswith("urn:uuid:"):
        return _uuid(text) is not None
    return _absolute(text) is not None


def issues(
    text: str, at: str, scope: Scope, resource_types: frozenset[str], targets: frozenset[str]
) -> Iterator[Issue]:
    """What is wrong with the text of a reference; what only the resource can judge goes to `scope`."""
    if text.startswith("#"):
        scope.fragments.append((text, at))
        return
    type_name = _type_name(text, resource_types)
    if type_name is None:
        if not is_uri(text):
            yield Issue("error", "value", f"{at}: {shown(text)} is not {WANTED}", at)
        return
    if type_name not in resource_types:
        hint = did_you_mean(type_name, resource_types)
        yield Issue("error", "value", f"{at}: {shown(text)} names no resource type of FHIR{hint}", at)
    elif type_name not in targets:
        wanted = ", ".join(sorted(targets))
        yield Issue("error", "value", f"{at}: {shown(text)} is a {type_name}, allowed are {wanted}", at)
    if _criteria(text):
        scope.criteria.append((text, at))


def _type_name(text: str, resource_types: frozenset[str]) -> str | None:
    """The resource type in a relative or RESTful reference; None: the text has neither form."""
    if found := _criteria(text):
        return found[1]
    if found := _restful(text):
        return found[1] if found[1] in resource_types else None
    type_name, slash, rest = text.partition("/")
    return type_name if slash and type_name.isalpha() and _id_and_version(rest) else None

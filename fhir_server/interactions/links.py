"""The links in a resource: what a transaction rewrites when the resources they lead to get their ids.

https://hl7.org/fhir/R4/http.html#trules

"Servers SHALL replace all matching links in the bundle, whether they are found in the resource ids, resource
references, elements of type uri, url, oid, uuid, and <a href="" & <img src="" in the narrative. Elements of
type canonical are not replaced."

Nor are uris that name a thing and lead nowhere: the `url` of a definition, which canonicals repeat, that of
an extension, and the `system` of codes and identifiers. A client may well use a canonical as a fullUrl.
"""

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Protocol

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Element
from fhir_server.resource import Resource


class Replace(Protocol):
    """Gives what takes the place of a link; the link itself, when nothing does."""

    def link(self, link: str) -> str:
        """For a uri, url, oid or uuid, and in the narrative."""

    def reference(self, link: str) -> str:
        """For `Reference.reference`."""


_Step = Callable[[Any, Replace], Any]
_Table = dict[str, _Step]

_LINKS = frozenset(("uri", "url", "oid", "uuid"))
_IN_NARRATIVE = re.compile(r"""(<(?:a|img)\s(?:[^<>]*?\s)?(?:href|src)\s*=\s*)("[^"<>]*"|'[^'<>]*')""")


class Links:
    """Walks resources along the elements that can hold links; what has no link to replace is not copied."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._tables: dict[str, _Table] = {}

    def replace(self, resource: Resource, replace: Replace) -> Resource:
        """`resource` with its links replaced; the same object when none was."""
        found: Resource = self._resource(resource, replace)
        return found

    def _resource(self, value: Any, replace: Replace) -> Any:
        name = value.get("resourceType") if type(value) is dict else None
        if type(name) is not str or name not in self._definitions.resource_types:
            return value
        return _fields(self._table(name))(value, replace)

    def _table(self, type_name: str) -> _Table:
        found = self._tables.get(type_name)
        if found is None:
            # there before its steps are: types refer to themselves
            found = self._tables[type_name] = {}
            for name, (element, each) in self._properties(type_name).items():
                step = self._step(type_name, name, each)
                if step is not None:
                    found[name] = self._many(step, each) if element.many else step
                # a primitive's extensions may hold links, whatever its type
                if self._definitions.type(each).kind == "primitive":
                    extensions = self._of_fields("Element")
                    found["_" + name] = self._many(extensions, "Element") if element.many else extensions
        return found

    def _properties(self, type_name: str) -> Mapping[str, tuple[Element, str]]:
        # a Bundle that is stored is a world of its own, maybe a signed one
        return {} if type_name == "Bundle" else self._definitions.type(type_name).properties

    def _step(self, holder: str, name: str, type_name: str) -> _Step | None:
        if (holder, name) == ("Reference", "reference"):
            return _reference
        if type_name in _LINKS:
            return None if self._is_name(holder, name) else _link
        if type_name == "xhtml":
            return _narrative
        if type_name == "Resource":
            return self._resource
        return self._of_fields(type_name) if self._leads_to_links(type_name, set()) else None

    def _leads_to_links(self, type_name: str, seen: set[str]) -> bool:
        if type_name in seen or self._definitions.type(type_name).kind == "primitive":
            return False
        seen.add(type_name)
        return any(
            (type_name, name) == ("Reference", "reference")
            or each in ("xhtml", "Resource")
            or (each in _LINKS and not self._is_name(type_name, name))
            or self._leads_to_links(each, seen)
            for name, (_, each) in self._properties(type_name).items()
        )

    def _is_name(self, holder: str, name: str) -> bool:
        of_url = holder == "Extension" or self._definitions.type(holder).kind == "resource"
        return name == "system" or (name == "url" and of_url)

    def _of_fields(self, type_name: str) -> _Step:
        return _fields(self._table(type_name))

    def _many(self, step: _Step, type_name: str) -> _Step:
        is_object = type_name != "Resource" and self._definitions.type(type_name).kind != "primitive"
        return _many(step, self._table(type_name).keys() if is_object else None)


@cache
def links(definitions: Definitions) -> Links:
    return Links(definitions)


def _fields(table: _Table) -> _Step:
    def fields(value: Any, replace: Replace) -> Any:
        # the structure was not checked yet: what is no object has no links
        if type(value) is not dict:
            return value
        changed = None
        for name in value:
            if name in table:
                part = value[name]
                new = table[name](part, replace)
                if new is not part:
                    changed = changed or dict(value)
                    changed[name] = new
        return changed or value

    return fields


def _many(step: _Step, names: AbstractSet[str] | None) -> _Step:
    """names: the properties in which an item can hold links, where it is an object; None: it may be none."""

    def steps(values: Any, replace: Replace) -> Any:
        if type(values) is not list:
            return values
        changed = None
        for index, value in enumerate(values):
            # most codings and extensions hold none: that costs no call
            if names is not None and type(value) is dict and names.isdisjoint(value):
                continue
            new = step(value, replace)
            if new is not value:
                changed = changed or list(values)
                changed[index] = new
        return changed or values

    return steps


def _link(value: Any, replace: Replace) -> Any:
    return replace.link(value) if type(value) is str else value


def _reference(value: Any, replace: Replace) -> Any:
    return replace.reference(value) if type(value) is str else value


def _narrative(value: Any, replace: Replace) -> Any:
    if type(value) is not str or ("href" not in value and "src" not in value):
        return value

    def attribute(match: re.Match[str]) -> str:
        quoted = match[2]
        found = replace.link(quoted[1:-1])
        return match[0] if found == quoted[1:-1] else f"{match[1]}{quoted[0]}{found}{quoted[0]}"

    new = _IN_NARRATIVE.sub(attribute, value)
    return value if new == value else new

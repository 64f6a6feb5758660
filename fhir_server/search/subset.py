"""Parts of resources: `_summary` and `_elements`.

https://hl7.org/fhir/R4/search.html#summary, https://hl7.org/fhir/R4/search.html#elements
"""

from typing import Any, Literal

from fhir_server.definitions.registry import Definitions
from fhir_server.resource import Resource

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
_ALWAYS = frozenset(("resourceType", "id", "meta"))


def subset(
    resource: Resource,
    definitions: Definitions,
    *,
    summary: Literal["true", "text", "data"] | None = None,
    elements: tuple[str, ...] = (),
) -> Resource:
    """What is asked for of `resource`, tagged as SUBSETTED. `elements` wins over `summary`."""
    resource_type = resource["resourceType"]
    if elements:
        wanted = frozenset(elements)
        found = _of_root(resource, definitions, wanted, modifiers=True)
    elif summary == "text":
        found = _of_root(resource, definitions, frozenset(("text",)), modifiers=False)
    elif summary == "data":
        found = {name: value for name, value in resource.items() if name != "text"}
    elif summary == "true":
        found = _summary(resource, resource_type, definitions)
    else:
        return resource
    return _tagged(found)


def _of_root(
    resource: Resource, definitions: Definitions, wanted: frozenset[str], *, modifiers: bool
) -> Resource:
    """The wanted elements with the mandatory ones, and those that modify the meaning of the others."""
    properties = definitions.type(resource["resourceType"]).properties

    def is_kept(name: str) -> bool:
        if name in _ALWAYS:
            return True
        found = properties.get(name.removeprefix("_"))
        if found is None:
            return False
        element = found[0]
        return element.name in wanted or element.min > 0 or (modifiers and element.modifier)

    return {name: value for name, value in resource.items() if is_kept(name)}


def _summary(value: Any, type_name: str, definitions: Definitions) -> Any:
    """The elements that are marked as part of the summary, at every depth; also what must not be left out."""
    definition = definitions.type(type_name)
    if definition.kind == "primitive" or type_name == "Extension" or not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, part in value.items():
        if name in _ALWAYS:
            found[name] = part
            continue
        element, part_type = definition.properties.get(name.removeprefix("_"), (None, ""))
        if element is None or not (element.summary or element.modifier or element.min):
            continue
        if name.startswith("_"):
            found[name] = part
        elif element.many:
            found[name] = [_summary_of(each, part_type, definitions) for each in part]
        else:
            found[name] = _summary_of(part, part_type, definitions)
    return found


def _summary_of(value: Any, type_name: str, definitions: Definitions) -> Any:
    if type_name == "Resource" and isinstance(value, dict):
        type_name = value["resourceType"]
    return _summary(value, type_name, definitions)


def _tagged(resource: Resource) -> Resource:
    meta = resource.get("meta", {})
    tags = meta.get("tag", [])
    if any(tag.get("code") == SUBSETTED["code"] for tag in tags):
        return resource
    tagged = {"resourceType": resource["resourceType"]}
    if "id" in resource:
        tagged["id"] = resource["id"]
    return (
        tagged
        | {"meta": meta | {"tag": [*tags, SUBSETTED]}}
        | {name: value for name, value in resource.items() if name not in _ALWAYS}
    )

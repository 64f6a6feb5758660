"""How much of a resource is shown: https://hl7.org/fhir/R4/search.html#summary, #elements"""

from collections.abc import Iterator
from typing import Any

from fhir_server.definitions.registry import Definitions
from tests.search.reference import Refused

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
SUMMARIES = ("true", "text", "data", "count", "false")
_ALWAYS = ("resourceType", "id", "meta")

Resource = dict[str, Any]


def check(definitions: Definitions, types: tuple[str, ...], name: str, value: str) -> None:
    if name == "_summary" and value not in SUMMARIES:
        raise Refused(f"{value} is no summary")
    for each in value.split(",") if name == "_elements" else ():
        of, _, element = each.rpartition(".")
        if not any(element in definitions.type(type_).elements for type_ in types if of in ("", type_)):
            raise Refused(f"{each} is no element")


def shown(definitions: Definitions, resource: Resource, summary: str, elements: list[str]) -> Resource:
    """elements: none: those that the summary says"""
    if elements:
        kept = {each.rpartition(".")[2] for each in elements}
        # "always including mandatory elements … and modifier elements"
        return _tagged(dict(_named(definitions, resource, kept, modifiers=True)))
    match summary:
        case "text":
            # "Return only the "text" element, the 'id' element, the 'meta' element, and only top-level
            # mandatory elements"
            return _tagged(dict(_named(definitions, resource, {"text"}, modifiers=False)))
        case "data":
            return _tagged({name: part for name, part in resource.items() if name != "text"})
        case "true":
            return _tagged(_summary(definitions, resource, "Resource"))
    return resource


def _named(
    definitions: Definitions, resource: Resource, kept: set[str], *, modifiers: bool
) -> Iterator[tuple[str, Any]]:
    properties = definitions.type(resource["resourceType"]).properties
    for name, part in resource.items():
        if name in _ALWAYS:
            yield name, part
            continue
        element, _ = properties[name.removeprefix("_")]
        if element.name in kept or element.min or (modifiers and element.modifier):
            yield name, part


def _summary(definitions: Definitions, value: Any, type_name: str) -> Any:
    """ "elements that are marked as "summary" in the base definition", and what cannot be left out."""
    if not isinstance(value, dict) or type_name == "Extension":
        return value
    properties = definitions.type(value["resourceType"] if type_name == "Resource" else type_name).properties
    found = {name: value[name] for name in _ALWAYS if name in value}
    for name, part in value.items():
        if name in _ALWAYS:
            continue
        element, below = properties[name.removeprefix("_")]
        if not (element.summary or element.min or element.modifier):
            continue
        if name.startswith("_") or not isinstance(part, list):
            found[name] = part if name.startswith("_") else _summary(definitions, part, below)
        else:
            found[name] = [_summary(definitions, each, below) for each in part]
    return found


def _tagged(resource: Resource) -> Resource:
    """ "Servers SHOULD mark resources … with the tag SUBSETTED\""""
    meta = dict(resource.get("meta", {}))
    tags = meta.get("tag", [])
    if SUBSETTED not in tags:
        meta["tag"] = [*tags, SUBSETTED]
    return resource | {"meta": meta}

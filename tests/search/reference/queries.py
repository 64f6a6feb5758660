"""`_query`: https://hl7.org/fhir/R4/search.html#query, and the extension that `docs/search.md` defines."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import unquote

from tests.search.reference import Refused
from tests.search.reference.world import World

CRITERIA = "https://alliance-fhir.example/fhir/StructureDefinition/query-criteria"

Pairs = list[tuple[str, str]]
Resource = dict[str, Any]

QUERIES: dict[str, tuple[str, Resource, dict[str, tuple[str, int, str]]]] = {
    "about": (
        "subject={who}&date=ge{since}&status=final,amended",
        {"resource": ["Observation"], "type": True, "system": False},
        {"who": ("subject", 1, "*"), "since": ("date", 0, "1")},
    ),
    "women": (
        "gender=female&name={name}",
        {"resource": ["Patient"], "type": True, "system": False},
        {"name": ("name", 0, "1")},
    ),
    "tagged": (
        "_tag={tag}",
        {"resource": ["Patient", "Observation"], "type": True, "system": True},
        {"tag": ("_tag", 0, "*")},
    ),
    "everywhere": ("_tag={tag}", {"type": False, "system": True}, {"tag": ("_tag", 1, "1")}),
    "unrunnable": ("", {"resource": ["Patient"], "type": True, "system": False}, {}),
}
"""Some to be asked. By name: criteria, where it is asked, its parameters: what they stand for, min, max."""


def definitions() -> Iterator[Resource]:
    for name, (criteria, where, parameters) in QUERIES.items():
        found: Resource = {"resourceType": "OperationDefinition", "id": name, "name": "Q", "code": name}
        found |= {"status": "active", "kind": "query", "instance": False} | where
        if criteria:
            found["extension"] = [{"url": CRITERIA, "valueString": criteria}]
        found["parameter"] = [
            {"name": each, "use": "in", "min": least, "max": most, "documentation": of, "type": "string"}
            for each, (of, least, most) in parameters.items()
        ]
        yield found


def expanded(world: World, types: tuple[str, ...], given: Iterable[tuple[str, str]]) -> Pairs:
    """The parameters of a question with the criteria of the query that they name. types: (): all"""
    pairs = list(given)
    asked = [value for name, value in pairs if name == "_query"]
    if not asked:
        return pairs
    if len(asked) > 1:
        raise Refused("one _query")
    query = _named(world, types, asked[0])
    parameters = {each["name"]: each for each in query.get("parameter", ())}
    rest = [(name, value) for name, value in pairs if name != "_query" and name not in parameters]
    values = {name: [value for other, value in pairs if other == name] for name in parameters}
    for name, each in parameters.items():
        if len(values[name]) < each["min"] or (each["max"] == "1" and len(values[name]) > 1):
            raise Refused(f"{name} is given {len(values[name])} times")
    return [*_filled(query, values), *rest]


def _named(world: World, types: tuple[str, ...], code: str) -> Any:
    for (type_name, _), definition in world.resources.items():
        if type_name != "OperationDefinition" or definition.get("kind") != "query":
            continue
        if definition["code"] != code or definition["status"] == "retired":
            continue
        is_for = definition["system"] and (not types or not definition["type"])
        is_for = is_for or (definition["type"] and types and set(types) <= set(definition["resource"]))
        if is_for and any(each["url"] == CRITERIA for each in definition.get("extension", ())):
            return definition
    raise Refused(f"no query {code}")


def _filled(query: Any, values: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """ "Criteria of parameters that were not given are left out." A parameter given twice means AND."""
    (criteria,) = (each["valueString"] for each in query["extension"] if each["url"] == CRITERIA)
    for each in criteria.split("&"):
        name, _, template = each.partition("=")
        places = re.findall(r"\{(.*?)\}", template)
        template = unquote(template)
        if not places:
            yield name, template
        (place,) = places or [""]
        for value in values.get(place, ()):
            yield name, template.replace(f"{{{place}}}", value)

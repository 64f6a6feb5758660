"""Definitions for the tests of operations, and a server that has the core under them."""

from dataclasses import replace
from typing import Any

from fhir_server.interactions.canonicals import StoredCanonicals
from fhir_server.interactions.sources import profiles
from fhir_server.resource import Resource
from fhir_server.store.layered import LayeredStore
from fhir_server.terminology.terminology import Terminology
from tests.interactions.fhir import Fhir, definitions
from tests.terminology.memory import URL, code_system, concept, value_set

ANIMALS = URL + "animals"
GENDER = "http://hl7.org/fhir/administrative-gender"

CHINESE = {
    "resourceType": "CodeSystem",
    "id": "chinese",
    "url": URL + "chinese",
    "status": "active",
    "content": "supplement",
    "supplements": ANIMALS,
    "concept": [
        {
            "code": "dog",
            "designation": [{"language": "zh-CN", "value": "狗"}, {"language": "de", "value": "Hund"}],
        },
        {"code": "cat", "designation": [{"language": "zh-CN", "value": "猫"}]},
        {"code": "plant", "property": [{"code": "status", "valueCode": "retired"}]},
    ],
}
"""Names for ANIMALS; and of plants it says that they are no longer used."""

DOGS = value_set(
    "dogs", {"system": ANIMALS, "filter": [{"property": "concept", "op": "is-a", "value": "dog"}]}
)
ALL = value_set("all", {"system": ANIMALS}, version="1")
GROUPED = code_system(
    "grouped",
    concept("group", concept("one"), property=[{"code": "notSelectable", "valueBoolean": True}]),
    version="2",
    language="en",
)


def with_core(fhir: Fhir, core: Any) -> None:
    """Put the definitions of R4 under the server's store."""
    main = fhir.context.store
    store = LayeredStore(main, (core,))  # type: ignore[arg-type]
    canonicals = StoredCanonicals(store, definitions(), (main, core))
    terminology = Terminology(canonicals, store.concepts)
    judged = profiles(store, definitions(), canonicals, terminology, fhir.context.settings)
    fhir.context = replace(fhir.context, store=store, terminology=terminology, profiles=judged)


def outs(resource: Resource | None) -> dict[str, Any]:
    """Out-parameters by name; the last of those with the same one."""
    assert resource is not None and resource["resourceType"] == "Parameters"
    found = {}
    for each in resource["parameter"]:
        value = next((each[name] for name in each if name.startswith("value")), None)
        found[each["name"]] = each.get("part") if value is None else value
    return found


def all_outs(resource: Resource | None, name: str) -> list[dict[str, Any]]:
    """The parts of each out-parameter with this name."""
    assert resource is not None
    return [
        outs({"resourceType": "Parameters", "parameter": each["part"]})
        for each in resource["parameter"]
        if each["name"] == name
    ]


def put(fhir: Fhir, *resources: Resource) -> None:
    for each in resources:
        fhir("PUT", f"{each['resourceType']}/{each['id']}", each)


def parameters(**values: Any) -> Resource:
    """A Parameters resource; `__` in names is `-`; values by their JSON type, or as (type, value)."""
    parts = []
    for name, value in values.items():
        for each in value if isinstance(value, list) else [value]:
            parts.append({"name": name.replace("__", "-")} | _value(each))
    return {"resourceType": "Parameters", "parameter": parts}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, tuple):
        return {f"value{value[0]}": value[1]}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, dict):
        return (
            {"resource": value}
            if "resourceType" in value
            else {"valueCoding" if "code" in value else "valueCodeableConcept": value}
        )
    return {"valueString": value}

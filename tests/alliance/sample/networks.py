"""The networks of the sample, each made once for all tests of a process, and what stands in resources."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from fhir_server.alliance import systems
from fhir_server.alliance.sample.networks import resources
from fhir_server.alliance.sample.world import DEFAULT_SEED, World
from fhir_server.resource import Resource


@cache
def network(letter: str, seed: int = DEFAULT_SEED) -> tuple[Resource, ...]:
    return tuple(resources(World(letter, seed)))


def of_type(found: tuple[Resource, ...], *resource_types: str) -> list[Resource]:
    return [resource for resource in found if resource["resourceType"] in resource_types]


def referral_tasks(letter: str) -> list[Resource]:
    """Those that follow a request; a wish to cancel is a Task too."""
    found = of_type(network(letter), "Task")
    return [task for task in found if task["code"]["coding"][0]["code"] == "fulfill"]


def name_of(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


def references(value: Any) -> Iterator[str]:
    match value:
        case {"reference": str(reference)}:
            yield reference
        case dict():
            for item in value.values():
                yield from references(item)
        case list():
            for item in value:
                yield from references(item)


def codings(value: Any) -> Iterator[dict[str, Any]]:
    """Every Coding below a value."""
    match value:
        case dict():
            if "system" in value and "code" in value:
                yield value
            for item in value.values():
                yield from codings(item)
        case list():
            for item in value:
                yield from codings(item)


def parts(holder: Resource, name: str) -> list[dict[str, Any]]:
    """The alliance's extensions `name`, or the parts `name` of a complex one."""
    urls = (name, systems.extension_url(name))
    return [found for found in holder.get("extension", ()) if found["url"] in urls]


def value(holder: Resource, name: str) -> Any:
    """The value of the one extension `name`; None: there is none."""
    for found in parts(holder, name):
        return next(content for key, content in found.items() if key.startswith("value"))
    return None


def codes(concepts: list[Resource], name: str) -> set[str]:
    """The codes that are of the alliance's code system `name`."""
    return {
        coding["code"]
        for concept in concepts
        for coding in concept.get("coding", ())
        if coding.get("system") == systems.code_system(name)
    }

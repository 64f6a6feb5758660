"""What codes mean, for `:in`, `:not-in`, `:above`, `:below`: code systems and value sets that are resources.

https://hl7.org/fhir/R4/search.html#token, https://hl7.org/fhir/R4/valueset.html#compositions
"""

from collections.abc import Iterator
from typing import Any

from tests.search.reference import Refused, Unsure
from tests.search.reference.grammar import plain
from tests.search.reference.tokens import wanted
from tests.search.reference.world import World

Code = tuple[str, str]
"""(system, code)"""

MODIFIERS = ("in", "not-in", "above", "below")


def meant(world: World, modifier: str, text: str) -> set[Code]:
    """The codes that a value with a modifier stands for; raises Refused where the definition is not here."""
    if modifier in ("in", "not-in"):
        return _members(world, _value_set(world, plain(text)), ())
    system, code = wanted(text)
    if system is None or not code:
        raise Refused(f"{text!r} has no system, or no code")
    concepts = _concepts(world, system)
    if code not in concepts:
        raise Unsure if code.casefold() in {each.casefold() for each in concepts} else Refused(code)
    return {
        (system, each) for each in (_below(concepts, code) if modifier == "below" else _above(concepts, code))
    }


def codes(type_name: str, value: Any, systems: frozenset[str]) -> Iterator[Code]:
    """Those of an element; systems: what an element of type `code` implies."""
    match type_name:
        case "CodeableConcept":
            for coding in value.get("coding", ()):
                yield from codes("Coding", coding, systems)
        case "Coding":
            yield value.get("system", ""), value.get("code", "")
        case "code":
            yield from ((system, value) for system in systems)


def _concepts(world: World, system: str) -> dict[str, str | None]:
    """Each code with the one above it."""
    for identity in world.of_types(("CodeSystem",)):
        resource = world.resources[identity]
        if resource.get("url") == system:
            return dict(_walk(resource.get("concept", ()), None))
    if system.startswith("http://hl7.org/") or system.startswith("http://terminology.hl7.org/"):
        raise Unsure  # the server may have it with its definitions
    raise Refused(f"{system} is not here")


def _walk(concepts: Any, parent: str | None) -> Iterator[tuple[str, str | None]]:
    for each in concepts:
        yield each["code"], parent
        yield from _walk(each.get("concept", ()), each["code"])


def _above(concepts: dict[str, str | None], code: str) -> Iterator[str]:
    following: str | None = code
    while following is not None:
        yield following
        following = concepts[following]


def _below(concepts: dict[str, str | None], code: str) -> Iterator[str]:
    return (each for each in concepts if code in _above(concepts, each))


def _value_set(world: World, text: str) -> dict[str, Any]:
    """ "the uri of a value set", or a reference to one."""
    relative = text.removeprefix(f"{world.base}/")
    if relative.startswith("ValueSet/"):
        found = world.resources.get(("ValueSet", relative.removeprefix("ValueSet/")))
        if found is None:
            raise Refused(f"{text} is not here")
        return found
    for identity in world.of_types(("ValueSet",)):
        if world.resources[identity].get("url") == text:
            return world.resources[identity]
    if text.startswith("http://hl7.org/"):
        raise Unsure
    raise Refused(f"{text} is not here")


def _members(world: World, value_set: dict[str, Any], within: tuple[str, ...]) -> set[Code]:
    compose = value_set["compose"]
    found = {code for each in compose.get("include", ()) for code in _included(world, each, within)}
    return found - {code for each in compose.get("exclude", ()) for code in _included(world, each, within)}


def _included(world: World, part: dict[str, Any], within: tuple[str, ...]) -> set[Code]:
    """ "all these must be true": the system with its concepts or filters, and every value set."""
    sets = [_members(world, _value_set(world, each), within) for each in part.get("valueSet", ())]
    if system := part.get("system"):
        listed = [each["code"] for each in part.get("concept", ())]
        fitting = set(listed or _concepts(world, system))
        for each in part.get("filter", ()):
            assert (each["property"], each["op"]) == ("concept", "is-a")
            fitting &= set(_below(_concepts(world, system), each["value"]))
        sets.append({(system, code) for code in fitting})
    return set.intersection(*sets) if sets else set()

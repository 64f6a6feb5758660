"""What resources are part of, for `:above` and `:below` of references.

https://hl7.org/fhir/R4/search.html#recursive
"""

from collections.abc import Iterator

from fhir_server.definitions.types import SearchParameter
from tests.search.reference import Refused, Unsure
from tests.search.reference.grammar import plain
from tests.search.reference.references import Identity, local
from tests.search.reference.world import World

MODIFIERS = ("above", "below")
_CODES = ("partof", "part-of", "parent")


def parents(world: World, resource_type: str) -> list[SearchParameter]:
    """Parameters by which resources of a type say what of their own type they are part of."""
    found = [world.parameter(resource_type, code) for code in _CODES]
    return [
        each
        for each in found
        if each is not None
        and each.type == "reference"
        and resource_type in world.targets(each, resource_type)
    ]


def is_one(world: World, parameter: SearchParameter, resource_type: str) -> bool:
    """Whether something that it refers to, and that is here, is part of others of its type."""
    if "Reference" not in (world.types(parameter, resource_type) or ()):
        return False
    targets = world.held_types.intersection(world.targets(parameter, resource_type))
    return any(parents(world, each) for each in targets)


def check(world: World, parameter: SearchParameter, resource_type: str, text: str) -> None:
    targets = world.targets(parameter, resource_type)
    if "Reference" not in (world.types(parameter, resource_type) or ()):
        raise Unsure  # canonicals, by their versions
    if not any(parents(world, each) for each in targets):
        raise Refused(f"{parameter.code} refers to nothing that is part of another")
    identity = local(plain(text), world.base)
    if identity is None or identity[0] not in targets:
        raise Unsure  # ids of several types, and other servers


def meant(world: World, modifier: str, text: str) -> set[Identity]:
    """The resource, with all that are part of it, or that it is part of, directly or through others."""
    start = local(plain(text), world.base)
    assert start is not None
    found, following = {start}, [start]
    while following:
        step = _above(world, following) if modifier == "above" else _below(world, following)
        # what is not here has no place in a hierarchy
        following = [each for each in dict.fromkeys(step) if each not in found and each in world.resources]
        found.update(following)
    return found


def _above(world: World, of: list[Identity]) -> Iterator[Identity]:
    for identity in of:
        if identity in world.resources:
            yield from _parts(world, identity)


def _below(world: World, of: list[Identity]) -> Iterator[Identity]:
    for identity in world.of_types((of[0][0],)):
        if not set(of).isdisjoint(_parts(world, identity)):
            yield identity


def _parts(world: World, identity: Identity) -> Iterator[Identity]:
    for parameter in parents(world, identity[0]):
        yield from (each for each in world.referred(identity, parameter) if each[0] == identity[0])

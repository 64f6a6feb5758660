"""`_contained`: https://hl7.org/fhir/R4/search.html#contained"""

from collections.abc import Iterable, Iterator

from tests.search.reference import Refused, Unsure, full_text
from tests.search.reference.criteria import Criteria
from tests.search.reference.references import Identity
from tests.search.reference.world import World

Pairs = list[tuple[str, str]]


def container(identity: Identity) -> Identity:
    """What contains a resource; itself, when nothing does."""
    of, hash_, _ = identity[1].partition("#")
    type_name, _, id_ = of.partition("/")
    return (type_name, id_) if hash_ else identity


def check(
    world: World, types: Iterable[str], found: Pairs, sort: Iterable[str], *, compartment: bool
) -> None:
    """What a server refuses, or may: that contained resources are not asked of."""
    if compartment or not {"_id", "_lastUpdated"}.issuperset(sort):
        raise Refused("_contained with a compartment or another order")
    for name, value in found:
        code = name.partition(":")[0].partition(".")[0]
        parameters = [world.parameter(each, code) for each in types]
        if any(each is not None and each.type == "composite" for each in parameters):
            raise Unsure
        if code == "_lastUpdated":
            raise Unsure
        # contained resources are no resources of the server: nothing refers to them, and they have no words
        if code in ("_has", "_list", *full_text.PARAMETERS) or (code == "_filter" and "_content" in value):
            raise Refused(f"{code} of contained resources")


def hits(
    criteria: Criteria, types: tuple[str, ...], found: Pairs, *, both: bool, alone: bool
) -> Iterator[Identity]:
    """ "true: search for only contained resources"; "contained: return only the contained resource" """
    world = criteria.world
    for identity, resource in world.resources.items():
        if both and (not types or identity[0] in types) and _fits(criteria, identity, found):
            yield identity
        for each in resource.get("contained", ()):
            inner = each["resourceType"], f"{'/'.join(identity)}#{each.get('id', '')}"
            world.inside[inner] = each
            if "id" in each and (not types or inner[0] in types) and _fits(criteria, inner, found):
                yield inner if alone else identity


def _fits(criteria: Criteria, identity: Identity, found: Pairs) -> bool:
    return all(criteria.fits(identity, name, value) for name, value in found)

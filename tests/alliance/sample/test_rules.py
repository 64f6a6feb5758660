"""The networks keep the rules of the directory and of rotations, though who loads them need not."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fhir_server.alliance.membership import DIRECTORY_RULES
from fhir_server.alliance.rotation import ROTATION_RULES
from fhir_server.alliance.rules import joined
from fhir_server.alliance.sample.networks import resources
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource, decode, encode
from tests.interactions.fhir import Fhir, put

RULES = joined(DIRECTORY_RULES, ROTATION_RULES)
AT_ONCE = 500


def judged(world: World) -> Iterator[Resource]:
    """What the rules judge or look up."""
    for each in resources(world):
        if each["resourceType"] in RULES or each["resourceType"] == "Contract":
            yield decode(encode(each))


@pytest.mark.parametrize("letter", ["A", "B", "C", "D"])
def test_a_network_keeps_the_rules(fhir: Fhir, letter: str) -> None:
    fhir.context = replace(fhir.context, rules=RULES)
    found = list(judged(World(letter)))
    assert {each["resourceType"] for each in found} >= RULES.keys()
    fhir.transaction(*map(put, found))

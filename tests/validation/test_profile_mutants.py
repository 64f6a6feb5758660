"""Verdicts on examples of profiles, Bundles and forms with one change each, beside the official validator's.

What an example breaks by itself, to either validator, is left aside: a verdict is what the change adds. Where
they differ stands in `profile_disagreements.json`, with who is right and why; see profile_mutants.py.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from fhir_server.interactions.review import review
from fhir_server.resource import Resource, decode
from fhir_server.validation.profiles import Profiles
from tests.definitions.structures import core_code_systems, core_structures, package_structures
from tests.validation.checking import CASES, definitions, validator
from tests.validation.mutants import answers
from tests.validation.profile_mutants import ANSWERS, mutants, sources
from tests.validation.profiling import Sources
from tests.validation.test_mutants import AGREEMENT, NEAR, _plain, is_near

LISTED = CASES / "official" / "profile_disagreements.json"
PACKAGES = ("hl7.fhir.uv.extensions.r4", "hl7.fhir.uv.ips", "hl7.fhir.uv.sdc")
SOME = 16  # of so many examples one is looked at in an ordinary run

Errors = list[tuple[str, str]]
"""(expression, message) of each"""


@cache
def theirs() -> dict[str, Errors]:
    return {
        each["name"]: [(str(at), str(message)) for at, message in each["errors"]] for each in answers(ANSWERS)
    }


@cache
def listed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(LISTED.read_text())
    return found


@cache
def profiles() -> Profiles:
    core_structures()
    structures = [one for package in PACKAGES for one in package_structures(package)]
    return Profiles(definitions(), Sources(structures, systems=core_code_systems()))


def ours(resource: Resource) -> Errors:
    found = asyncio.run(review(validator(), profiles(), resource))
    return [
        (str(issue.expression), str(issue.message or issue.code))
        for issue in found
        if issue.severity in ("fatal", "error")
    ]


@cache
def of_example(file: str) -> tuple[Errors, Errors]:
    """What the example breaks as it is, to us and to them."""
    text = dict(sources())[file]
    return ours(decode(text)), theirs()[file]


def _added(errors: Errors, before: Errors) -> Errors:
    known = {(_plain(at), message) for at, message in before}
    return [(at, message) for at, message in errors if (_plain(at), message) not in known]


def compared(every: int) -> Iterator[tuple[str, Errors, Errors]]:
    """(name, what the change adds to ours, to theirs) where neither was blind to it before."""
    for mutant in mutants(definitions(), every):
        mine_before, theirs_before = of_example(re.sub(r"~\d+\.json$", ".json", mutant.name))
        mine, other = _added(ours(mutant.resource), mine_before), _added(theirs()[mutant.name], theirs_before)
        blind = (not mine and other and mine_before) or (not other and mine and theirs_before)
        if not blind:
            yield mutant.name, mine, other


@pytest.mark.parametrize("every", [SOME, pytest.param(1, marks=pytest.mark.long)])
def test_the_verdicts_are_those_of_the_official_validator(every: int) -> None:
    count = both = near = 0
    differing = []
    for name, mine, other in compared(every):
        count += 1
        if bool(mine) != bool(other):
            differing.append(name)
        elif mine:
            both += 1
            near += is_near(mine, [list(each) for each in other])
    reasons = listed()["mutants"]
    assert [name for name in differing if name not in reasons] == []
    assert count - len(differing) >= AGREEMENT * count
    assert near >= NEAR * both
    if every == 1:
        assert sorted(differing) == sorted(reasons)
        assert count >= 3000


def test_every_disagreement_has_a_reason() -> None:
    assert set(listed()["mutants"].values()) <= listed()["reasons"].keys()
    assert all(listed()["reasons"].values())

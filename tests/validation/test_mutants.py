"""Verdicts on official examples with one change each, beside those of the official validator.

Where they differ stands in `disagreements.json`, with who is right and why; see mutants.py for the answers.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from fhir_server.interactions.review import review
from fhir_server.validation.profiles import Profiles
from tests.definitions.structures import core_code_systems, core_structures
from tests.validation.checking import CASES, definitions, validator
from tests.validation.mutants import Mutant, answers, mutants
from tests.validation.profiling import Sources

LISTED = CASES / "official" / "disagreements.json"
BROKEN = CASES / "official" / "broken.json"
SOME = 12  # of so many examples one is looked at in an ordinary run
AGREEMENT = 0.98  # of verdicts
NEAR = 0.95  # of places, where both refuse


@cache
def expected() -> dict[str, list[list[str]]]:
    return {answer["name"]: answer["errors"] for answer in answers()}


@cache
def listed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(LISTED.read_text())
    return found


def compared(every: int = 1) -> Iterator[tuple[Mutant, list[tuple[str, str]], list[list[str]]]]:
    """(mutant, our errors as (expression, message), theirs) of those whose example both accept."""
    core_structures()
    broken = frozenset(json.loads(BROKEN.read_text()))
    profiles = Profiles(definitions(), Sources([], systems=core_code_systems()))
    for mutant in mutants(definitions(), every):
        if mutant.name in expected() and _example(mutant.name) not in broken:
            found = asyncio.run(review(validator(), profiles, mutant.resource))
            errors = [issue for issue in found if issue.severity in ("fatal", "error")]
            ours = [(str(issue.expression), str(issue.message or issue.code)) for issue in errors]
            yield mutant, ours, expected()[mutant.name]


def _example(name: str) -> str:
    return re.sub(r"~\d+\.json$", ".json", name)


def is_near(ours: list[tuple[str, str]], theirs: list[list[str]]) -> bool:
    """Whether both name one element, or one the element just around that of the other."""
    places = {_plain(expression) for expression, _ in ours}
    others = {_plain(expression) for expression, *_ in theirs}
    around = {place.rpartition(".")[0] for place in places}, {place.rpartition(".")[0] for place in others}
    return bool(places & others or around[0] & others or places & around[1])


def _plain(expression: str) -> str:
    return re.sub(r"\[x\]|\[\d+\]|`|/\*.*?\*/|\.ofType\(\w+\)", "", str(expression))


def disagreeing(every: int) -> tuple[int, list[str], int, int]:
    """How many were compared, which differ, how many both refuse, and how many of these at one place."""
    count, differing, both, near = 0, [], 0, 0
    for mutant, ours, theirs in compared(every):
        count += 1
        if bool(ours) != bool(theirs):
            differing.append(mutant.name)
        elif ours:
            both += 1
            near += is_near(ours, theirs)
    return count, differing, both, near


@pytest.mark.parametrize("every", [SOME, pytest.param(1, marks=pytest.mark.long)])
def test_the_verdicts_are_those_of_the_official_validator(every: int) -> None:
    count, differing, both, near = disagreeing(every)
    reasons = listed()["mutants"]
    assert [name for name in differing if name not in reasons] == []
    assert count - len(differing) >= AGREEMENT * count
    assert near >= NEAR * both
    if every == 1:
        assert sorted(differing) == sorted(reasons)
        assert count >= 5000


def test_every_disagreement_has_a_reason() -> None:
    assert set(listed()["mutants"].values()) <= listed()["reasons"].keys()
    assert all(listed()["reasons"].values())

"""Acceptance test 27: every example validates, and every bad one fails by the rule that it is for."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.app import OpenContext
from fhir_server.interactions.review import review
from fhir_server.outcome import Issue
from fhir_server.resource import Resource, decode
from tests.profiles.package import FOLDER, by_id, opened

GOOD = sorted((FOLDER / "examples").glob("*.json"))
PROFILES = {id_: each for id_, each in by_id("StructureDefinition").items() if each["type"] != "Extension"}

Store = tuple[asyncio.Runner, OpenContext]


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with opened() as found:
        yield found


def found_in(store: Store, resource: Resource) -> list[Issue]:
    runner, context = store
    validator, profiles = context.context.validator, context.context.profiles
    return runner.run(review(validator, profiles, resource, ()))


def read(path: Path) -> Resource:
    resource: Resource = decode(path.read_bytes())
    return resource


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_E10_27_a_good_example_has_no_error(path: Path, store: Store) -> None:
    resource = read(path)
    assert path.name == f"{resource['resourceType']}-{resource['id']}.json"
    assert [issue for issue in found_in(store, resource) if issue.severity in ("fatal", "error")] == []


def test_E10_27_every_profile_has_a_good_example() -> None:
    claimed = {canonical for path in GOOD for canonical in read(path)["meta"]["profile"]}
    assert claimed == {each["url"] for each in PROFILES.values()}

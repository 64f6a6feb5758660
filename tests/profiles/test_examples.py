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


BAD = FOLDER / "examples-bad"
EXPECTED: dict[str, dict[str, str]] = decode((BAD / "expected.json").read_bytes())


@pytest.mark.parametrize("name", EXPECTED)
def test_E10_27_a_bad_example_fails_by_its_rule_alone(name: str, store: Store) -> None:
    rule, at = EXPECTED[name]["message"], EXPECTED[name]["expression"]
    found = found_in(store, read(BAD / name))
    if rule == "binding-required":  # a code that is not in the value set is mostly none of its system either
        found = [issue for issue in found if issue.message != "code-unknown"]
    told = [issue for issue in found if issue.severity in ("fatal", "error") or issue.message == rule]
    assert [(issue.message, issue.expression) for issue in told] == [(rule, at)]


def test_E10_27_every_bad_example_says_what_is_expected() -> None:
    assert {path.name for path in BAD.glob("*.json")} - {"expected.json"} == EXPECTED.keys()


def test_E10_27_every_profile_has_a_bad_example_for_each_invariant() -> None:
    broken = {
        (canonical, expected["message"])
        for name, expected in EXPECTED.items()
        for canonical in read(BAD / name)["meta"]["profile"]
    }
    wanted = {
        (each["url"], f"constraint-{constraint['key']}")
        for each in PROFILES.values()
        for element in each["differential"]["element"]
        for constraint in element.get("constraint", ())
    }
    assert wanted and wanted <= broken
    assert {canonical for canonical, _ in broken} == {each["url"] for each in PROFILES.values()}


@pytest.mark.parametrize("constraint", ["division-1", "capacity-1"])
def test_E10_27_an_invariant_of_an_extension_has_a_bad_example(constraint: str) -> None:
    assert f"constraint-{constraint}" in {each["message"] for each in EXPECTED.values()}


def test_E10_32_an_unknown_code_is_refused_if_required_and_a_warning_if_extensible(store: Store) -> None:
    resource = read(FOLDER / "examples" / "PractitionerRole-rotation-expert.json")
    for element, severity, rule in (
        ("code", "error", "binding-required"),
        ("specialty", "warning", "binding-extensible"),
    ):
        coding = resource[element][0]["coding"][0] | {"code": "unheard-of"}
        changed = resource | {element: [{"coding": [coding]}]}
        found = [issue for issue in found_in(store, changed) if issue.message == rule]
        assert [(issue.severity, issue.expression) for issue in found] == [
            (severity, f"PractitionerRole.{element}[0]")
        ]

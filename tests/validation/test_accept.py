"""The fast pass never accepts what the slow pass refuses, whatever is done to a real resource."""

import random
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.fhirpath import compile_expression
from fhir_server.resource import decode, encode, parse
from fhir_server.validation.accept import Acceptance
from fhir_server.validation.explain import Explanation
from tests.examples import official_examples
from tests.validation.checking import definitions, refused_examples, validator

SMALL = 6_000  # bytes
EXAMPLES = [
    text for file, text in official_examples() if len(text) < SMALL and file not in refused_examples()
]
VALUES: list[Any] = [
    None, "", " ", {}, [], [None], [[]], True, 0, 1.5, "x", "a b", "2024-02-30", "#x", "#", ["x"],
    [{"id": "a"}], "Patient/1", "Nothing/1", "Patient?name=x", {"id": "a"}, {"x": 1},
    {"resourceType": "Patient", "id": "x"},
    {"reference": "#x"}, {"reference": "Patient/1"}, {"url": "http://example.org/e", "valueString": "x"},
]  # fmt: skip
NAMES = [
    "id",
    "extension",
    "_status",
    "value",
    "valueString",
    "valueInteger",
    "contained",
    "status",
    "x",
    "resourceType",
]

accepts = Acceptance(definitions()).resource
explain = Explanation(definitions()).resource
written_out = Acceptance(definitions(), seen=1).resource
"""Answers by a function of its own for every shape that was accepted once."""
for _text in EXAMPLES:
    written_out(parse(_text))


def places(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    """Every object and array in a resource."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from places(inner)


def change(resource: dict[str, Any], chance: random.Random) -> None:
    place = chance.choice(list(places(resource)))
    value = decode(encode(chance.choice(VALUES)))
    if isinstance(place, list):
        at = chance.randrange(len(place) + 1)
        place[at : at + chance.randrange(2)] = [value] * chance.randrange(3)
        return
    name = chance.choice([*place, chance.choice(NAMES)])
    match chance.randrange(4):
        case 0:
            place.pop(name, None)
        case 1:
            place[chance.choice(NAMES)] = place.pop(name, value)
        case 2:
            place[f"_{name}"] = value
        case _:
            place[name] = value


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(EXAMPLES) - 1), st.integers(1, 3), st.integers(0, 2**32))
def test_the_passes_agree_on_any_change(example: int, changes: int, seed: int) -> None:
    chance = random.Random(seed)
    resource = parse(EXAMPLES[example])
    for _ in range(changes):
        change(resource, chance)
    found = list(explain(resource, "Resource"))
    if accepts(resource):
        assert found == []
    assert written_out(resource) is accepts(resource)
    assert (validator().check(resource) == []) is (found == [])


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(EXAMPLES) - 1), st.integers(0, 2**32))
def test_a_client_can_run_every_expression(example: int, seed: int) -> None:
    changed, unchanged = parse(EXAMPLES[example]), parse(EXAMPLES[example])
    change(changed, random.Random(seed))
    for issue in validator().check(changed):
        assert issue.expression is not None
        # it leads to what is wrong, or to nothing where something is missing
        compile_expression(issue.expression, definitions(), None).evaluate(unchanged)


def test_a_constraint_of_a_text_is_not_passed_over() -> None:
    """eld-3, the only constraint of R4 that stands on an element with a text."""
    element = {"id": "Patient", "path": "Patient", "min": 0, "max": "1"}
    definition = {
        "resourceType": "StructureDefinition",
        "url": "http://example.org/p",
        "name": "P",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [element]},
    }
    checker = validator()
    assert checker.check(definition) == []
    for wrong in ("-1", "x"):
        element["max"] = wrong
        assert "constraint-eld-3" in {issue.message for issue in checker.check(definition)}


def test_the_envelope_of_a_bundle_leaves_its_resources_aside() -> None:
    checker = validator()
    request = {"method": "POST", "url": "Patient"}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": 1, "request": request}]}
    assert checker.accepts_envelope(bundle)
    assert not checker.accepts_envelope(bundle | {"entry": [{"request": request | {"method": "GIVE"}}]})
    assert not checker.accepts_envelope(bundle | {"entry": []})

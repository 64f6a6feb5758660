"""A profile that is wrong ends with an error that names it, whatever is wrong with it."""

import asyncio
import random
from functools import cache
from typing import Any

import pytest

from fhir_server.outcome import DefinitionError
from fhir_server.resource import Resource, decode, encode
from fhir_server.validation.profiles import Profiles
from tests.definitions.structures import core_structures, package_structures
from tests.validation.checking import definitions, validator
from tests.validation.mutants import KINDS, spots
from tests.validation.profiling import URL, Sources, issues

PROFILED = 6  # of so many profiles of IPS, one
EACH = 25  # mutants of a profile
WORDS = ["x", "-1", "*", "a.b", "1", "#x", "http://example.org/x", "first(", "Patient.name", "[x]", "a:b/c"]
TEXTS = frozenset(("string", "uri", "canonical", "markdown", "code", "id"))
CHANGES = ("remove", "entry", "repeat", "value", "reference")


@cache
def profiles() -> list[Resource]:
    chosen = [one for one in package_structures("hl7.fhir.uv.ips") if one["type"] != "Extension"]
    return chosen[::PROFILED]


def bare(structure: Resource) -> Resource:
    """By its differential, as authors write it."""
    return {name: value for name, value in structure.items() if name not in ("snapshot", "text")}


def changed(structure: Resource, chance: random.Random) -> Resource:
    """With one change in its differential."""
    while True:
        found: Resource = decode(encode(bare(structure)))
        all_spots = list(spots(definitions(), found["differential"], "StructureDefinition.differential"))
        kind, spot = chance.choice([*CHANGES, "word", "word"]), chance.choice(all_spots)
        if kind != "word":
            if KINDS[kind](spot, chance):
                return found
        elif spot.type in TEXTS and not spot.many:
            spot.owner[spot.name] = chance.choice(WORDS)
            return found


def resource_of(structure: Resource) -> Resource:
    return {"resourceType": structure["type"], "id": "x", "meta": {"profile": [structure["url"]]}}


@pytest.mark.parametrize("structure", profiles(), ids=lambda one: str(one["id"]))
def test_a_changed_profile_compiles_or_is_named(structure: Resource) -> None:
    core_structures()
    refused = 0
    for number in range(EACH):
        made = changed(structure, random.Random(f"{structure['id']} {number}"))
        if validator().check(made):
            refused += 1  # the gate of writes does not let it in
            continue
        rest = [one for one in package_structures("hl7.fhir.uv.ips") if one["url"] != made.get("url")]
        checking = Profiles(definitions(), Sources([{"url": structure["url"]} | made, *rest]))
        try:
            asyncio.run(checking.check(resource_of(structure), structure["type"]))
        except DefinitionError as error:
            assert "http" in str(error)
    assert refused < EACH * 0.8


def patient(*elements: dict[str, Any]) -> str:
    """What is said of a profile of Patient with these elements."""
    with pytest.raises(DefinitionError) as caught:
        issues([{"type": "Patient", "elements": list(elements)}], {"resourceType": "Patient", "active": True})
    return str(caught.value)


def test_max_is_a_number_or_a_star() -> None:
    assert patient({"path": "Patient.name", "max": "x"}) == (
        f"{URL}: Patient.name: max is 'x', which is neither a number nor *"
    )


def test_a_profile_on_another_that_is_not_here() -> None:
    missing = {
        "type": "Patient",
        "baseDefinition": "http://example.org/none",
        "elements": [{"path": "Patient"}],
    }
    with pytest.raises(DefinitionError) as caught:
        issues([missing], {"resourceType": "Patient", "active": True})
    assert URL in str(caught.value) and "http://example.org/none" in str(caught.value)


@pytest.mark.parametrize(
    "expression", ["'a'.repeat($this + 'a').exists()", "'aaaaaaaaaaaaaaaa!'.matches('(a+)+$')"]
)
def test_E17_a_constraint_cannot_hold_the_server(expression: str) -> None:
    """What grows without end is cut off and told; a pattern that backtracks elsewhere is linear here."""
    constraint = [{"key": "x-1", "severity": "error", "human": "x", "expression": expression}]
    profile = {"type": "Patient", "elements": [{"path": "Patient", "constraint": constraint}]}
    found = issues([profile], {"resourceType": "Patient", "active": True})
    assert [(issue.message, issue.expression) for issue in found] == [("constraint-x-1", "Patient")]
    assert ("too costly" in found[0].diagnostics) == ("repeat" in expression)


def sliced(path: str, discriminator: object, *types: str) -> Any:
    """What a profile of Observation says whose element is sliced so."""
    elements: list[dict[str, Any]] = [
        {"path": path, "slicing": {"discriminator": [discriminator], "rules": "open"}},
        {"id": f"{path}:a", "path": path, "sliceName": "a", "min": 0},
    ]
    if types:
        elements[1]["type"] = [{"code": code} for code in types]
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    return issues([{"type": "Observation", "elements": elements}], observation)


WRONG_PATHS = {
    ("Observation.category", "value", "codding"): "CodeableConcept has no element codding",
    ("Observation.category", "value", "coding.cod"): "Coding has no element cod",
    ("Observation.category", "value", "coding.code.x"): "code has no element x",
    ("Observation.category", "pattern", "$this.txt"): "CodeableConcept has no element txt",
    ("Observation.component", "exists", "values"): "Observation.component has no element values",
    ("Observation.component", "value", "code.resolve()"): "resolve() is of references",
    ("Observation.component", "type", "value.ofType(Identifier)"): "value has no type Identifier",
    ("Observation.performer", "type", "resolve().nothing"): "has no element nothing",
    ("Observation.category", "value", "%resource.code"): "a discriminator is a path of elements",
    ("Observation.category", "value", "coding[0].code"): "a discriminator is a path of elements",
    ("Observation.category", "value", "extension(url)"): "a discriminator is a path of elements",
    ("Observation.category", "value", "coding..code"): "",
    ("Observation.category", "value", ""): "there is no path",
    ("Observation.category", "value", None): "there is no path",
}


@pytest.mark.parametrize(("path", "kind", "wrong"), WRONG_PATHS)
def test_a_discriminator_whose_path_leads_nowhere_names_element_and_path(
    path: str, kind: str, wrong: str | None
) -> None:
    """https://hl7.org/fhir/R4/profiling.html#discriminator"""
    with pytest.raises(DefinitionError) as caught:
        sliced(path, {"type": kind, "path": wrong})
    told = str(caught.value)
    assert told.startswith(f"{URL}: {path}:a: discriminator {kind} {wrong}: ")
    assert WRONG_PATHS[path, kind, wrong] in told


@pytest.mark.parametrize(
    ("path", "kind", "right"),
    [
        ("Observation.category", "value", "coding.code"),
        ("Observation.category", "value", "$this"),
        ("Observation.category", "value", "$this.coding.code.extension"),
        (
            "Observation.component",
            "value",
            "code.extension('http://example.org/x').value.ofType(Coding).code",
        ),
        ("Observation.component", "type", "value"),
        ("Observation.component", "exists", "value.ofType(Quantity).unit"),
        ("Observation.performer", "type", "resolve()"),
        ("Observation.performer", "value", "resolve().identifier.system"),
        ("Observation.contained", "value", "code.coding.code"),
    ],
)
def test_a_discriminator_whose_path_leads_somewhere(path: str, kind: str, right: str) -> None:
    assert sliced(path, {"type": kind, "path": right}) == []

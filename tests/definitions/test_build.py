"""The tables say what the definitions they were built from say."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions import build as building
from fhir_server.definitions.build import build
from fhir_server.definitions.packages import open_package
from fhir_server.definitions.registry import CORE_TABLES, Definitions, load
from fhir_server.definitions.tables import Content, Tables, to_bytes
from fhir_server.outcome import DefinitionError
from tests.examples import definitions as sample

CORE_PACKAGE = os.environ.get("FHIR_CORE_PACKAGE")


def resources() -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in sample()]


def built() -> Definitions:
    return Definitions(Tables(to_bytes(build(resources(), "4.0.1")), "sample"))


def structures(*kinds: str) -> list[dict[str, Any]]:
    return [
        resource
        for resource in resources()
        if resource["resourceType"] == "StructureDefinition"
        and resource["kind"] in kinds
        and resource.get("derivation") != "constraint"
    ]


TYPES = structures("primitive-type", "complex-type", "resource")


@pytest.mark.parametrize("structure", TYPES, ids=lambda structure: str(structure["type"]))
def test_every_element_of_the_source_is_in_the_tables(structure: dict[str, Any]) -> None:
    core = load()
    for definition in structure["snapshot"]["element"][1:]:
        parent, _, name = definition["path"].rpartition(".")
        if structure["kind"] == "primitive-type" and name == "value":
            assert name not in core.type(parent).elements
            continue
        element = core.type(parent).elements[name.removesuffix("[x]")]
        assert element.min == definition["min"]
        assert ("*" if element.max is None else str(element.max)) == definition["max"]
        assert element.many == (definition["base"]["max"] == "*")
        assert element.choice == name.endswith("[x]")
        assert element.summary == definition["isSummary"]
        assert element.modifier == definition["isModifier"]
        binding = definition.get("binding")
        if binding is None:
            assert element.binding is None
        else:
            assert element.binding is not None
            assert element.binding.strength == binding["strength"]
            assert element.binding.value_set == binding["valueSet"].partition("|")[0]


@pytest.mark.parametrize("structure", TYPES, ids=lambda structure: str(structure["type"]))
def test_every_constraint_of_the_source_stands_at_its_type_or_element(structure: dict[str, Any]) -> None:
    core = load()
    for definition in structure["snapshot"]["element"]:
        parent, _, name = definition["path"].rpartition(".")
        if structure["kind"] == "primitive-type" and name == "value":
            continue
        if core.has_type(definition["path"]):
            found = {constraint.key for constraint in core.type(definition["path"]).constraints}
        else:
            element = core.type(parent).elements[name.removesuffix("[x]")]
            of_types = [{each.key for each in core.type(code).constraints} for code in element.types]
            found = {each.key for each in element.constraints} | set.intersection(*of_types)
        assert {constraint["key"] for constraint in definition.get("constraint", ())} <= found


def test_the_sample_builds_to_what_the_core_tables_hold() -> None:
    core, some = load(), built()
    for structure in TYPES:
        one, other = core.type(structure["type"]), some.type(structure["type"])
        assert (one.kind, one.base, one.abstract, one.pattern) == (
            other.kind,
            other.base,
            other.abstract,
            other.pattern,
        )
        assert one.constraints == other.constraints
        assert list(one.properties) == list(other.properties)
    for value_set in ("administrative-gender", "item-type", "mimetypes", "event-timing"):
        url = f"http://hl7.org/fhir/ValueSet/{value_set}"
        assert some.codes(url) == core.codes(url)
    assert some.compartment("Patient") == core.compartment("Patient")
    assert set(some.operations) <= set(core.operations)
    for parameter in some.search_parameters("Observation").values():
        assert core.search_parameter_by_url(parameter.url) == parameter


def test_profiles_and_logical_models_are_no_types() -> None:
    some = built()
    assert not some.has_type("Event")
    assert some.type("Observation").elements["status"].max == 1
    assert "bodyweight" not in some.resource_types


def test_examples_of_definitions_do_not_define() -> None:
    some = built()
    assert some.search_parameters("Patient")["_id"].url == "http://hl7.org/fhir/SearchParameter/Resource-id"
    assert "subject" not in some.search_parameters("Organization")
    assert [operation.code for operation in some.operations] == ["everything"]
    assert len(some.compartment("Device")) == 0


def test_parameters_that_cannot_be_evaluated_are_left_out_except_those_of_the_server() -> None:
    some = built()
    assert some.search_parameters("Patient")["_filter"].expression is None
    assert "age" not in some.search_parameters("Patient")
    assert some.search_parameter_by_url(
        "http://hl7.org/fhir/SearchParameter/codesystem-extensions-CodeSystem-author"
    ) is None  # it names no base  # fmt: skip


def test_building_twice_gives_the_same_bytes_whatever_the_order() -> None:
    assert to_bytes(build(resources(), "4.0.1")) == to_bytes(build(reversed(resources()), "4.0.1"))


def test_a_constraint_without_an_expression_is_refused_with_canonical_and_element() -> None:
    broken = resources()
    patient = next(resource for resource in broken if resource["id"] == "Patient")
    del patient["snapshot"]["element"][0]["constraint"][0]["expression"]
    with pytest.raises(DefinitionError, match=r"Patient: constraint dom-\d has no expression"):
        build(broken, "4.0.1")


def test_the_command_writes_the_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "package.json").write_text('{"name":"a","version":"1","fhirVersions":["4.0.1"]}')
    for file, body in sample():
        (folder / file).write_bytes(body)
    monkeypatch.setattr(sys, "argv", ["build", str(tmp_path), str(tmp_path / "some.tables")])
    building.main()
    assert load(tmp_path / "some.tables").release == "4.0.1"
    assert (tmp_path / "some.tables").read_bytes() == to_bytes(build(resources(), "4.0.1"))


@pytest.mark.skipif(CORE_PACKAGE is None, reason="FHIR_CORE_PACKAGE does not name the package of R4")
def test_the_core_tables_are_what_the_package_builds_to() -> None:
    package = open_package(Path(str(CORE_PACKAGE)))
    content: Content = build((resource for _, resource in package.canonicals()), "4.0.1")
    assert to_bytes(content) == CORE_TABLES.read_bytes()

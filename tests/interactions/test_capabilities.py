"""https://hl7.org/fhir/R4/http.html#capabilities"""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from fhir_server import __version__
from fhir_server.interactions.answer import body_of
from fhir_server.interactions.capabilities import NORMATIVE
from fhir_server.interactions.dispatch import TABLE
from fhir_server.interactions.request import Request
from fhir_server.resource import Resource
from fhir_server.search.columns import columns_of
from fhir_server.validation.structure import Validator
from tests.interactions.fhir import BASE, Fhir, codes, content, definitions, request


@pytest.fixture
def statement(fhir: Fhir) -> Resource:
    return fhir.read("metadata")


def rest(statement: Resource) -> Resource:
    (found,) = statement["rest"]
    assert isinstance(found, dict)
    return found


def of_type(statement: Resource, name: str) -> Resource:
    (found,) = (each for each in rest(statement)["resource"] if each["type"] == name)
    assert isinstance(found, dict)
    return found


def test_the_statement_says_what_server_it_is(statement: Resource) -> None:
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["kind"] == "instance"
    assert statement["software"] == {"name": "fhir-server", "version": __version__}
    assert statement["implementation"]["url"] == BASE
    assert "json" in statement["format"]
    assert statement["patchFormat"] == ["application/json-patch+json", "application/fhir+json"]


@pytest.mark.parametrize("mode", ["full", "normative", "terminology"])
def test_statements_keep_the_rules_of_r4(fhir: Fhir, mode: str) -> None:
    assert Validator(definitions()).check(fhir.read(f"metadata?mode={mode}")) == []


def test_every_type_is_listed(statement: Resource) -> None:
    assert {each["type"] for each in rest(statement)["resource"]} == definitions().resource_types


def test_interactions_are_those_of_the_table(statement: Resource) -> None:
    listed = {each["code"] for each in rest(statement)["interaction"]}
    listed |= {each["code"] for each in of_type(statement, "Patient")["interaction"]}
    assert listed == {code for row in TABLE.values() for each in row.values() for code in each.codes}
    assert listed >= {"read", "vread", "update", "patch", "delete", "create", "search-type", "transaction"}


def test_what_a_type_can_do(statement: Resource) -> None:
    found = of_type(statement, "Patient")
    assert found["versioning"] == "versioned"
    assert found["conditionalRead"] == "full-support"
    assert found["conditionalDelete"] == "single"
    for flag in ("readHistory", "updateCreate", "conditionalCreate", "conditionalUpdate"):
        assert found[flag] is True
    assert "Patient:organization" in found["searchInclude"]
    assert "*" in found["searchInclude"] and "*" in found["searchRevInclude"]
    assert "Observation:subject" in found["searchRevInclude"]
    assert "Observation:encounter" not in found["searchRevInclude"]


def test_conditional_delete_follows_the_settings(fhir: Fhir) -> None:
    fhir.settings(conditional_delete="multiple")
    assert of_type(fhir.read("metadata"), "Patient")["conditionalDelete"] == "multiple"


def test_search_parameters_say_what_they_are_for_the_type(statement: Resource) -> None:
    parameters = {each["name"]: each for each in of_type(statement, "Patient")["searchParam"]}
    assert parameters["birthdate"] == {
        "name": "birthdate",
        "definition": "http://hl7.org/fhir/SearchParameter/individual-birthdate",
        "type": "date",
        "documentation": "The patient's date of birth",
    }
    assert {"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"} <= parameters.keys()


@cache
def _indexed(resource_type: str) -> set[str]:
    return {each.code for each in columns_of(definitions()).parameters(resource_type) if not each.not_indexed}


def test_parameters_of_every_resource_without_a_definition_are_listed(statement: Resource) -> None:
    assert {"_has", "_list"} <= {each["name"] for each in rest(statement)["searchParam"]}


def test_every_parameter_that_is_listed_can_be_searched_by(statement: Resource) -> None:
    for each in rest(statement)["resource"]:
        listed = {parameter["name"] for parameter in each.get("searchParam", ())}
        assert listed == _indexed(each["type"])


def test_mode_normative_has_the_normative_types(fhir: Fhir) -> None:
    found = fhir.read("metadata?mode=normative")
    assert {each["type"] for each in rest(found)["resource"]} == NORMATIVE
    assert "conditionalCreate" not in of_type(found, "Patient")


def test_mode_terminology(fhir: Fhir) -> None:
    found = fhir.read("metadata?mode=terminology")
    assert found["resourceType"] == "TerminologyCapabilities"


def test_an_unknown_mode(fhir: Fhir) -> None:
    assert codes(fhir.refused("GET", "metadata?mode=partial")) == (400, "value")


def test_the_statement_of_another_base_differs_in_its_url_alone(fhir: Fhir) -> None:
    def bytes_for(base_url: str) -> bytes:
        made = request("GET", "metadata")
        made.base_url = base_url
        answer = fhir.together([made])[0]
        return body_of(Request("GET"), answer) or b""  # type: ignore[arg-type]

    one, other = bytes_for("http://one.example/fhir"), bytes_for('http://"two"/fhir')
    assert one.replace(b'"http://one.example/fhir"', rb'"http://\"two\"/fhir"') == other


def test_304_for_a_client_that_has_the_statement(fhir: Fhir) -> None:
    first = fhir("GET", "metadata")
    tag: Any = first.headers["ETag"]
    assert fhir("GET", "metadata", if_none_match=tag).status == 304
    assert fhir("GET", "metadata", if_none_match='W/"other"').status == 200
    assert fhir("GET", "metadata?mode=normative").headers["ETag"] != tag
    assert content(fhir("HEAD", "metadata")) == content(first)


def test_types_that_are_updated_with_if_match_only(fhir: Fhir) -> None:
    fhir.settings(versioned_update=("Task",))
    found = fhir.read("metadata")
    assert of_type(found, "Task")["versioning"] == "versioned-update"
    assert of_type(found, "Patient")["versioning"] == "versioned"


def requirements(**elements: Any) -> Resource:
    return {
        "resourceType": "CapabilityStatement", "id": "actor", "url": "http://example.org/actor",
        "status": "active", "date": "2026", "kind": "requirements", "fhirVersion": "4.0.1",
        "format": ["json"], "description": "x",
        "rest": [
            {"mode": "server", "resource": [{"type": "Task", "supportedProfile": ["http://example.org/task"]}]},
            {"mode": "client", "resource": [{"type": "List", "supportedProfile": ["http://example.org/list"]}]},
        ],
    } | elements  # fmt: skip


def test_what_is_implemented_is_said_with_its_profiles(fhir: Fhir) -> None:
    fhir.context = replace(fhir.context, implements=("actor", "elsewhere"))
    assert "instantiates" not in fhir.read("metadata")
    fhir("PUT", "CapabilityStatement/actor", requirements())
    found = fhir.read("metadata")
    assert found["instantiates"] == ["http://example.org/actor"]
    assert of_type(found, "Task")["supportedProfile"] == ["http://example.org/task"]
    assert "supportedProfile" not in of_type(found, "List")
    assert Validator(definitions()).check(found) == []


def test_a_statement_that_changes_is_told_at_once(fhir: Fhir) -> None:
    fhir.context = replace(fhir.context, implements=("actor",))
    fhir("PUT", "CapabilityStatement/actor", requirements())
    before = fhir("GET", "metadata").headers["ETag"]
    changed = requirements(rest=[{"mode": "server"}])
    del changed["url"]
    fhir("PUT", "CapabilityStatement/actor", changed)
    after = fhir("GET", "metadata")
    assert after.headers["ETag"] != before
    found = content(after)
    assert "instantiates" not in found and "supportedProfile" not in of_type(found, "Task")

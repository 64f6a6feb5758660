import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from fhir_server.definitions.registry import Definitions, load
from fhir_server.definitions.types import SearchParameter
from fhir_server.outcome import DefinitionError
from tests.examples import official_examples, synthea_bundles

VALUE_SET = "http://hl7.org/fhir/ValueSet/"


@pytest.fixture(scope="module")
def core() -> Definitions:
    return load()


def test_the_release_is_that_of_the_tables(core: Definitions) -> None:
    assert core.release == "4.0.1"


def test_a_file_that_holds_no_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tables").write_bytes(b"{}")
    with pytest.raises(DefinitionError, match=r"x\.tables is not a file of definition tables"):
        load(tmp_path / "x.tables")


def test_resource_types_are_those_that_have_instances(core: Definitions) -> None:
    assert len(core.resource_types) == 146
    assert "Patient" in core.resource_types
    assert core.resource_types.isdisjoint({"Resource", "DomainResource", "HumanName", "MetadataResource"})


def test_a_type_that_is_not_there_is_refused(core: Definitions) -> None:
    assert core.has_type("Patient.contact")
    for name in ("Patent", "Patient.name", "Patient.contacts", ""):
        assert not core.has_type(name)
        with pytest.raises(DefinitionError, match=r"is not a type of FHIR 4\.0\.1"):
            core.type(name)


def test_a_type_is_decoded_once(core: Definitions) -> None:
    assert core.type("Patient") is core.type("Patient")


def test_inherited_elements_are_listed_with_their_own(core: Definitions) -> None:
    names = list(core.type("Patient").elements)
    assert names[:4] == ["id", "meta", "implicitRules", "language"]
    assert {"contained", "modifierExtension", "birthDate"} < set(names)


def test_a_choice_stands_under_each_of_its_properties(core: Definitions) -> None:
    observation = core.type("Observation")
    element, type_name = observation.properties["valueQuantity"]
    assert (element.name, element.choice, type_name) == ("value", True, "Quantity")
    assert len(element.types) == 11
    assert "value" not in observation.properties
    assert observation.properties["valueDateTime"][1] == "dateTime"
    assert len(core.type("Extension").elements["value"].types) == 50


def test_a_backbone_element_has_the_type_of_its_path(core: Definitions) -> None:
    assert core.type("Patient").elements["contact"].types == ("Patient.contact",)
    contact = core.type("Patient.contact")
    assert (contact.kind, contact.base) == ("backbone", "BackboneElement")
    assert [constraint.key for constraint in contact.constraints] == ["ele-1", "pat-1"]
    assert core.type("Timing").elements["repeat"].types == ("Timing.repeat",)
    assert core.type("Timing.repeat").base == "Element"


def test_a_content_reference_has_the_type_of_the_path_it_names(core: Definitions) -> None:
    component = core.type("Observation.component")
    assert component.elements["referenceRange"].types == ("Observation.referenceRange",)
    assert core.type("Questionnaire.item").elements["item"].types == ("Questionnaire.item",)


def test_every_type_that_an_element_names_is_there(core: Definitions) -> None:
    for root in (*core.resource_types, "HumanName", "ElementDefinition", "Timing", "Dosage", "positiveInt"):
        pending, seen = [root], set()
        while pending:
            name = pending.pop()
            seen.add(name)
            for element in core.type(name).elements.values():
                pending.extend(code for code in element.types if "." in code and code not in seen)
                assert all(core.has_type(code) for code in element.types)


def test_system_types_are_resolved_to_those_of_fhir(core: Definitions) -> None:
    assert core.type("Patient").elements["id"].types == ("id",)
    assert core.type("HumanName").elements["id"].types == ("string",)
    assert core.type("Extension").elements["url"].types == ("uri",)


def test_reference_targets(core: Definitions) -> None:
    patient = core.type("Patient")
    assert patient.elements["managingOrganization"].targets == ("Organization",)
    assert core.type("Provenance").elements["target"].targets == ()  # any
    assert core.type("EvidenceVariable.characteristic").elements["definition"].targets == (
        "Group",
        "ActivityDefinition",
    )


def test_is_a_follows_the_bases(core: Definitions) -> None:
    assert core.is_a("Patient", "DomainResource")
    assert core.is_a("Patient", "Resource")
    assert core.is_a("Patient.contact", "Element")
    assert core.is_a("Age", "Quantity")
    assert core.is_a("code", "string")
    assert not core.is_a("Bundle", "DomainResource")
    assert not core.is_a("Quantity", "Age")


def test_constraints_of_elements_are_those_beyond_their_type(core: Definitions) -> None:
    telecom = core.type("Organization").elements["telecom"]
    assert [constraint.key for constraint in telecom.constraints] == ["org-3"]
    assert core.type("Patient").elements["telecom"].constraints == ()
    keys = {constraint.key for constraint in core.type("Observation").constraints}
    assert {"dom-2", "dom-6", "obs-6", "obs-7"} <= keys


def test_patterns_of_primitives(core: Definitions) -> None:
    assert core.type("positiveInt").pattern == "[1-9][0-9]*"
    assert core.type("xhtml").pattern is None
    assert core.type("HumanName").pattern is None


def test_search_parameters_of_a_type_include_those_of_every_resource(core: Definitions) -> None:
    parameters = core.search_parameters("Patient")
    assert {"birthdate", "_id", "_lastUpdated", "_text", "name"} <= set(parameters)
    assert parameters["birthdate"].type == "date"
    assert parameters["birthdate"] == core.search_parameter_by_url(parameters["birthdate"].url)
    assert "_text" not in core.search_parameters("Bundle")  # it is of DomainResource
    assert "code" not in parameters


def test_a_composite_names_its_components(core: Definitions) -> None:
    parameter = core.search_parameters("Observation")["code-value-quantity"]
    assert [url.rpartition("/")[2] for url, _ in parameter.components] == [
        "clinical-code",
        "Observation-value-quantity",
    ]
    assert all(core.search_parameter_by_url(url) for url, _ in parameter.components)


def test_every_composite_finds_its_components(core: Definitions) -> None:
    for resource_type in core.resource_types:
        for parameter in core.search_parameters(resource_type).values():
            assert (parameter.type == "composite") == bool(parameter.components)
            assert all(core.search_parameter_by_url(url) for url, _ in parameter.components)


def test_search_parameters_of_what_is_no_type_are_refused(core: Definitions) -> None:
    with pytest.raises(DefinitionError):
        core.search_parameters("Patent")
    assert core.search_parameter_by_url("http://example.org/nothing") is None


def test_codes_of_a_required_value_set(core: Definitions) -> None:
    gender = core.codes(VALUE_SET + "administrative-gender|4.0.1")
    assert gender is not None
    assert {code for _, code in gender} == {"male", "female", "other", "unknown"}
    assert {system for system, _ in gender} == {"http://hl7.org/fhir/administrative-gender"}


def test_codes_that_cannot_be_listed_are_none(core: Definitions) -> None:
    assert core.codes(VALUE_SET + "mimetypes") is None
    assert core.codes(VALUE_SET + "no-such") is None


def test_compartments(core: Definitions) -> None:
    assert core.compartments == ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")
    assert core.compartment("Patient")["Observation"] == ("subject", "performer")
    assert "Organization" not in core.compartment("Patient")
    assert core.compartment("Organization") == {}


def test_compartment_parameters_are_search_parameters(core: Definitions) -> None:
    for code in core.compartments:
        for resource_type, parameters in core.compartment(code).items():
            for parameter in parameters:
                assert parameter == "{def}" or parameter in core.search_parameters(resource_type)


def test_operations(core: Definitions) -> None:
    found = {(operation.code, operation.resource_types): operation for operation in core.operations}
    everything = found["everything", ("Patient",)]
    assert (everything.system, everything.type, everything.instance) == (False, True, True)
    assert len(core.operations) == 46


def unknown(core: Definitions, name: str, value: dict[str, Any]) -> list[str]:
    """Properties of `value` that the type does not have, or has as an array when it is none."""
    resource = core.is_a(name, "Resource")
    definition = core.type(str(value["resourceType"]) if resource else name)
    found = []
    for key, items in value.items():
        # ExampleScenario.instance has an element of this name
        if key == "resourceType" and resource:
            continue
        if key.removeprefix("_") not in definition.properties:
            found.append(f"{definition.name}.{key}")
            continue
        element, type_name = definition.properties[key.removeprefix("_")]
        if isinstance(items, list) != element.many:
            found.append(f"{definition.name}.{key} many")
        for item in items if isinstance(items, list) else [items]:
            if isinstance(item, dict):
                found += unknown(core, type_name, item)
    return found


def test_the_official_examples_use_only_what_the_tables_know(core: Definitions) -> None:
    for file, body in official_examples():
        resource = json.loads(body)
        assert unknown(core, resource["resourceType"], resource) == [], file


def test_the_synthea_bundles_use_only_what_the_tables_know(core: Definitions) -> None:
    for file, body in synthea_bundles()[:5]:
        assert unknown(core, "Bundle", json.loads(body)) == [], file
    assert unknown(core, "Resource", {"resourceType": "Patient", "nam": [], "name": {}}) == [
        "Patient.nam",
        "Patient.name many",
    ]


COLOUR = SearchParameter(
    "eye-colour", "http://example.org/eye-colour", "token", ("Patient",), "Patient.extension('x').value",
    (), (), True, True, (), (), (), "colour of the eyes", "normal",
)  # fmt: skip


def test_parameters_are_added_to_their_types_and_the_core_stays_as_it_is(core: Definitions) -> None:
    more = core.with_parameters([COLOUR])
    assert more.search_parameters("Patient")["eye-colour"] is COLOUR
    assert more.search_parameter_by_url(COLOUR.url) is COLOUR
    assert "name" in more.search_parameters("Patient")
    assert more.added_parameters == (COLOUR,)
    assert "eye-colour" not in core.search_parameters("Patient")
    assert core.search_parameter_by_url(COLOUR.url) is None


def test_parameters_of_abstract_types_are_those_of_every_resource(core: Definitions) -> None:
    more = core.with_parameters([structs.replace(COLOUR, base=("DomainResource",))])
    assert "eye-colour" in more.search_parameters("Observation")
    assert "eye-colour" not in more.search_parameters("Bundle")


def test_what_added_parameters_do_not_change_is_shared(core: Definitions) -> None:
    more = core.with_parameters([COLOUR])
    assert more.search_parameters("Observation") is core.search_parameters("Observation")
    assert more.type("Patient") is core.type("Patient")
    assert more.core is core and more.with_parameters([]).core is core
    assert more.with_parameters([]).search_parameters("Patient") is core.search_parameters("Patient")

"""Expressions of search parameters as plain paths."""

import pytest

from fhir_server.search.path import Branch, Child, Having, Item, OfType, Step, branches, walks
from tests.search.searching import definitions


def only(expression: str, resource_type: str) -> Branch:
    (found,) = branches(expression, resource_type, definitions())
    return found


@pytest.mark.parametrize(
    ("expression", "steps", "text"),
    [
        ("Patient.name.family", (Child("name"), Child("family")), "name.family"),
        (
            "(Patient.deceased as dateTime)",
            (Child("deceased"), OfType("dateTime")),
            "deceased.ofType(dateTime)",
        ),
        (
            "Patient.deceased.as(dateTime)",
            (Child("deceased"), OfType("dateTime")),
            "deceased.ofType(dateTime)",
        ),
        ("deceased.ofType(dateTime)", (Child("deceased"), OfType("dateTime")), "deceased.ofType(dateTime)"),
        ("deceased.as(DateTime)", (Child("deceased"), OfType("dateTime")), "deceased.ofType(dateTime)"),
        ("telecom.where(use='home')", (Child("telecom"), Having("use", "home")), "telecom.where(use='home')"),
        ("Patient.name[0].given", (Child("name"), Item(0), Child("given")), "name[0].given"),
        (
            "Patient.extension('urn:x')",
            (Child("extension"), Having("url", "urn:x")),
            "extension.where(url='urn:x')",
        ),
        ("Resource.meta.tag", (Child("meta"), Child("tag")), "meta.tag"),
        ("Patient", (), ""),
    ],
)
def test_plain(expression: str, steps: tuple[Step, ...], text: str) -> None:
    assert only(expression, "Patient") == Branch(steps, text)


def test_only_references_to_a_type() -> None:
    found = only("Observation.subject.where(resolve() is Patient)", "Observation")
    assert (found.steps, found.text, found.target) == ((Child("subject"),), "subject", "Patient")


def test_the_branches_of_other_types_are_left_out() -> None:
    expression = "Patient.name | Practitioner.name | DomainResource.text | Observation.code"
    assert [branch.text for branch in branches(expression, "Patient", definitions())] == ["name", "text"]


def test_what_is_not_plain_is_left_to_fhirpath() -> None:
    found = only("Patient.deceased.exists() and Patient.deceased != false", "Patient")
    assert found.steps is None
    assert found.text == "Patient.deceased.exists() and Patient.deceased != false"


def test_a_component_of_the_resource() -> None:
    found = only("%resource.referenceSeq.chromosome", "MolecularSequence.variant")
    assert found.of_resource and found.steps == (Child("referenceSeq"), Child("chromosome"))


def test_walks_know_types_repetition_and_targets() -> None:
    (given,) = walks("Patient", (Child("name"), Child("given")), definitions())
    assert (given.type_name, given.element, given.owner, given.repeats) == (
        "string",
        "given",
        "HumanName",
        True,
    )
    found = walks("Observation", (Child("value"),), definitions())
    assert {"Quantity", "dateTime", "CodeableConcept"} <= {walk.type_name for walk in found}
    (subject,) = walks("Observation", (Child("subject"),), definitions())
    assert set(subject.targets) == {"Patient", "Group", "Device", "Location"} and not subject.repeats
    (first,) = walks("Bundle", (Child("entry"), Item(0), Child("resource")), definitions())
    assert first.type_name == "Resource" and not first.repeats


def test_no_walk_to_an_element_that_is_not_there() -> None:
    assert walks("Patient", (Child("nmae"),), definitions()) == []

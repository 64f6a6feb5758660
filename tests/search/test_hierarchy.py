"""https://hl7.org/fhir/R4/search.html#recursive"""

import pytest

from fhir_server.search import hierarchy
from fhir_server.search.columns import columns_of
from fhir_server.search.terms import Terms
from tests.search.searching import compiled, definitions

COLUMNS = columns_of(definitions())


def test_the_strict_hierarchies_of_the_specification_are_known() -> None:
    """Those whose StructureDefinitions say so by the extension structuredefinition-hierarchy."""
    for resource_type in ("CarePlan", "Encounter", "Location", "Organization"):
        assert hierarchy.parents(COLUMNS, resource_type) == (f"{resource_type}.partOf[reference]",)


def test_other_hierarchies() -> None:
    found = {each for each in definitions().resource_types if hierarchy.parents(COLUMNS, each)}
    assert found == {
        "CarePlan", "DeviceDefinition", "Encounter", "Location", "MedicationStatement", "Organization",
        "Procedure", "ResearchStudy", "Specimen", "Task",
    }  # fmt: skip


@pytest.mark.parametrize(
    "search",
    [
        "Procedure?location:below=42", "MedicationAdministration?context:above=21", "Location?partof:below=1",
        "Task?owner:below=Organization/1", "AuditEvent?entity:below=Location/1",
    ],
)  # fmt: skip
def test_references_to_them_have_above_and_below(search: str) -> None:
    terms = Terms()
    compiled(search, terms=terms)
    assert len(terms.missing) == 1

"""Every search parameter of R4 has columns, or is listed here with the reason."""

import pytest
from msgspec import structs

from fhir_server.definitions.types import SearchParameter
from fhir_server.outcome import DefinitionError
from fhir_server.search.columns import Columns, Parameter, columns_of
from tests.search.searching import definitions

NOT_INDEXED = {
    "http://hl7.org/fhir/SearchParameter/Resource-query": "its definition has no expression",
}
LEFT_TO_FHIRPATH = {"Patient.deceased", "QuestionnaireResponse.item-subject"}


def every() -> list[Parameter]:
    columns = columns_of(definitions())
    return [each for name in sorted(definitions().resource_types) for each in columns.parameters(name)]


def parameter(resource_type: str, code: str) -> Parameter:
    found = columns_of(definitions()).parameter(resource_type, code)
    assert found is not None
    return found


def test_every_parameter_is_compiled_or_listed() -> None:
    parameters = every()
    assert len({each.definition.url for each in parameters}) > 1_380
    assert {each.definition.url: each.not_indexed for each in parameters if each.not_indexed} == NOT_INDEXED
    without = {each.code for each in parameters if not (each.columns or each.composites or each.not_indexed)}
    assert without == {"_id", "_lastUpdated", "_text", "_content", "_filter"}


def test_nearly_none_is_left_to_fhirpath() -> None:
    found = {
        f"{each.resource_type}.{each.code}"
        for each in every()
        for source in each.sources
        if source.expression is not None
    }
    assert found == LEFT_TO_FHIRPATH


def test_every_column_has_somewhere_to_come_from() -> None:
    for each in every():
        for source in each.sources:
            assert source.walks or source.expression, source.column


def test_parameters_share_columns() -> None:
    assert parameter("Observation", "patient").columns[0].name == "Observation.subject[reference]"
    assert parameter("Observation", "subject").columns[0].name == "Observation.subject[reference]"
    both = {column.name for column in parameter("Observation", "combo-code").columns}
    assert both == {
        column.name
        for code in ("code", "component-code")
        for column in parameter("Observation", code).columns
    }
    names = [column.name for column in parameter("Patient", "name").columns]
    assert [column.name for column in parameter("Patient", "phonetic").columns] == names


def test_parameters_of_one_column_differ_in_their_targets() -> None:
    patient, subject = (parameter("Observation", code).columns[0] for code in ("patient", "subject"))
    assert patient.targets == ("Patient",) and patient.narrowed
    assert set(subject.targets) == {"Patient", "Group", "Device", "Location"} and not subject.narrowed


def test_a_reference_to_anything() -> None:
    assert parameter("Provenance", "target").columns[0].targets == ()


def test_codes_know_the_systems_that_they_imply() -> None:
    (status,) = parameter("Observation", "status").columns
    assert status.systems == {"http://hl7.org/fhir/observation-status"}


def test_there_is_no_such_parameter() -> None:
    assert columns_of(definitions()).parameter("Patient", "nmae") is None


def test_the_same_columns_for_the_same_definitions() -> None:
    assert columns_of(definitions()) is columns_of(definitions())


@pytest.mark.parametrize(
    "change",
    [
        {"components": (("http://example.org/unknown", "code"),)},
        {"components": (("http://hl7.org/fhir/SearchParameter/clinical-code", "category.exists()"),)},
        {"components": (("http://hl7.org/fhir/SearchParameter/clinical-code", "valueQuantity"),)},
        {"expression": "Observation.component.where(code.exists())"},
    ],
)
def test_a_composite_that_contradicts_itself_is_an_error_of_its_definition(change: dict[str, object]) -> None:
    url = "http://hl7.org/fhir/SearchParameter/Observation-code-value-quantity"
    definition = definitions().search_parameter_by_url(url)
    assert isinstance(definition, SearchParameter)
    with pytest.raises(DefinitionError, match=r"^http://hl7\.org/fhir/SearchParameter/"):
        Columns(definitions()).compile(structs.replace(definition, **change), "Observation")

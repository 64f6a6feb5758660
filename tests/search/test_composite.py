"""https://hl7.org/fhir/R4/search.html#composite"""

import pytest

from tests.search.searching import fits, refused, rows


def component(code: str, value: int) -> dict[str, object]:
    coding = {"system": "http://loinc.org", "code": code}
    return {"code": {"coding": [coding]}, "valueQuantity": {"value": value, "unit": "mmHg"}}


PRESSURE = {
    "resourceType": "Observation",
    "code": {"coding": [{"code": "85354-9"}]},
    "component": [component("8480-6", 120), component("8462-4", 80)],
}
HEIGHT = {"resourceType": "Observation"} | component("8302-2", 180)


@pytest.mark.parametrize(
    "search",
    [
        "component-code-value-quantity=8480-6$120",
        "component-code-value-quantity=http://loinc.org|8480-6$gt100||mmHg",
        "component-code-value-quantity=8480-6$ne80",
        "component-code-value-quantity=1$2,8462-4$80",
        "combo-code-value-quantity=8462-4$80",
    ],
)
def test_values_of_one_element(search: str) -> None:
    assert fits(PRESSURE, search)


@pytest.mark.parametrize(
    "search",
    [
        "component-code-value-quantity=8480-6$80",
        "component-code-value-quantity=8480-6$lt100",
        "combo-code-value-quantity=8462-4$120",
        "combo-code-value-quantity=85354-9$80",
        "code-value-quantity=8480-6$120",
    ],
)
def test_values_of_different_elements_do_not_belong_together(search: str) -> None:
    assert not fits(PRESSURE, search)


def test_values_of_the_resource_itself_need_no_rows_of_their_own() -> None:
    assert fits(HEIGHT, "code-value-quantity=8302-2$gt170") and fits(
        HEIGHT, "combo-code-value-quantity=8302-2$180"
    )
    assert not fits(HEIGHT, "code-value-quantity=8302-2$lt170")
    assert not rows(HEIGHT).instances


def test_several_columns_of_one_component() -> None:
    context = {"code": {"code": "age"}, "valueRange": {"low": {"value": 1}, "high": {"value": 5}}}
    value_set = {"resourceType": "ValueSet", "useContext": [context, {"code": {"code": "focus"}}]}
    assert fits(value_set, "context-type-quantity=age$le3")
    assert not fits(value_set, "context-type-quantity=focus$le3")


def test_a_component_that_stands_in_the_resource() -> None:
    sequence = {
        "resourceType": "MolecularSequence",
        "referenceSeq": {"chromosome": {"coding": [{"code": "1"}]}},
        "variant": [{"start": 10, "end": 20}, {"start": 30, "end": 40}],
    }
    assert fits(sequence, "chromosome-variant-coordinate=1$ge10$le20")
    assert not fits(sequence, "chromosome-variant-coordinate=2$ge10$le20")
    assert not fits(sequence, "chromosome-variant-coordinate=1$30$20")


def test_a_component_that_its_definition_misnames() -> None:
    """DocumentReference-relationship gives the parameters of its components the wrong way round."""
    document = {
        "resourceType": "DocumentReference",
        "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/old"}}],
    }
    assert fits(document, "relationship=replaces$DocumentReference/old")
    assert not fits(document, "relationship=appends$DocumentReference/old")


@pytest.mark.parametrize("value", ["8480-6", "8480-6$", "$5", "1$2$3", r"1\$2"])
def test_400_for_a_wrong_number_of_parts(value: str) -> None:
    assert refused(f"Observation?code-value-quantity={value}").issues[0].code == "value"


@pytest.mark.parametrize("modifier", ["missing", "exact", "not"])
def test_modifiers_are_not_used_on_composites(modifier: str) -> None:
    value = "true" if modifier == "missing" else "1$2"
    assert refused(f"Observation?code-value-quantity:{modifier}={value}").issues[0].code == "not-supported"

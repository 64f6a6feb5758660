"""https://hl7.org/fhir/R4/search.html#composite"""

from decimal import Decimal

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


UCUM = "http://unitsofmeasure.org"


def measured(value: str, unit: str) -> dict[str, object]:
    return {"valueQuantity": {"value": Decimal(value), "unit": unit, "system": UCUM, "code": unit}}


GLUCOSE = {"resourceType": "Observation", "code": {"coding": [{"code": "glucose"}, {"code": "2339-0"}]}}
GLUCOSE |= measured("90", "mg/dL")
PANEL = {
    "resourceType": "Observation",
    "code": {"coding": [{"code": "panel"}]},
    "component": [
        {"code": {"coding": [{"code": "weight"}]}} | measured("3.2", "kg"),
        {"code": {"coding": [{"code": "loss"}]}} | measured("150", "g"),
        {"code": {"coding": [{"code": "absent"}]}},
    ],
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"2339-0$0.90|{UCUM}|g/L", True),
        (f"glucose$900|{UCUM}|mg/L", True),
        (f"glucose$lt1|{UCUM}|g/L", True),
        (f"glucose$gt0.9|{UCUM}|g/L", False),
        (f"glucose$90|{UCUM}|mg/L", False),
        (f"glucose$90|{UCUM}|mmol/L", False),
        ("glucose$90||mg/dL", True),
        ("glucose$0.9||g/L", False),
        (f"other$1|{UCUM}|g/L,glucose$0.9|{UCUM}|g/L", True),
    ],
)
def test_quantities_of_the_resource_in_other_units(value: str, expected: bool) -> None:
    assert fits(GLUCOSE, f"code-value-quantity={value}") is expected
    assert fits(GLUCOSE, f"combo-code-value-quantity={value}") is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"weight$3200|{UCUM}|g", True),
        (f"weight$gt3|{UCUM}|kg", True),
        (f"loss$0.150|{UCUM}|kg", True),
        (f"loss$gt1|{UCUM}|kg", False),
        (f"loss$3.2|{UCUM}|kg", False),
        (f"weight$150|{UCUM}|g", False),
        (f"absent$150|{UCUM}|g", False),
        (f"panel$150|{UCUM}|g", False),
        (f"loss$ne3200|{UCUM}|g", True),
        (f"absent$ne3200|{UCUM}|g", False),  # a quantity that is not there is not another one either
    ],
)
def test_quantities_of_an_element_in_other_units(value: str, expected: bool) -> None:
    assert fits(PANEL, f"component-code-value-quantity={value}") is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("due$2026-03", True),
        ("due$ge2026-03-05", True),
        ("due$lt2026-03-05", False),
        ("other$2026-03", False),
    ],
)
def test_a_token_and_a_date(value: str, expected: bool) -> None:
    due = {
        "resourceType": "Observation",
        "code": {"coding": [{"code": "due"}]},
        "valueDateTime": "2026-03-05T10:00:00+08:00",
    }
    assert fits(due, f"code-value-date={value}") is expected


def test_separators_that_are_part_of_a_value() -> None:
    note = {"resourceType": "Observation", "code": {"coding": [{"code": "a$b"}]}, "valueString": "1,2$3|4"}
    assert fits(note, r"code-value-string=a\$b$1\,2\$3\|4")
    assert not fits(note, r"code-value-string=a\$b$2")


@pytest.mark.parametrize("prefix", ["xx", "eq eq", "$"])
def test_400_for_a_part_that_is_none(prefix: str) -> None:
    assert refused(f"Observation?code-value-quantity=a${prefix}5").issues[0].code == "value"


@pytest.mark.parametrize("value", ["8480-6", "8480-6$", "$5", "1$2$3", r"1\$2"])
def test_400_for_a_wrong_number_of_parts(value: str) -> None:
    assert refused(f"Observation?code-value-quantity={value}").issues[0].code == "value"


@pytest.mark.parametrize("modifier", ["missing", "exact", "not"])
def test_modifiers_are_not_used_on_composites(modifier: str) -> None:
    value = "true" if modifier == "missing" else "1$2"
    assert refused(f"Observation?code-value-quantity:{modifier}={value}").issues[0].code == "not-supported"

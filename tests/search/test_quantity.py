"""https://hl7.org/fhir/R4/search.html#quantity"""

from decimal import Decimal
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.searching import fits, refused, rows

UCUM = "http://unitsofmeasure.org"


def measured(value: str, **more: object) -> dict[str, object]:
    quantity = {"value": Decimal(value), "unit": "milligram", "system": UCUM, "code": "mg"} | more
    return {"resourceType": "Observation", "valueQuantity": quantity}


@pytest.mark.parametrize(
    "search",
    [
        f"5.4|{UCUM}|mg", "5.4||mg", "5.4||milligram", "5.4", f"le5.4|{UCUM}|mg", f"ap5.4|{UCUM}|mg",
        "gt5||mg", f"5.4|{UCUM}|g,5.4|{UCUM}|mg", "ne7",
    ],
)  # fmt: skip
def test_found(search: str) -> None:
    assert fits(measured("5.4"), f"value-quantity={search}")


@pytest.mark.parametrize(
    "search", [f"5.4|{UCUM}|g", "5.4||g", "5.4||MG", "5.5", f"lt5.4|{UCUM}|mg", "5.4|urn:x|mg", "gt6||mg"]
)
def test_not_found(search: str) -> None:
    assert not fits(measured("5.4"), f"value-quantity={search}")


@pytest.mark.parametrize(
    ("comparator", "search", "expected"),
    [
        ("<", "lt5.4", True),
        ("<", "gt5.4", False),
        ("<", "5.4", False),
        ("<", "lt1", True),
        (">", "gt1000", True),
        (">", "le5.4", False),
        (">=", "le5.4", True),
        ("<=", "ge5.4", True),
    ],
)
def test_a_value_with_a_comparator_is_a_range(comparator: str, search: str, expected: bool) -> None:
    assert fits(measured("5.4", comparator=comparator), f"value-quantity={search}") is expected


@pytest.mark.parametrize(
    "search",
    [
        f"0.0054|{UCUM}|g", f"5400|{UCUM}|ug", f"5.4e-6|{UCUM}|kg", f"0.0054|{UCUM}|g{{salt}}",
        f"gt0.0053|{UCUM}|g", f"ge0.0054|{UCUM}|g", f"le0.0054|{UCUM}|g", f"lt0.0055|{UCUM}|g",
        f"ne0.0053|{UCUM}|g", f"ap0.0058|{UCUM}|g", f"sa5399|{UCUM}|ug", f"eb5401|{UCUM}|ug",
        f"0.005|{UCUM}|g",
    ],
)  # fmt: skip
def test_other_units_of_the_same_kind(search: str) -> None:
    assert fits(measured("5.4"), f"value-quantity={quote(search)}")


@pytest.mark.parametrize(
    "search",
    [
        f"gt0.0054|{UCUM}|g", f"lt0.0054|{UCUM}|g", f"sa5400|{UCUM}|ug", f"eb5400|{UCUM}|ug",
        f"ne0.0054|{UCUM}|g", f"0.00540001|{UCUM}|g", f"ap0.007|{UCUM}|g", f"5.4|{UCUM}|mL", f"5.4|{UCUM}|Mg",
        "0.0054||g", "0.0054",
    ],
)  # fmt: skip
def test_not_found_by_another_value(search: str) -> None:
    assert not fits(measured("5.4"), f"value-quantity={search}")


def test_the_precision_is_of_the_unit_that_is_written() -> None:
    """0.005 g is 4.5 mg up to 5.5 mg, 5 mg is the same, 5000 ug is 4.9995 mg up to 5.0005 mg."""
    for search, expected in ((f"0.005|{UCUM}|g", True), (f"5|{UCUM}|mg", True), (f"5000|{UCUM}|ug", False)):
        assert fits(measured("5.4"), f"value-quantity={search}") is expected


@pytest.mark.parametrize(
    ("value", "unit", "search"),
    [
        ("37", "Cel", f"310.15|{UCUM}|K"),
        ("37.0", "Cel", f"98.6|{UCUM}|[degF]"),
        ("98.6", "[degF]", f"37.0|{UCUM}|Cel"),
        ("4.5", "10*3/uL", f"4.5|{UCUM}|10*9/L"),
        ("120", "mm[Hg]", f"15.99864|{UCUM}|kPa"),
        ("55", "%", f"0.55|{UCUM}|1"),
        ("72", "{beats}/min", f"72|{UCUM}|/min"),
        ("3", "{score}", f"3|{UCUM}|{{count}}"),
        ("2", "k[iU]/mL", f"2000|{UCUM}|[IU]/mL"),
        ("7.4", "[pH]", f"7.4|{UCUM}|[pH]"),
        ("37", "no unit", f"37|{UCUM}|no unit"),
    ],
)
def test_units_of_every_kind(value: str, unit: str, search: str) -> None:
    assert fits(measured(value, code=unit, unit=unit), f"value-quantity={quote(search)}")


def test_an_integer_beyond_all_floats() -> None:
    assert fits({"resourceType": "Observation", "valueQuantity": {"value": 10**400}}, "value-quantity=gt1")
    assert fits(
        {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": 10**400}]}, "probability=gt1"
    )


def test_units_that_are_not_of_ucum_are_compared_as_they_are() -> None:
    tablets = measured("2", system="http://snomed.info/sct", code="428673006", unit="tablet")
    assert fits(tablets, "value-quantity=2|http://snomed.info/sct|428673006")
    assert not fits(tablets, f"value-quantity=2|{UCUM}|428673006")
    assert not fits(tablets, f"value-quantity=2|{UCUM}|1")
    assert not fits(measured("5.4", system="urn:x"), f"value-quantity=5.4|{UCUM}|mg")


def test_ranges_with_ends_in_different_units() -> None:
    low, high = ({"value": value, "system": UCUM, "code": code} for value, code in ((500, "g"), (2, "kg")))
    of_weight = {"resourceType": "RiskAssessment", "id": "1"}
    assert not rows(of_weight).numbers
    definition = {
        "resourceType": "ActivityDefinition",
        "useContext": [{"code": {"code": "weight"}, "valueRange": {"low": low, "high": high}}],
    }
    for search, expected in (
        (f"ge500|{UCUM}|g", True),
        (f"le2000|{UCUM}|g", True),
        (f"gt2000|{UCUM}|g", False),
        (f"lt0.5|{UCUM}|kg", False),
        (f"ap1|{UCUM}|kg", True),
    ):
        assert fits(definition, f"context-quantity={search}") is expected


def test_values_beyond_all_floats() -> None:
    for value in ("1e400", "1e1000000"):
        assert fits(measured(value), f"value-quantity=gt1|{UCUM}|g")
        assert not fits(measured(value), f"value-quantity=lt1|{UCUM}|g")
    assert fits(measured("1e-400"), f"value-quantity=lt1|{UCUM}|g")


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-100000, max_value=100000),
    st.sampled_from(["eq", "ge", "le", "ap", "gt", "lt", "ne", "sa", "eb"]),
    st.sampled_from(
        [("mg", "g", -3), ("kg", "g", 3), ("ug", "kg", -9), ("mmol/L", "mol/m3", 0), ("s", "ks", -3)]
    ),
)
def test_the_same_number_in_two_units_is_the_same(
    number: Decimal, prefix: str, units: tuple[str, str, int]
) -> None:
    """Converting the value searched for, with its precision, changes nothing."""
    one, other, exponent = units
    observation = measured("12.3456", code=one, unit=one)
    searches = [f"{prefix}{number}|{UCUM}|{one}", f"{prefix}{number.scaleb(exponent):f}|{UCUM}|{other}"]
    first, second = (fits(observation, f"value-quantity={search}") for search in searches)
    assert first == second
    itself = fits(measured(str(number), code=one), f"value-quantity={searches[1]}")
    assert itself is (prefix in ("eq", "ge", "le", "ap"))


def test_a_unit_without_a_system() -> None:
    loose = {"resourceType": "Observation", "valueQuantity": {"value": 3, "unit": "Stück"}}
    assert fits(loose, "value-quantity=3||Stück") and fits(loose, "value-quantity=3")
    assert not fits(loose, f"value-quantity=3|{UCUM}|Stück")


def test_money_is_a_quantity_of_its_currency() -> None:
    invoice = {"resourceType": "Invoice", "totalGross": {"value": Decimal("120.50"), "currency": "CNY"}}
    assert fits(invoice, "totalgross=120.50|urn:iso:std:iso:4217|CNY") and fits(
        invoice, "totalgross=gt100||CNY"
    )
    assert not fits(invoice, "totalgross=120.50||USD")


def test_components_of_an_observation() -> None:
    pressure = {
        "resourceType": "Observation",
        "component": [{"valueQuantity": {"value": 107, "code": "mm[Hg]"}}],
    }
    assert fits(pressure, "component-value-quantity=107") and fits(pressure, "combo-value-quantity=107")
    assert not fits(pressure, "value-quantity=107")


@pytest.mark.parametrize("value", ["5|mg", "5|a|b|c", f"5|{UCUM}|", "mg", "", "|urn:x|mg", "xx5||mg"])
def test_400_for_what_is_no_quantity(value: str) -> None:
    assert refused(f"Observation?value-quantity={value}").issues[0].code == "value"

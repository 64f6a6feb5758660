"""https://hl7.org/fhir/R4/search.html#quantity"""

from decimal import Decimal

import pytest

from tests.search.searching import fits, refused

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

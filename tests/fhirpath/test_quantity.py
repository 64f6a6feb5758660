from decimal import Decimal

from fhir_server.fhirpath.quantity import Quantity, compare, equal, equivalent, from_fhir, parse_quantity


def quantity(number: str, unit: str) -> Quantity:
    return Quantity(Decimal(number), unit)


def test_a_quantity_of_fhir() -> None:
    assert from_fhir({"value": 1, "unit": "Gramm", "code": "g"}) == quantity("1", "g")
    assert from_fhir({"value": 1, "unit": "tablets"}) == quantity("1", "tablets")
    assert from_fhir({"value": 1}) == quantity("1", "1")


def test_an_open_quantity_of_fhir_has_no_value() -> None:
    assert from_fhir({"unit": "g"}) is None
    assert from_fhir({"value": 1, "comparator": "<"}) is None


def test_texts() -> None:
    assert parse_quantity("4 days") == quantity("4", "day")
    assert parse_quantity("4.5 'mg'") == quantity("4.5", "mg")
    assert parse_quantity("-4") == quantity("-4", "1")
    assert parse_quantity("4 mg") is None
    assert parse_quantity("mg") is None
    assert [str(quantity("4.50", unit)) for unit in ("mg", "day")] == ["4.50 'mg'", "4.50 day"]


def test_durations_convert() -> None:
    assert compare(quantity("2", "hour"), quantity("90", "min")) == 1
    assert equal(quantity("1", "week"), quantity("7", "d")) is True
    assert equal(quantity("1", "year"), quantity("12", "month")) is True


def test_other_units_are_respected_and_not_converted() -> None:
    assert compare(quantity("1", "g"), quantity("1", "mg")) is None
    assert equal(quantity("1", "year"), quantity("1", "a")) is None
    assert equivalent(quantity("1", "year"), quantity("1", "a"))

from decimal import Decimal

from fhir_server.fhirpath.quantity import (
    Quantity,
    add,
    compare,
    divide,
    equal,
    equivalent,
    from_fhir,
    multiply,
    parse_quantity,
)


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


def test_units_are_converted_by_ucum() -> None:
    assert compare(quantity("1", "g"), quantity("1", "mg")) == 1
    assert equal(quantity("98.6", "[degF]"), quantity("37", "Cel")) is True
    assert equal(quantity("50", "%"), quantity("0.5", "1")) is True
    assert compare(quantity("1", "g"), quantity("1", "mL")) is None
    assert compare(quantity("1", "tablets"), quantity("1", "mg")) is None


def test_sums_have_the_finer_unit() -> None:
    assert add(quantity("1", "m"), quantity("2", "cm"), 1) == quantity("102", "cm")
    assert add(quantity("2", "cm"), quantity("1", "m"), -1) == quantity("-98", "cm")
    assert add(quantity("1", "week"), quantity("1", "d"), 1) == quantity("8", "d")
    assert add(quantity("1", "m"), quantity("1", "s"), 1) is None
    # a point on a scale and a difference
    assert add(quantity("20", "Cel"), quantity("1", "K"), 1) is None


def test_products_and_quotients() -> None:
    assert multiply(quantity("12", "cm"), quantity("3", "cm")) == quantity("36", "cm2")
    assert multiply(quantity("2", "1"), quantity("3", "mg")) == quantity("6", "mg")
    assert multiply(quantity("2", "cm"), quantity("2", "m")) == quantity("0.04", "m2")
    assert divide(quantity("36", "cm2"), quantity("3", "cm")) == quantity("12", "cm")
    assert divide(quantity("12", "mg"), quantity("3", "mg")) == quantity("4", "1")
    assert divide(quantity("12", "m"), quantity("3", "s")) == quantity("4", "m.s-1")
    assert divide(quantity("12", "m"), quantity("0", "s")) is None
    assert multiply(quantity("2", "tablets"), quantity("2", "m")) is None


def test_a_calendar_year_is_no_definite_one() -> None:
    assert equal(quantity("1", "year"), quantity("1", "a")) is None
    assert equivalent(quantity("1", "year"), quantity("1", "a"))

"""https://hl7.org/fhir/R4/search.html#number"""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.search.searching import fits, refused


def risk(probability: object) -> dict[str, object]:
    return {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": probability}]}


def matches(value: str, search: str) -> bool:
    return fits(risk(Decimal(value)), f"probability={search}")


@pytest.mark.parametrize(
    ("search", "fitting", "not_fitting"),
    [
        # the table of the specification
        ("100", ["99.5", "100", "100.49"], ["99.4", "100.5"]),
        ("100.00", ["99.995", "100.0049"], ["99.99", "100.005"]),
        ("1e2", ["95", "104.9"], ["94.9", "105"]),
        ("lt100", ["99.99"], ["100", "100.01"]),
        ("le100", ["99.99", "100"], ["100.01"]),
        ("gt100", ["100.01"], ["100", "99.99"]),
        ("ge100", ["100.01", "100"], ["99.99"]),
        ("ne100", ["99.4", "100.5"], ["99.5", "100", "100.4"]),
        # and what its sentences add
        ("1.00e2", ["99.5", "100.4"], ["99.4", "100.5"]),
        ("5.40e-3", ["0.005395", "0.0054", "0.0054049"], ["0.00539", "0.005405"]),
        ("ap100", ["90", "110"], ["89", "111"]),
        ("sa100", ["100.01"], ["100"]),
        ("eb100", ["99.99"], ["100"]),
        ("-5", ["-5.4", "-5"], ["5", "-5.6"]),
        ("eq2", ["2", "1.5"], ["3"]),
        ("0.8,0.2", ["0.8", "0.2"], ["0.5"]),
        ("gt8e-1", ["0.9"], ["0.8"]),
    ],
)
def test_the_table_of_the_specification(search: str, fitting: list[str], not_fitting: list[str]) -> None:
    for value in fitting:
        assert matches(value, search), value
    for value in not_fitting:
        assert not matches(value, search), value


def test_E12_precision_is_as_written() -> None:
    assert matches("1.04", "1.0") and not matches("1.04", "1.00")


def test_E12_400_for_a_number_out_of_range_at_once() -> None:
    started = time.process_time()
    for value in ("1e1000000", "1e999", "9" * 100_000, "1e-999999999"):
        assert refused(f"RiskAssessment?probability={value}").issues[0].code == "value"
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    "value", ["", "abc", "xx5", "1,", "NaN", "Infinity", "0x10", "1_000", "gt", "' OR 1=1--"]
)
def test_400_for_what_is_no_number(value: str) -> None:
    assert refused(f"RiskAssessment?probability={value}").issues[0].code == "value"


def test_ranges() -> None:
    chance = {"low": {"value": Decimal("0.2")}, "high": {"value": Decimal("0.4")}}
    assessed = {"resourceType": "RiskAssessment", "prediction": [{"probabilityRange": chance}]}
    for search in ("ge0.3", "le0.3", "gt0.3", "lt0.3", "ap0.3", "ne0.3", "sa0.1", "eb0.5"):
        assert fits(assessed, f"probability={search}"), search
    for search in ("0.3", "sa0.3", "eb0.3", "gt0.4", "lt0.2"):
        assert not fits(assessed, f"probability={search}"), search
    unlimited = {
        "resourceType": "RiskAssessment",
        "prediction": [{"probabilityRange": {"low": {"value": 1}}}],
    }
    assert fits(unlimited, "probability=gt1000000")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_a_number_equals_itself_and_nothing_beyond_its_precision(number: Decimal) -> None:
    text = format(number, "f")
    assert matches(text, text)
    assert matches(text, f"ge{text}") and matches(text, f"le{text}") and matches(text, f"ap{text}")
    assert not matches(text, f"ne{text}")
    if abs(number) < 10**8:  # beyond it the millionth is lost in a double
        assert not matches(format(number + Decimal("0.000001"), "f"), text)

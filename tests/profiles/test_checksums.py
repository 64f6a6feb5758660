"""Acceptance test 13: the invariants of identifiers say what fhir_server/alliance/identifiers.py says."""

from collections.abc import Callable
from datetime import date
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.alliance import systems
from fhir_server.alliance.identifiers import (
    CREDIT_CHARACTERS,
    credit_check,
    is_credit_code,
    is_organization_code,
    is_resident_number,
    organization_check,
    resident_number,
)
from fhir_server.definitions.registry import load
from fhir_server.fhirpath import compile_expression
from tests.profiles.package import by_id


@cache
def invariant(profile: str, key: str) -> Callable[[str, str], bool]:
    """(system, value) of an Identifier -> whether the invariant holds."""
    elements = by_id("StructureDefinition")[profile]["differential"]["element"]
    found = [
        each["expression"]
        for element in elements
        for each in element.get("constraint", ())
        if each["key"] == key
    ]
    expression = compile_expression(found[0], load(), "Identifier")
    return lambda system, value: expression.evaluate({"system": system, "value": value}) == [True]


def is_resident(value: str) -> bool:
    found = {
        invariant(profile, "idcn-1")(systems.RESIDENT_NUMBER, value)
        for profile in ("alliance-patient", "alliance-practitioner")
    }
    (answer,) = found
    return answer


def is_credit(value: str) -> bool:
    return invariant("alliance-organization", "uscc-1")(systems.CREDIT_CODE, value)


def is_organization(value: str) -> bool:
    return invariant("alliance-organization", "orgcode-1")(systems.ORGANIZATION_CODE, value)


@pytest.mark.parametrize("value", ["11010519491231002X", "43018119900307123X", "433127197012011568"])
def test_E10_13_a_resident_number_that_is_right(value: str) -> None:
    assert is_resident(value) and is_resident_number(value)


@pytest.mark.parametrize(
    "value",
    [
        "110105194912310021",  # wrong check character
        "43018119900307124X",  # wrong digit
        "11010519491231002x",  # lower case
        "110105491231002",  # the form of before 1999
        "１１０１０５１９４９１２３１００２X",  # full width
        "110105194902300029",  # 30 February
        "",
    ],
)
def test_E10_13_a_resident_number_that_is_wrong(value: str) -> None:
    assert not is_resident(value) and not is_resident_number(value)


def test_E10_13_credit_and_organisation_codes() -> None:
    assert is_credit("91350100M000100Y43") and is_credit("12430181448812349J")
    for wrong in ("91350100M000100Y44", "12430181448812349j", "I2430181448812349J", "１2430181448812349J"):
        assert not is_credit(wrong) and not is_credit_code(wrong)
    assert is_organization("448812349")
    for wrong in ("448812340", "44881234", "44881234９", "4488-2349"):
        assert not is_organization(wrong) and not is_organization_code(wrong)


def test_E10_13_numbers_of_other_systems_are_not_judged() -> None:
    assert invariant("alliance-patient", "idcn-1")("urn:oid:2.16.156.10011.1.2", "x")


@given(
    st.dates(date(1900, 1, 1), date(2026, 11, 28)),
    st.integers(0, 999),
    st.integers(0, 17),
    st.characters(),
)
def test_E10_13_resident_numbers_agree(born: date, sequence: int, place: int, character: str) -> None:
    good = resident_number("430181", born, sequence)
    assert is_resident(good)
    changed = good[:place] + character + good[place + 1 :]
    assert is_resident(changed) == is_resident_number(changed)


@given(st.text(CREDIT_CHARACTERS, min_size=17, max_size=17), st.sampled_from(CREDIT_CHARACTERS))
def test_E10_13_credit_codes_agree(first: str, check: str) -> None:
    assert is_credit(first + credit_check(first))
    assert is_credit(first + check) == is_credit_code(first + check)


@given(
    st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=8, max_size=8),
    st.sampled_from("0123456789XA"),
)
def test_E10_13_organisation_codes_agree(first: str, check: str) -> None:
    assert is_organization(first + organization_check(first))
    assert is_organization(first + check) == is_organization_code(first + check)

"""Check characters: published vectors, and that one wrong character is always found."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.alliance.identifiers import (
    CREDIT_CHARACTERS,
    credit_check,
    credit_code,
    is_credit_code,
    is_organization_code,
    is_resident_number,
    organization_check,
    resident_number,
)


@pytest.mark.parametrize("text", ["11010519491231002X", "43018119900307123X", "433127197012011568"])
def test_a_resident_number_with_its_check_character(text: str) -> None:
    assert is_resident_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021",  # wrong check character
        "11010519491231002x",  # lower case
        "110105194902300029",  # 30 February
        "110105491231002",  # the form of before 1999
        "１１０１０５１９４９１２３１００２X",  # full width
        "",
    ],
)
def test_a_resident_number_that_is_wrong(text: str) -> None:
    assert not is_resident_number(text)


@given(
    st.dates(date(1900, 1, 1), date(2026, 11, 23)),
    st.integers(0, 999),
    st.integers(0, 16),
    st.integers(1, 9),
)
def test_one_wrong_digit_of_a_resident_number_is_found(
    born: date, sequence: int, place: int, step: int
) -> None:
    good = resident_number("430181", born, sequence)
    assert is_resident_number(good)
    wrong = str((int(good[place]) + step) % 10)
    assert not is_resident_number(good[:place] + wrong + good[place + 1 :])


def test_a_credit_code_with_its_check_character() -> None:
    assert credit_check("91350100M000100Y4") == "3"
    assert is_credit_code("91350100M000100Y43")
    assert is_credit_code("12430181448812349J")


@pytest.mark.parametrize(
    "text", ["91350100M000100Y44", "91350100I000100Y43", "91350100m000100Y43", "9135", ""]
)
def test_a_credit_code_that_is_wrong(text: str) -> None:
    assert not is_credit_code(text)


def test_a_credit_code_of_another_length_has_no_check_character() -> None:
    with pytest.raises(ValueError, match="17 are wanted"):
        credit_check("91350100")


@given(st.text(CREDIT_CHARACTERS, min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 30))
def test_one_wrong_character_of_a_credit_code_is_found(first: str, place: int, step: int) -> None:
    good = first + credit_check(first)
    assert is_credit_code(good)
    wrong = CREDIT_CHARACTERS[(CREDIT_CHARACTERS.index(good[place]) + step) % 31]
    assert not is_credit_code(good[:place] + wrong + good[place + 1 :])


def test_an_organisation_code_stands_inside_the_credit_code() -> None:
    code = "44881234" + organization_check("44881234")
    assert is_organization_code(code)
    assert not is_organization_code(code[:-1] + ("1" if code[-1] != "1" else "2"))
    assert credit_code("430181", code)[8:17] == code
    assert is_credit_code(credit_code("430181", code))

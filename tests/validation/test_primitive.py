"""Dates against the calendar of the standard library; numbers; base64."""

import base64
import calendar
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.validation.primitive import PRIMITIVES
from fhir_server.validation.scope import Scope
from tests.validation.checking import definitions


def accepts(type_name: str, value: object) -> bool:
    return PRIMITIVES[type_name].accepts(value, Scope())


def test_every_primitive_type_of_the_release_has_a_rule() -> None:
    names = {
        name
        for resource_type in definitions().resource_types
        for _, name in definitions().type(resource_type).properties.values()
        if definitions().type(name).kind == "primitive"
    }
    extension = definitions().type("Extension").properties.values()
    names |= {name for _, name in extension if definitions().type(name).kind == "primitive"}
    assert names <= set(PRIMITIVES)
    assert set(PRIMITIVES) - names == {"xhtml"}  # of Narrative only


@pytest.mark.parametrize("year", [1, 4, 100, 400, 1900, 2000, 2023, 2024, 9999])
def test_days_are_those_of_the_calendar(year: int) -> None:
    for month in range(14):
        for day in range(33):
            text = f"{year:04}-{month:02}-{day:02}"
            real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
            assert accepts("date", text) is real
            assert accepts("dateTime", text) is real
            assert accepts("instant", f"{text}T00:00:00Z") is real


@given(st.integers(0, 9999))
def test_leap_years_are_those_of_the_calendar(year: int) -> None:
    assert accepts("date", f"{year:04}-02-29") is (year > 0 and calendar.isleap(year))


@given(st.dates(), st.times(), st.integers(-14 * 60, 14 * 60))
def test_any_real_instant_is_accepted(day: date, time: object, offset: int) -> None:
    hours, minutes = divmod(abs(offset), 60)
    zone = f"{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}"
    text = f"{day}T{time}{zone}"
    assert accepts("instant", text)
    assert accepts("dateTime", text)
    assert not accepts("date", text)


@given(st.text(max_size=30))
def test_any_text_is_a_string_when_it_is_not_empty(text: str) -> None:
    assert accepts("string", text) is (text != "")


@given(st.binary(min_size=1), st.sampled_from(["", "\n", " \r\n"]))
def test_what_base64_encodes_is_accepted(data: bytes, between: str) -> None:
    text = base64.b64encode(data).decode()
    assert accepts("base64Binary", between.join(text[at : at + 4] for at in range(0, len(text), 4)))


@given(st.integers())
def test_integers_are_bounded(number: int) -> None:
    assert accepts("integer", number) is (-(2**31) <= number < 2**31)
    assert accepts("positiveInt", number) is (0 < number < 2**31)
    assert accepts("unsignedInt", number) is (0 <= number < 2**31)


@given(st.text("ab c\t\u3000\xa0", max_size=6))
def test_codes_have_single_spaces_inside_only(text: str) -> None:
    words = text.replace("\t", " ").split(" ")
    assert accepts("code", text) is (text != "" and "" not in words)


@given(st.text("ab #/\t\u3000", max_size=6))
def test_uris_have_no_white_space(text: str) -> None:
    assert accepts("uri", text) is (text != "" and " " not in text and "\t" not in text)


def test_a_fragment_counts_as_a_use() -> None:
    scope = Scope()
    assert PRIMITIVES["canonical"].accepts("#q", scope)
    assert scope.uris == ["#q"]

"""https://hl7.org/fhir/R4/search.html#escaping"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.search.values import alternatives, split, unescape


def escape(text: str) -> str:
    for character in "\\,$|":
        text = text.replace(character, "\\" + character)
    return text


@given(st.lists(st.text(), min_size=1), st.sampled_from(",$|"))
def test_parts_that_are_escaped_and_joined_come_back(parts: list[str], separator: str) -> None:
    joined = separator.join(escape(part) for part in parts)
    assert [unescape(part) for part in split(joined, separator)] == parts


def test_a_separator_that_is_escaped_is_part_of_the_value() -> None:
    assert split(r"a\,b,c", ",") == [r"a\,b", "c"]
    assert unescape(r"a\,b") == "a,b"


def test_a_backslash_before_anything_else_is_a_backslash() -> None:
    assert unescape(r"C:\temp\\x") == r"C:\temp\x"


def test_alternatives() -> None:
    assert alternatives("a,b") == ["a", "b"]


@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "a,,b"])
def test_400_for_an_empty_value(text: str) -> None:
    with pytest.raises(FhirError) as caught:
        alternatives(text)
    assert (caught.value.status, caught.value.issues[0].code) == (400, "value")

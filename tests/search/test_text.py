"""https://hl7.org/fhir/R4/search.html#string"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.text import has_ideographs, normalise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("EVE", "eve"),
        ("Élodie", "elodie"),
        ("e\u0301lodie", "élodie"),
        ("Straße", "STRASSE"),
        ("van  der\tBerg ", "van der berg"),
        ("ＡＢＣ１２３", "abc123"),  # full width
        ("ｱｲｳ", "アイウ"),  # half width
        ("阿卜杜·热合曼", "阿卜杜•热合曼"),
        ("阿卜杜・热合曼", "阿卜杜·热合曼"),
        ("张 三", "张三"),
        ("张\u3000三", "张三"),  # ideographic space
        ("𠮷 野", "𠮷野"),  # four bytes in UTF-8
        ("한국어", "한국어"),  # a letter and its parts
    ],
)
def test_alike(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("O'Brien", "obrien"),
        ("100%", "100"),
        ("が", "か"),
        ("li ming", "liming"),
        ("a_b", "a b"),
        ("单", "单于"),
    ],
)
def test_different(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_way_of_ascii_is_the_long_way(text: str) -> None:
    assert normalise(text) == normalise(text + "é").removesuffix("e").rstrip()


@given(st.text())
def test_white_space_around_does_not_count(text: str) -> None:
    assert normalise(f"\n {text}\t") == normalise(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("张", True), ("a𠮷", True), ("é", False), ("·", False), ("が", False)]
)
def test_ideographs(text: str, expected: bool) -> None:
    assert has_ideographs(text) is expected

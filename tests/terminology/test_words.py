import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.terminology.words import asked, matches, phrases, tokens


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Staphylococcus aureus", " staphylococcus aureus"),
        ("肺炎链球菌", " 肺 炎 链 球 菌"),
        ("J18.900x001", " j18 900x001"),
        ("2型糖尿病", " 2 型 糖 尿 病"),
        ("ＣＴ 检查", " ct 检 查"),  # full width
        ("Sjögren’s", " sjogren s"),
        ("…", ""),
        ("", ""),
    ],
)
def test_tokens(text: str, found: str) -> None:
    assert tokens(text) == found


@pytest.mark.parametrize(
    ("text", "filter_", "found"),
    [
        ("Staphylococcus aureus", "aur", True),
        ("Staphylococcus aureus", "AUR staph", True),  # any order
        ("Staphylococcus aureus", "ureus", False),  # the beginning of a word
        ("Staphylococcus aureus", "staph strep", False),
        ("肺炎链球菌肺炎", "球菌", True),  # anywhere
        ("肺炎链球菌肺炎", "肺炎链", True),
        ("肺炎链球菌肺炎", "肺链", False),
        ("J18.900x001", "j18.9", True),
        ("J18.900x001", "J18", True),
        ("J18.900x001", "J1", True),
        ("J18.900x001", "18", False),
        ("2型糖尿病", "2型", True),
        ("anything", "", True),
        ("anything", "---", True),
    ],
)
def test_a_filter_finds(text: str, filter_: str, found: bool) -> None:
    assert matches(tokens(text), phrases(filter_)) is found


@given(st.text(max_size=20))
def test_a_text_is_found_by_itself(text: str) -> None:
    assert matches(tokens(text), phrases(text))


@given(st.text(alphabet="肺炎链球菌a b1", max_size=8), st.integers(0, 8), st.integers(0, 8))
def test_ideographs_are_found_by_any_part(text: str, start: int, end: int) -> None:
    part = text[start:end]
    if all(each > "z" for each in part):
        assert matches(tokens(text), phrases(part))


def test_an_index_is_asked_for_what_begins_with_a_token_unless_it_is_an_ideograph() -> None:
    assert asked(phrases("肺炎 j18 か α 2型")) == (" 肺 炎 ", " j18", " か", " α", " 2 型 ")

"""How Chinese names are read, and how people type it."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.pinyin import INITIALS_OF_A_TEXT, LENGTH, OF_A_TEXT, initials, readings, typed
from fhir_server.search.text import normalise


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("张三", ("zhangsan",)),
        ("王建国", ("wangjianguo",)),
        ("单明", ("shanming", "danming", "chanming")),
        ("曾国藩", ("zengguofan", "cengguofan")),
        ("朴树", ("piaoshu", "pushu", "poshu")),
        ("欧阳明", ("ouyangming",)),
        ("诸葛明", ("zhugeming",)),
        ("吕布", ("lvbu", "lubu", "lyubu")),
        ("𠮷䶮", ("jiyan",)),
        ("李a", ("lia",)),
        ("古丽·曼", ("guliman",)),
        ("", ()),
        ("eve", ()),
        ("ゆき", ()),
    ],
)
def test_readings(text: str, found: tuple[str, ...]) -> None:
    assert readings(text, surname=True) == found


@pytest.mark.parametrize(
    ("surname", "both"),
    [
        ("单", "shan dan"), ("解", "xie jie"), ("查", "zha cha"), ("仇", "qiu chou"), ("区", "ou qu"),
        ("曾", "zeng ceng"), ("尉", "wei yu"), ("乐", "yue le"), ("盖", "ge gai"), ("朴", "piao pu"),
        ("任", "ren"), ("翟", "zhai di"), ("缪", "miao mou"), ("黑", "he hei"), ("员", "yun yuan"),
    ],
)  # fmt: skip
def test_a_surname_has_its_own_reading_first_and_the_ordinary_one_too(surname: str, both: str) -> None:
    first, *others = both.split()
    found = readings(surname, surname=True)
    assert found[0] == first
    assert set(others) <= set(found)


@pytest.mark.parametrize(
    ("text", "first"),
    [("尉迟恭", "yu chi gong"), ("万俟明", "mo qi ming"), ("长孙明", "zhang sun ming"),
     ("澹台明", "tan tai ming"), ("单于明", "chan yu ming"), ("令狐冲", "ling hu chong")],
)  # fmt: skip
def test_surnames_of_two_characters_have_readings_of_their_own(text: str, first: str) -> None:
    assert readings(text, surname=True)[0] == first.replace(" ", "")
    assert initials(text, surname=True)[0] == "".join(syllable[0] for syllable in first.split())


def test_a_given_name_is_read_in_all_ways() -> None:
    assert set(readings("长乐")) >= {"changle", "zhangle", "changyue", "zhangyue"}


@pytest.mark.parametrize(
    ("text", "found"),
    [("张三", "zs"), ("欧阳修", "oyx"), ("北京协和医院", "bjxhyy"), ("张", None), ("eve", None)],
)
def test_initials(text: str, found: str | None) -> None:
    assert initials(text, surname=True)[:1] == (() if found is None else (found,))


def test_a_text_of_many_readings_has_few() -> None:
    """乐 has three at least: 64 of them have more than there are atoms."""
    found = readings("乐" * 1000)
    assert len(found) == OF_A_TEXT
    assert found[0] == "le" * LENGTH
    assert len(initials("乐" * 1000)) == INITIALS_OF_A_TEXT


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("zhangsan", "zhangsan"), ("Zhang San", "zhangsan"), ("ZHANG  SAN", "zhangsan"),
        ("zhāng sān", "zhangsan"), ("zha\u0304ng", "zhang"), ("zhang1san1", "zhangsan"), ("Xi'an", "xian"),
        ("Wei-Guo", "weiguo"), ("lǚ", "lv"), ("lü", "lv"), ("Lu\u0308", "lv"), ("lv", "lv"),
        ("ｚｈａｎｇ", "zhang"), ("zs", "zs"), ("di3", "di"), ("A·ma", "ama"), ("A•ma", "ama"),
        ("a・ma", "ama"),
        ("张", None), ("zhang 三", None), ("50%", None), ("%", None), ("", None), ("'", None),
    ],
)  # fmt: skip
def test_typed(text: str, found: str | None) -> None:
    assert typed(text) == found


@given(st.text(alphabet="张单曾解查长乐吕𠮷·a 重", max_size=12), st.booleans())
def test_every_reading_is_what_somebody_may_type(text: str, surname: bool) -> None:
    text = normalise(text)
    for found in (*readings(text, surname=surname), *initials(text, surname=surname)):
        assert typed(found) == found


def test_the_dictionary_is_loaded_for_the_first_ideograph_and_without_phrases() -> None:
    program = """
import sys
from fhir_server.search.pinyin import readings
readings("eve", surname=True)
assert "pypinyin" not in sys.modules
assert readings("张") == ("zhang",)
assert "pypinyin" in sys.modules
assert "pypinyin.phrases_dict" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)

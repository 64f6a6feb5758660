"""https://hl7.org/fhir/R4/search.html#text"""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.search.full_text import DEPTH, WORDS, parse
from fhir_server.store.algebra import And, FullText, Not, Or
from tests.search.searching import compiled, fits, refused

TEXT = {"status": "generated", "div": "<div>Bone metastases, 高血压三级。 Chest pain</div>"}
CONDITION: dict[str, Any] = {
    "resourceType": "Condition",
    "text": TEXT,
    "code": {"text": "2型糖尿病", "coding": [{"code": "E11", "display": "Type 2 diabetes mellitus"}]},
    "subject": {"display": "张三"},
}


def has(*words: str, prefix: bool = False) -> FullText:
    return FullText("narrative", words, prefix)


@pytest.mark.parametrize(
    "query",
    [
        "bone", "BONE", "bone metastases", "metastases bone", "(bone OR liver) and metastases",
        "(bone or liver) AND metastases", "liver or bone", '"chest pain"', "-liver bone", "bone not liver",
        "bone and not (liver or brain)", "metast*", "高", "压", "血压", "高血压", "高血压三级", "三级", "级",
        "高血压 bone", "高血* ", "bone -糖尿病", "not liver", r'"Bone metastases\, 高血压"', "bone & chest",
        "bone,liver", "liver,bone", "chest-pain", "bone!", "“bone”", "(((bone)))", '"bone"',
    ],
)  # fmt: skip
def test_found_in_the_narrative(query: str) -> None:
    assert fits(CONDITION, f"_text={quote(query)}")
    assert fits(CONDITION, f"_content={quote(query)}") == ("糖尿病" not in query)


@pytest.mark.parametrize(
    "query",
    ["liver", "bone liver", '"pain chest"', "bone -chest", "bon", "etastases", "压高", "高压", "血三",
     "not bone", "糖尿病", "diabetes", "张三", "高级", '"三级 chest liver"', "generated"],
)  # fmt: skip
def test_not_found_in_the_narrative(query: str) -> None:
    assert not fits(CONDITION, f"_text={quote(query)}")


@pytest.mark.parametrize(
    "query",
    ["糖尿病", "2型糖尿病", "糖", "病", "型糖", "diabetes mellitus", "张三", "张"],
)  # fmt: skip
def test_found_in_the_content(query: str) -> None:
    assert fits(CONDITION, f"_content={quote(query)}")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("a b", And((has("a"), has("b")))),
        ("a and b", And((has("a"), has("b")))),
        ("a or b c", Or((has("a"), And((has("b"), has("c")))))),
        ("(a or b) c", And((Or((has("a"), has("b"))), has("c")))),
        ("-a", Not(has("a"))),
        ("not not a", has("a")),
        ("- a", has("a")),
        ('-"a b"', Not(has("a", "b"))),
        ("-(a b)", Not(And((has("a"), has("b"))))),
        ("met*", has("met", prefix=True)),
        ("2*", None),
        ('"met*"', has("met")),
        ("a-b", has("a", "b")),
        ("x:y^2~", has("x", "y", "2")),
        ("NEAR(a b)", And((has("near"), has("a"), has("b")))),
        ("{narrative} : a", And((has("narrative"), has("a")))),
        ("' OR 1=1--", has("1", "1")),
        ('"and"', has("and")),
        ("高*", has("高")),
    ],
)
def test_parse(text: str, node: object) -> None:
    if node is None:
        with pytest.raises(FhirError):
            parse(text, "narrative")
    else:
        assert parse(text, "narrative") == node


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("(a", "at 3"), ("a)", "at 2"), ('"a', "at 1"), ('a "b', "at 3"), ("and", "at 1"), ("a and", "at 6"),
        ("or b", "at 1"), ("a or or b", "at 6"), ("()", "at 2"), ("not", "at 4"), ("*", "no word"),
        ("%", "no word"), ("a*", "2 characters"), ("-", "no word"),
    ],
)  # fmt: skip
def test_400_says_where(query: str, place: str) -> None:
    found = refused(f"Patient?_text={quote(query)}")
    assert found.issues[0].code == "value"
    assert place in found.issues[0].diagnostics


@pytest.mark.parametrize("query", ["(" * (DEPTH + 2) + "a", "not " * (DEPTH + 2) + "a", "a " * (WORDS + 1)])
def test_E08_a_query_has_bounds(query: str) -> None:
    assert refused(f"Patient?_content={quote(query)}").issues[0].code == "too-costly"


@given(st.text(alphabet="ab高血 ()\"-*,'%ornd&", max_size=20))
def test_any_text_is_a_query_or_says_why_not(text: str) -> None:
    try:
        parse(text, "anywhere")
    except FhirError as error:
        assert error.status == 400


@pytest.mark.parametrize(
    "search", ["_text:contains=a", "_content:exact=a", "_text:missing=true", "_text:not=a"]
)
def test_they_have_no_modifiers(search: str) -> None:
    assert refused(f"Patient?{search}").issues[0].code == "not-supported"


def test_types_without_a_narrative_have_no_text() -> None:
    assert refused("Binary?_text=a").issues[0].code == "not-supported"
    assert compiled("Binary?_content=a").where == FullText("anywhere", ("a",))
    assert compiled("?_text=a").where == FullText("narrative", ("a",))
    assert refused("List?item:Binary._text=a").issues[0].code == "not-supported"


def test_a_chain_to_any_type_goes_to_those_that_have_a_narrative() -> None:
    found = repr(compiled("List?item._text=a").where)
    assert "'Patient'" in found and "'Binary'" not in found
    assert compiled("Patient?_has:List:item:item._text=a").where != compiled("Patient").where


def test_through_chains() -> None:
    assert compiled("Observation?subject:Patient._content=a").where != compiled("Observation").where
    assert compiled("Patient?_has:Observation:patient:_text=a").where != compiled("Patient").where

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.fhirpath import FhirPathError, ast, parse
from fhir_server.fhirpath.parser import DEPTH_LIMIT, LENGTH_LIMIT


def test_a_path_is_steps_from_the_type() -> None:
    assert parse("Patient.name.family") == ast.Path(ast.Path(ast.Path(None, "Patient"), "name"), "family")


def test_both_spellings_of_as_are_one_node() -> None:
    tree = ast.As(ast.Path(ast.Path(None, "Observation"), "value"), ast.TypeSpecifier(None, "Quantity"))
    assert parse("Observation.value as Quantity") == tree
    assert parse("Observation.value.as(Quantity)") == tree
    assert parse("as(Quantity)") == ast.As(ast.This(), ast.TypeSpecifier(None, "Quantity"))


def test_a_chain_of_unions_is_one_node() -> None:
    a, b, c = (ast.Path(None, name) for name in "abc")
    assert parse("a | b | c") == parse("(a | b) | c") == ast.Union((a, b, c))
    assert parse("a | (b | c)") == ast.Union((a, ast.Union((b, c))))


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a or b and c", "a or (b and c)"),
        ("a implies b or c", "a implies (b or c)"),
        ("a implies b implies c", "(a implies b) implies c"),
        ("a in b and c", "(a in b) and c"),
        ("a = b in c", "(a = b) in c"),
        ("a < b = c", "(a < b) = c"),
        ("a | b < c", "(a | b) < c"),
        ("a is B | c", "(a is B) | c"),
        ("a + b is C", "(a + b) is C"),
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("-a * b", "(-a) * b"),
        ("-a.b[0]", "-((a.b)[0])"),
        ("a & b | c", "(a & b) | c"),
        ("a/* one */.b // two", "a.b"),
    ],
)
def test_precedence(text: str, same: str) -> None:
    assert parse(text) == parse(same)


def test_keywords_are_names_where_the_grammar_lets_them() -> None:
    assert parse("is.contains.in.as") == parse("`is`.`contains`.`in`.`as`")
    assert parse("text.`div`") == ast.Path(ast.Path(None, "text"), "div")


def test_units_of_the_calendar_follow_a_number() -> None:
    assert parse("4 days") == parse("4 day") == ast.Quantity("4", "day", calendar=True)
    assert parse("4 'd'") == ast.Quantity("4", "d", calendar=False)
    assert parse("days") == ast.Path(None, "days")


def test_escapes() -> None:
    assert parse(r"'\'\"\`\\\/\n\r\t\f\u4e2d\uD83D\uDE00'") == ast.String("'\"`\\/\n\r\t\f中😀")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a.", 1, 3),
        ("a\n  .b..c", 2, 6),
        ("name.where(use = 'home'", 1, 24),
        ("'unfinished", 1, 1),
        ("a /* unfinished", 1, 3),
        ("a ? b", 1, 3),
        (r"'\q'", 1, 2),
        ("", 1, 1),
        ("a.$this", 1, 3),
        ("a is 'B'", 1, 6),
        ("a is A.B.C", 1, 9),
        ("a b", 1, 3),
        ("a.as(b + c)", 1, 8),
        ("{ 1 }", 1, 3),
        ("and", 1, 1),
    ],
)
def test_an_error_names_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(FhirPathError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).endswith(f"(line {line}, column {column})")


@pytest.mark.parametrize("text", ["(" * 50_000 + ")" * 50_000, "-" * 100_000 + "1", "a" + ".a" * 50_000])
def test_E17_a_hundred_kilobytes_are_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(FhirPathError, match="characters"):
        parse(text)
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize("unit", ["(", "-", "a[", "f(", "(-", "a.where("])
def test_E17_nesting_is_limited(unit: str) -> None:
    with pytest.raises(FhirPathError, match=r"nested deeper|expected"):
        parse((unit * LENGTH_LIMIT)[:LENGTH_LIMIT])


@pytest.mark.parametrize("unit", [".a", "[0]", " + a", " and a", ".f()", " as b"])
def test_E17_chains_are_limited(unit: str) -> None:
    assert parse("a" + unit * (DEPTH_LIMIT - 2))
    with pytest.raises(FhirPathError, match="nested deeper"):
        parse("a" + unit * DEPTH_LIMIT)


@given(st.text())
def test_any_text_parses_or_raises(text: str) -> None:
    try:
        assert isinstance(parse(text), ast.Node)
    except FhirPathError as error:
        assert 0 <= (error.at or 0) <= len(text)


@given(st.lists(st.sampled_from([*"abc.()[]{}'`\"\\$%@+-*/|&=<>~!, ", "1", "2020", "is", "and", "$this"])))
def test_any_tokens_parse_or_raise(words: list[str]) -> None:
    try:
        assert isinstance(parse("".join(words)), ast.Node)
    except FhirPathError as error:
        assert error.line >= 1

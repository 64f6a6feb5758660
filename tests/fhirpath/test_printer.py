import pytest
from hypothesis import given

from fhir_server.fhirpath import ast, parse, print_expression
from tests.fhirpath.trees import TREES


@given(TREES)
def test_parse_is_the_inverse_of_print(tree: ast.Node) -> None:
    assert parse(print_expression(tree)) == tree


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("((a))", "a"),
        ("(a+b)*c", "(a + b) * c"),
        ("a.as(B).c", "(a as B).c"),
        ("text.`div`.exists()", "text.`div`.exists()"),
        ("4 days", "4 day"),
        ("a|b|(c|d)", "a | b | (c | d)"),
        ("%'vs-x'", "%`vs-x`"),
        ("'it\\'s'", r"'it\'s'"),
        ("a.sort(b asc, -c, d desc)", "a.sort(b, c desc, d desc)"),
    ],
)
def test_no_more_parentheses_than_needed(text: str, printed: str) -> None:
    assert print_expression(parse(text)) == printed

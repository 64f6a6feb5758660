"""The grammar: https://hl7.org/fhir/R4/search_filter.html"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.search.filter_expression import (
    COMPARISONS,
    DEPTH,
    OPERATORS,
    Comparison,
    Expression,
    Logical,
    Negation,
    Step,
    parse,
)


def shown(found: Expression) -> str:
    """As it could be written, with all its brackets."""
    match found:
        case Comparison(path, operator, value):
            return f"{'.'.join(map(shown_step, path))} {operator} {json.dumps(value, ensure_ascii=False)}"
        case Negation(term):
            return f"not ({shown(term)})"
        case Logical(operator, (Logical(inner, terms), *others)) if inner == operator:
            return shown(Logical(operator, (*terms, *others)))  # from left to right they are one
        case Logical(operator, terms):
            return f" {operator} ".join(f"({shown(term)})" for term in terms)


def shown_step(step: Step) -> str:
    return step.name if step.where is None else f"{step.name}[{shown(step.where)}]"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('name co "pet"', 'name co "pet"'),
        ("name co pet", 'name co "pet"'),
        ("  name   co   pet  ", 'name co "pet"'),
        (
            'given eq "peter" and birthdate ge 2014-10-10',
            '(given eq "peter") and (birthdate ge "2014-10-10")',
        ),
        ("code eq http://loinc.org|1234-5", 'code eq "http://loinc.org|1234-5"'),
        ('subject.name co "pet"', 'subject.name co "pet"'),
        (
            'related[type eq "has-component"].target pr true',
            'related[type eq "has-component"].target pr "true"',
        ),
        ("related[type eq x].target re Observation/4", 'related[type eq "x"].target re "Observation/4"'),
        ("a eq 1 and b eq 2 and c eq 3", '(a eq "1") and (b eq "2") and (c eq "3")'),
        ("a eq 1 or b eq 2 and c eq 3", '((a eq "1") or (b eq "2")) and (c eq "3")'),
        ("a eq 1 and b eq 2 or c eq 3", '((a eq "1") and (b eq "2")) or (c eq "3")'),
        ("a eq 1 or (b eq 2 and c eq 3)", '(a eq "1") or ((b eq "2") and (c eq "3"))'),
        ("not (a eq 1)", 'not (a eq "1")'),
        ("not(a eq 1) and b eq 2", '(not (a eq "1")) and (b eq "2")'),
        ("(a eq 1)and(b eq 2)", '(a eq "1") and (b eq "2")'),
        ("A EQ 1 AND NOT (b Eq 2)", '(A eq "1") and (not (b eq "2"))'),
        ("a eq (b", 'a eq "(b"'),
        ("(a eq [1)", 'a eq "[1"'),
        ('a eq "x ) ] \\" \\\\ \\u5f20 and"', 'a eq "x ) ] \\" \\\\ 张 and"'),
        ('a eq "two\nlines"', 'a eq "two\\nlines"'),
        ("not eq 1", 'not eq "1"'),
        ("order eq 1", 'order eq "1"'),
        ("a eq and and b eq or", '(a eq "and") and (b eq "or")'),
        ("a[b[c eq 1].d eq 2].e eq 3", 'a[b[c eq "1"].d eq "2"].e eq "3"'),
        ("combo-code eq x", 'combo-code eq "x"'),
        ("_id eq x", '_id eq "x"'),
    ],
)
def test_parse(text: str, found: str) -> None:
    assert shown(parse(text)) == found


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("", "search parameter", 1), ("name", "operator", 5), ("name eq", "value", 8),
        ("name eq ", "value", 9), ("name eq x y", "'and', 'or'", 11), ("(name eq x", "')'", 11),
        ("name is x", "'is' is no operator", 6), ("name eqq x", "did you mean eq", 6),
        ("name eq x and", "'and', 'or'", 11), ("name eq x and ", "search parameter", 15),
        ("name eq x)", "'and', 'or'", 10), ('name eq "x', "not closed", 9),
        ('name eq "\\x"', "JSON", 9),
        ("not name eq x", "no operator", 5), ("a[b eq 1] eq 2", "'.'", 10),
        ("a[b eq 1].c", "operator", 12),
        ("a[b eq 1.c eq 2", "']'", 12), ("a..b eq 1", "search parameter", 3),
        ("a. eq 1", "search parameter", 3),
        ("1a eq 1", "search parameter", 1), ("()", "search parameter", 2), ("a eq )", "value", 6),
        ("a:exact eq x", "operator", 2), ("name eq 'x y'", "'and', 'or'", 12),
    ],
)  # fmt: skip
def test_400_says_what_and_where(text: str, what: str, at: int) -> None:
    with pytest.raises(FhirError) as caught:
        parse(text)
    issue = caught.value.issues[0]
    assert (caught.value.status, issue.code) == (400, "invalid")
    assert what in issue.diagnostics
    assert issue.diagnostics.endswith(f", at {at}"), issue.diagnostics


@pytest.mark.parametrize(
    "text",
    ["(" * (DEPTH + 1) + "a eq 1", "not (" * (DEPTH + 1) + "a eq 1", "a[" * (DEPTH + 1), "(" * 50_000,
     " and ".join(["a eq 1"] * (COMPARISONS + 1))],
)  # fmt: skip
def test_E08_an_expression_has_bounds(text: str) -> None:
    with pytest.raises(FhirError) as caught:
        parse(text)
    assert caught.value.issues[0].code == "too-costly"


names = st.sampled_from(("a", "b-c", "_id", "and", "not", "Name"))
values = st.text(alphabet='ab "\\]) ([张\n', min_size=0, max_size=6)


def paths(where: st.SearchStrategy[Expression | None]) -> st.SearchStrategy[tuple[Step, ...]]:
    """One to three steps, each but the last with what must be true of it."""
    through = st.builds(Step, names, st.just(0), where)
    return st.builds(lambda some, last: (*some, Step(last, 0, None)), st.lists(through, max_size=2), names)


def expressions_of(path: st.SearchStrategy[tuple[Step, ...]]) -> st.SearchStrategy[Expression]:
    return st.recursive(
        st.builds(Comparison, path, st.sampled_from(OPERATORS), values, st.just(0)),
        lambda inner: st.one_of(
            st.builds(Negation, inner),
            st.builds(
                Logical, st.sampled_from(("and", "or")), st.lists(inner, min_size=2, max_size=3).map(tuple)
            ),
        ),
        max_leaves=5,
    )


# brackets in brackets, as deep as can be read whatever else is drawn
expressions = expressions_of(paths(st.none()))
for _ in range(2):
    expressions = expressions_of(paths(st.none() | expressions))


@given(expressions)
def test_what_is_written_is_read(found: Expression) -> None:
    assert shown(parse(shown(found))) == shown(found)


@given(st.text(alphabet='ab eqnotr()[]."\\ ', max_size=30))
def test_any_text_is_a_filter_or_says_why_not(text: str) -> None:
    try:
        parse(text)
    except FhirError as error:
        assert error.status == 400

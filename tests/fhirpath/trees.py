"""Hypothesis strategies: syntax trees as the parser makes them."""

from hypothesis import strategies as st

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.parser import CALENDAR_UNITS, LEVELS

NAMES = st.one_of(
    st.sampled_from(["name", "value", "Patient", "in", "contains", "div", "and", "as", "true"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
NUMBERS = st.from_regex(r"\A[0-9]{1,5}(\.[0-9]{1,4})?\Z")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)

LEAVES = st.one_of(
    st.builds(ast.Empty),
    st.builds(ast.Boolean, st.booleans()),
    st.builds(ast.String, TEXTS),
    st.builds(ast.Number, NUMBERS),
    st.builds(ast.Date, st.dates().map(str)),
    st.builds(ast.DateTime, st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M").zfill(16))),
    st.builds(ast.Time, st.sampled_from(["14", "14:34", "14:34:28", "14:34:28.123"])),
    st.builds(ast.Quantity, NUMBERS, TEXTS, calendar=st.just(False)),
    st.builds(ast.Quantity, NUMBERS, st.sampled_from(CALENDAR_UNITS), calendar=st.just(True)),
    st.builds(ast.This),
    st.builds(ast.Index),
    st.builds(ast.Total),
    st.builds(ast.Variable, NAMES),
    st.builds(ast.Path, st.none(), NAMES),
)
TYPES = st.builds(ast.TypeSpecifier, st.one_of(st.none(), NAMES), NAMES)
_FUNCTIONS = NAMES.filter(lambda name: name not in ("is", "as"))
_BINARY = [operator for operator in LEVELS if operator not in ("|", "is", "as")]


def _union(operands: list[ast.Node]) -> ast.Node:
    first, *others = operands
    before = first.operands if isinstance(first, ast.Union) else (first,)
    return ast.Union((*before, *others))


def _above(below: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.Node]:
    focus = st.one_of(st.none(), below)
    return st.one_of(
        st.builds(ast.Path, below, NAMES),
        st.builds(ast.Function, focus, _FUNCTIONS, st.lists(below, max_size=3).map(tuple)),
        st.builds(ast.Indexer, below, below),
        st.builds(ast.Polarity, st.sampled_from("+-"), below),
        st.builds(ast.Binary, st.sampled_from(_BINARY), below, below),
        st.lists(below, min_size=2, max_size=4).map(_union),
        st.builds(ast.Is, below, TYPES),
        st.builds(ast.As, below, TYPES),
    )


TREES = st.recursive(LEAVES, _above, max_leaves=12)

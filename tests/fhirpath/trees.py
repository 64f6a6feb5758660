"""Hypothesis strategies: syntax trees as the parser makes them."""

from hypothesis import strategies as st

from fhir_server.fhirpath import ast
from fhir_server.fhirpath.functions import FUNCTIONS
from fhir_server.fhirpath.parser import CALENDAR_UNITS, LEVELS

NAMES = st.one_of(
    st.sampled_from(["name", "value", "Patient", "in", "contains", "div", "and", "as", "true"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
NUMBERS = st.from_regex(r"\A[0-9]{1,5}(\.[0-9]{1,4})?\Z")
LONGS = st.from_regex(r"\A[0-9]{1,18}L\Z")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)

LEAVES = st.one_of(
    st.builds(ast.Empty),
    st.builds(ast.Boolean, st.booleans()),
    st.builds(ast.String, TEXTS),
    st.builds(ast.Number, st.one_of(NUMBERS, LONGS)),
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
        st.builds(ast.Instance, TYPES, st.lists(_element(below), max_size=3).map(tuple)),
    )


def _element(below: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.InstanceElement]:
    return st.builds(ast.InstanceElement, NAMES, below)


TREES = st.recursive(LEAVES, _above, max_leaves=12)


_ELEMENTS = st.sampled_from(
    """
    Patient name given family use birthDate active deceased telecom rank period start extension id contact
    address line gender value url managingOrganization reference resource
    """.strip().split()
)
_TYPE_NAMES = st.sampled_from(
    """
    Patient HumanName string code Quantity boolean String Integer Boolean Resource Element date
    """.strip().split()
)
_TYPES = st.builds(ast.TypeSpecifier, st.sampled_from([None, "FHIR", "System"]), _TYPE_NAMES)
_TEXTS = ["a", "Peter", "", "1", "(", "official", "2015-01-01", "[a", "x*", "1 'mg'", "T10:00", "true"]
_VALUES = st.one_of(
    st.builds(ast.Empty),
    st.builds(ast.Boolean, st.booleans()),
    st.builds(ast.String, st.sampled_from(_TEXTS)),
    st.builds(
        ast.Number,
        st.sampled_from(["0", "1", "2", "1.5", "0.0", "2147483647", "0.00000001", "9223372036854775807L"]),
    ),
    st.builds(ast.Date, st.sampled_from(["2015", "2015-02", "2015-02-28", "0001", "9999-12"])),
    st.builds(ast.DateTime, st.sampled_from(["2015T", "2015-02-28T10", "2015-02-28T10:00:00.5+08:00"])),
    st.builds(ast.Time, st.sampled_from(["10", "10:00", "10:00:00.123"])),
    st.builds(ast.Quantity, st.sampled_from(["1", "1.5"]), st.sampled_from(["mg", "d"]), st.just(False)),
    st.builds(ast.Quantity, st.sampled_from(["1", "99"]), st.sampled_from(CALENDAR_UNITS), st.just(True)),
    st.builds(ast.This),
    st.builds(ast.Index),
    st.builds(ast.Variable, st.sampled_from(["resource", "context", "ucum", "other"])),
    st.builds(ast.Path, st.none(), _ELEMENTS),
)


def _function(below: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.Node]:
    def calls(name: str) -> st.SearchStrategy[ast.Node]:
        known = FUNCTIONS[name]
        argument = st.builds(ast.Path, st.none(), _ELEMENTS) if name == "ofType" else below
        arguments = st.lists(argument, min_size=known.least, max_size=known.most).map(tuple)
        return st.builds(ast.Function, st.one_of(st.none(), below), st.just(name), arguments)

    # the clock differs from run to run
    names = sorted(FUNCTIONS.keys() - {"now", "timeOfDay"})
    return st.sampled_from(names).flatmap(calls)


def _meaningful(below: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.Node]:
    return st.one_of(
        st.builds(ast.Path, below, _ELEMENTS),
        _function(below),
        _function(below),
        st.builds(ast.Indexer, below, below),
        st.builds(ast.Polarity, st.sampled_from("+-"), below),
        st.builds(ast.Binary, st.sampled_from(_BINARY), below, below),
        st.lists(below, min_size=2, max_size=3).map(_union),
        st.builds(ast.Is, below, _TYPES),
        st.builds(ast.As, below, _TYPES),
        st.builds(ast.Instance, _TYPES, st.lists(_filled(below), max_size=2).map(tuple)),
    )


def _filled(below: st.SearchStrategy[ast.Node]) -> st.SearchStrategy[ast.InstanceElement]:
    return st.builds(ast.InstanceElement, _ELEMENTS, below)


EXPRESSIONS = st.recursive(_VALUES, _meaningful, max_leaves=8)
"""Trees whose elements and functions exist."""

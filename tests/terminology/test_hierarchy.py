import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.terminology.hierarchy import Hierarchy


def test_above_and_below() -> None:
    found = Hierarchy("x", {"a": [], "b": ["a"], "c": ["b", "a"], "d": ["b"]})
    assert found.above("c") == {"a", "b"}
    assert found.below("a") == {"b", "c", "d"}
    assert found.above("a") == found.below("d") == frozenset()


def test_parents_that_there_are_not_count_for_nothing() -> None:
    assert Hierarchy("x", {"b": ["a"]}).parents["b"] == ()


@pytest.mark.parametrize(
    ("parents", "cycle"),
    [
        ({"a": ["a"]}, "a is below a"),
        ({"a": ["b"], "b": ["a"]}, "a is below b is below a"),
        ({"x": [], "d": ["a"], "a": ["b", "x"], "b": ["a"]}, "a is below b is below a"),
    ],
)
def test_a_cycle_is_named(parents: dict[str, list[str]], cycle: str) -> None:
    with pytest.raises(FhirError) as caught:
        Hierarchy("http://example.org/x|1", parents)
    assert str(caught.value) == f"the hierarchy of http://example.org/x|1 has a cycle: {cycle}"
    assert caught.value.status == 422


def test_a_long_cycle_is_cut_short() -> None:
    with pytest.raises(
        FhirError, match=r"0 is below 1 is below 2 is below 3 is below 4 is below … is below 0"
    ):
        Hierarchy("x", {str(n): [str((n + 1) % 100)] for n in range(100)})


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=3)))
def test_a_hierarchy_or_an_error(edges: dict[int, list[int]]) -> None:
    parents = {str(code): [str(each) for each in above] for code, above in edges.items()}
    try:
        found = Hierarchy("x", parents)
    except FhirError:
        return
    for code in parents:
        assert code not in found.above(code)
        assert all(code in found.below(above) for above in found.above(code))

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_server.fhirpath.equality import equal, equivalent
from fhir_server.fhirpath.items import unwrap
from fhir_server.fhirpath.moments import parse_moment, parse_time
from fhir_server.fhirpath.quantity import Quantity
from fhir_server.fhirpath.values import key, text, unique

numbers = st.one_of(st.integers(-3, 3), st.decimals(-3, 3, places=1))
values = st.one_of(
    st.booleans(),
    numbers,
    st.sampled_from(["", "a", "1", "2015", "true"]),
    st.sampled_from(["2015", "2015-01", "2015-01-01T00:00:00Z", "2015-01-01T01:00:00+01:00"]).map(
        parse_moment
    ),
    st.sampled_from(["10:00", "10:00:00", "10:00:00.0"]).map(parse_time),
    st.builds(Quantity, numbers.map(Decimal), st.sampled_from(["1", "mg", "day", "d", "h", "week"])),
    st.dictionaries(st.sampled_from("ab"), numbers, max_size=2),
)


@given(values, values)
def test_one_key_means_equal(one: Any, other: Any) -> None:
    """Apart from a number and the Quantity that it converts to, which meet in `=` only."""
    if key(one) == key(other):
        assert equal(one, other) is True
    elif equal(one, other) is True:
        assert isinstance(one, Quantity) is not isinstance(other, Quantity)


@given(values, values)
def test_equality_is_symmetric_and_implies_equivalence(one: Any, other: Any) -> None:
    assert equal(one, other) is equal(other, one)
    assert equivalent(one, other) == equivalent(other, one)
    if equal(one, other) is True and isinstance(one, Quantity) is isinstance(other, Quantity):
        assert equivalent(one, other)


@given(st.lists(st.one_of(st.sampled_from("abc"), st.dictionaries(st.just("a"), st.integers(0, 2)))))
def test_unique_keeps_the_first_of_each(items: list[Any]) -> None:
    expected: list[Any] = []
    for item in items:
        if item not in expected:
            expected.append(item)
    assert unique(unwrap, items) == expected


def test_texts() -> None:
    assert text(Decimal("1.50")) == "1.50"
    assert text(Decimal("1E+3")) == "1000"
    assert text(True) == "true"
    assert text({"a": 1}) is None

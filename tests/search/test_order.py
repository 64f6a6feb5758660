"""https://hl7.org/fhir/R4/search.html#sort"""

import pytest

from fhir_server.store.algebra import SortKey
from tests.search.searching import compiled


@pytest.mark.parametrize(
    ("search", "descending"),
    [
        ("date=ge2013", True),
        ("date=gt2013", True),
        ("date=ap2013", True),
        ("date=lt2013", False),
        ("date=sa2013", False),
        ("date=2013", False),
    ],
)
def test_a_range_of_dates_is_read_from_its_end(search: str, descending: bool) -> None:
    (key,) = compiled(f"Observation?{search}").sort
    assert key == SortKey("date", key.columns, descending)


@pytest.mark.parametrize(
    "search", ["date=ne2013", "date=2013,2014", "code=a", "date=2013&code=a", "value-quantity=gt5", ""]
)
def test_other_searches_keep_the_order_of_the_store(search: str) -> None:
    assert compiled(f"Observation?{search}").sort == ()


def test_what_is_asked_for_comes_first() -> None:
    assert compiled("Observation?date=ge2013&_sort=_id").sort == (SortKey("id"),)

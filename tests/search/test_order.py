"""https://hl7.org/fhir/R4/search.html#sort"""

import pytest

from fhir_server.store.algebra import Or, SortKey
from tests.search.searching import compiled

MG = "http://unitsofmeasure.org|mg"


@pytest.mark.parametrize(
    ("search", "kind", "descending"),
    [
        ("date=ge2013", "date", True),
        ("date=gt2013", "date", True),
        ("date=ap2013", "date", True),
        ("date=lt2013", "date", False),
        ("date=sa2013", "date", False),
        ("date=2013", "date", False),
        ("date=ne2013", "date", False),
        ("date=2013,2014", "date", False),
        ("date=gt2013,gt2014", "date", True),
        ("value-quantity=gt5", "number", True),
        (f"value-quantity=lt5|{MG}", "number", False),
        ("combo-value-quantity=gt5", "number", True),
    ],
)
def test_ranges_are_read_from_their_ends(search: str, kind: str, descending: bool) -> None:
    found = compiled(f"Observation?{search}")
    (key,) = found.sort
    ranges = found.where.terms if isinstance(found.where, Or) else (found.where,)
    assert key == SortKey(kind, key.columns, descending, fitting=ranges)
    assert set(key.columns) == {node.column for node in ranges}


@pytest.mark.parametrize("search", ["name=zhang", "name:contains=san", "family=a,b", "address=x"])
def test_texts_are_read_in_their_order(search: str) -> None:
    (key,) = compiled(f"Patient?{search}").sort
    assert (key.kind, key.descending) == ("string", False)
    assert key.fitting


@pytest.mark.parametrize(
    "search",
    [
        "code=a",
        "date=2013&code=a",
        "value-quantity=gt5||mg",  # of whatever units are written so
        "code-value-quantity=a$gt5",
        "",
    ],
)
def test_other_searches_keep_the_order_of_the_store(search: str) -> None:
    assert compiled(f"Observation?{search}").sort == ()


def test_many_ranges_are_not_read_side_by_side() -> None:
    dates = ",".join(str(year) for year in range(2000, 2009))
    assert compiled(f"Observation?date={dates}").sort == ()


def test_what_is_asked_for_comes_first() -> None:
    assert compiled("Observation?date=ge2013&_sort=_id").sort == (SortKey("id"),)

"""https://hl7.org/fhir/R4/search.html#all"""

import pytest

from fhir_server.store.algebra import Everything, IdIn, Not, Nothing, Or, UpdatedBetween
from tests.search.searching import compiled, found, refused

DAY = 86_400_000
FIRST = 1_357_920_000_000  # 2013-01-12T00:00:00+08:00


@pytest.mark.parametrize(
    ("search", "where"),
    [
        ("2013-01-12", UpdatedBetween(FIRST, FIRST + DAY - 1)),
        ("ne2013-01-12", Or((UpdatedBetween(None, FIRST - 1), UpdatedBetween(FIRST + DAY, None)))),
        ("gt2013-01-12", UpdatedBetween(FIRST + DAY, None)),
        ("sa2013-01-12", UpdatedBetween(FIRST + DAY, None)),
        ("lt2013-01-12", UpdatedBetween(None, FIRST - 1)),
        ("eb2013-01-12", UpdatedBetween(None, FIRST - 1)),
        ("ge2013-01-12", UpdatedBetween(FIRST, None)),
        ("le2013-01-12", UpdatedBetween(None, FIRST + DAY - 1)),
        ("2013-01-12T00:00:00.001+08:00", UpdatedBetween(FIRST + 1, FIRST + 1)),
        ("gt2013-01-12T00:00:00.001%2B08:00", UpdatedBetween(FIRST + 2, None)),
        ("2013-01-12T00:00:00.0005%2B08:00", None),
    ],
)
def test_last_updated(search: str, where: UpdatedBetween | Or | None) -> None:
    # between two milliseconds there is nothing
    assert compiled(f"Patient?_lastUpdated={search}").where == (where or Nothing())


def test_E02_a_time_has_no_not() -> None:
    assert refused("Patient?_lastUpdated:not=2013").issues[0].code == "not-supported"


def test_id() -> None:
    assert compiled("Patient?_id=a,b,a").where == IdIn(("a", "b"))
    assert compiled("Patient?_id:not=a").where == Not(IdIn(("a",)))
    people = [{"resourceType": "Patient", "id": id_} for id_ in ("a", "A", "b")]
    assert found(people, "Patient?_id=a") == ["a"]
    assert found(people, "Patient?_id=Patient/a") == []


def test_every_resource_has_an_id_and_a_time() -> None:
    for name in ("_id", "_lastUpdated"):
        assert compiled(f"Patient?{name}:missing=false").where == Everything()
        assert compiled(f"Patient?{name}:missing=true").where == Nothing()


@pytest.mark.parametrize("search", ["_id:exact=a", "_id=", "_lastUpdated=x", "_lastUpdated:not-in=2020"])
def test_400(search: str) -> None:
    assert refused(f"Patient?{search}").issues[0].code in ("value", "not-supported")

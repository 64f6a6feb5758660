from fhir_server.search.combine import all_of, any_of, none_of
from fhir_server.store.algebra import And, Everything, IdIn, Not, Nothing, Or

A, B, C = IdIn(("a",)), IdIn(("b",)), IdIn(("c",))


def test_all_of() -> None:
    assert all_of([]) == all_of([Everything()]) == Everything()
    assert all_of([A, Everything()]) == A
    assert all_of([A, And((B, C))]) == And((A, B, C))
    assert all_of([A, Nothing()]) == Nothing()


def test_any_of() -> None:
    assert any_of([]) == any_of([Nothing()]) == Nothing()
    assert any_of([A, Nothing()]) == A
    assert any_of([A, Or((B, C))]) == Or((A, B, C))
    assert any_of([A, Everything()]) == Everything()


def test_none_of() -> None:
    assert none_of(A) == Not(A)
    assert none_of(Not(A)) == A
    assert none_of(Everything()) == Nothing() and none_of(Nothing()) == Everything()

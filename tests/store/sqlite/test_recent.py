from fhir_server.store.rows import Rows
from fhir_server.store.sqlite.recent import FEW_ROWS, GENERATION, RecentRows


def rows(number: int, count: int = 1) -> Rows:
    return Rows(tokens={("Patient.code", number + each) for each in range(count)})


def test_rows_are_taken_once() -> None:
    recent = RecentRows()
    recent.keep(1, rows(1))
    assert recent.take(1) == rows(1)
    assert recent.take(1) is None


def test_a_generation_is_kept_and_not_everything() -> None:
    recent = RecentRows()
    for number in range(3 * GENERATION):
        recent.keep(number, rows(number))
    assert recent.take(0) is None
    for number in range(2 * GENERATION, 3 * GENERATION):
        assert recent.take(number) == rows(number)


def test_many_rows_and_instances_are_not_kept() -> None:
    recent = RecentRows()
    recent.keep(1, rows(0, FEW_ROWS + 1))
    recent.keep(2, Rows(instances=[rows(1)]))
    assert recent.take(1) is None
    assert recent.take(2) is None


def test_nothing_is_left_after_forgetting() -> None:
    recent = RecentRows()
    for number in range(GENERATION + 1):
        recent.keep(number, rows(number))
    recent.forget()
    assert recent.take(0) is None
    assert recent.take(GENERATION) is None

"""What SQLite says of a query is asked without a trace of it left behind."""

from typing import Any

import apsw
import pytest

from fhir_server.store.algebra import And, Query, StringStarts, TokenIn
from fhir_server.store.sqlite import SqliteStore
from fhir_server.store.sqlite.explain import explain
from fhir_server.store.sqlite.patience import within
from tests.store.conftest import Fresh, Run
from tests.store.resources import patient, put_all

WHERE = And((StringStarts("Patient.name", "e"), TokenIn("Patient.tag", (7,))))
QUERY = Query(("Patient",), WHERE, 20)


@pytest.fixture
def store(fresh: Fresh, run: Run[Any]) -> SqliteStore:
    opened = fresh()
    assert isinstance(opened, SqliteStore)
    people = [
        patient(str(n), strings=[["Patient.name", f"e{n}", n]], tokens=[["Patient.tag", 7]])
        for n in range(400)
    ]
    run(put_all(opened, *people))
    return opened


def test_explains_a_search_that_was_estimated_before(store: SqliteStore, run: Run[Any]) -> None:
    run(store.find(QUERY))
    known = dict(store._here.estimates)
    assert known
    (explained,) = run(store.explain(QUERY))
    assert any("LIMIT" in each.text and "count(" in each.text for each in explained.statements)
    assert store._here.estimates == known


def test_statements_that_run_often_are_told_once(store: SqliteStore, run: Run[Any]) -> None:
    (explained,) = run(store.explain(QUERY))
    texts = [each.text for each in explained.statements]
    assert len(texts) == len(set(texts))
    assert any(each.runs > 1 for each in explained.statements)


def test_steps_of_steps_are_indented(store: SqliteStore, run: Run[Any]) -> None:
    (explained,) = run(store.explain(QUERY))
    (page,) = [each for each in explained.statements if each.rows == 21]
    assert page.plan[0] == "CO-ROUTINE a1"
    assert page.plan[1].startswith("  SEARCH")
    assert page.plan[2] == "SCAN a1"
    (shown,) = [each for each in explained.statements if "version v" in each.text]
    assert shown.rows == 20 and shown.plan[-1].startswith("SEARCH v USING INTEGER PRIMARY KEY")


def test_one_that_takes_too_long_is_interrupted(store: SqliteStore) -> None:
    here = store._here
    kept = here.estimates
    with pytest.raises(apsw.InterruptError):
        within(here, -1, explain, Query(("Patient",), WHERE, 400))
    assert here.estimates is kept
    assert not here.connection.in_transaction
    assert explain(here, QUERY)[0].found == 20

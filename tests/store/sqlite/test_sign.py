"""A commit that nobody knows the end of is never taken for none."""

from pathlib import Path
from typing import Any

import apsw
import pytest

from fhir_server.outcome import FhirError
from fhir_server.store.sqlite import open_store
from fhir_server.store.sqlite.sign import Sign
from tests.store.conftest import Run
from tests.store.resources import Ticking, extract, patient, put


def test_no_number_while_a_commit_is_under_way(tmp_path: Path) -> None:
    one, other = Sign(tmp_path / "db"), Sign(tmp_path / "db")
    before = other.commits
    one.begin_commit()
    assert other.commits is None
    one.end_commit()
    assert other.commits not in (None, before)
    one.close()
    other.close()


def test_the_commit_of_a_killed_process_ends_with_the_next_one(tmp_path: Path) -> None:
    killed = Sign(tmp_path / "db")
    before = killed.commits
    killed.begin_commit()
    killed.close()
    next_one = Sign(tmp_path / "db")
    assert next_one.commits is None
    next_one.begin_commit()
    next_one.end_commit()
    assert next_one.commits not in (None, before)
    next_one.close()


def test_rules_are_told_beside_the_commits(tmp_path: Path) -> None:
    one, other = Sign(tmp_path / "db"), Sign(tmp_path / "db")
    before = other.commits
    one.tell(-7)
    assert (other.rules, other.commits) == (-7, before)
    one.close()
    other.close()


def test_nobody_knows_of_a_commit_that_failed_until_the_next_one(tmp_path: Path, run: Run[Any]) -> None:
    store = open_store(tmp_path / "db", extract=extract, clock=Ticking())
    run(put(store, patient("a")))
    before = store.commits
    assert store._units is not None and store._units._writing is not None
    store._units._writing.connection.set_commit_hook(_refuse)  # the next write opens another connection
    with pytest.raises(FhirError):
        run(put(store, patient("b")))
    assert store.commits is None
    run(put(store, patient("c")))
    assert store.commits not in (None, before)
    run(store.close())


def _refuse() -> bool:
    raise apsw.IOError("the disk refuses")

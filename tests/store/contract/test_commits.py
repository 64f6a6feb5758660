"""Whether anything was committed since: told without a query, by whichever process."""

from pathlib import Path
from typing import Any

import pytest

from fhir_server.store.protocol import Store, Transaction
from fhir_server.store.sqlite import open_store
from tests.store.conftest import Run
from tests.store.resources import Ticking, content, extract, patient, put


def test_each_commit_gives_another_number(store: Store, run: Run[Any]) -> None:
    seen = [store.commits]
    for number in range(3):
        run(put(store, patient(f"p{number}")))
        seen.append(store.commits)
    assert None not in seen and len(set(seen)) == 4
    assert run(store.read("Patient", "p0")) is not None
    assert store.commits == seen[-1]


def test_a_unit_that_fails_or_only_reads_commits_nothing(store: Store, run: Run[Any]) -> None:
    async def fails(tx: Transaction) -> None:
        await tx.put(content(patient("p")), method="POST")
        raise ZeroDivisionError

    async def reads(tx: Transaction) -> None:
        assert await tx.read("Patient", "p") is None

    before = store.commits
    with pytest.raises(ZeroDivisionError):
        run(store.transaction(fails))
    run(store.transaction(reads))
    assert store.commits == before


def test_another_process_learns_of_a_commit(tmp_path: Path, run: Run[Any]) -> None:
    one, other = (open_store(tmp_path / "db", extract=extract, clock=Ticking()) for _ in range(2))
    before = other.commits
    run(put(one, patient("a")))
    assert other.commits == one.commits != before
    run(one.close())
    run(other.close())

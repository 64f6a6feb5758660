"""Jobs: kept with what they did, in the order in which they came."""

from typing import Any

import pytest

from fhir_server.store.jobs import JOB_STATES, Job
from fhir_server.store.protocol import Store, Transaction
from tests.store.conftest import Run
from tests.store.resources import Ticking, content, patient


def test_a_job_is_kept_as_it_was_put_with_its_times(store: Store, run: Run[Any], clock: Ticking) -> None:
    job = Job("j1", "export", b'{"types":["Patient"]}', "running", b'{"at":7}', 7, 9, 1500, "going on")
    run(store.transaction(lambda tx: tx.put_job(job)))
    kept = run(store.job("j1"))
    assert kept == job._replace(created_ms=kept.created_ms, updated_ms=clock.now)
    run(store.transaction(lambda tx: tx.put_job(kept._replace(done=8))))
    again = run(store.job("j1"))
    assert again.done == 8 and again.created_ms == kept.created_ms and again.updated_ms > kept.updated_ms


def test_there_is_no_job_that_was_not_put(store: Store, run: Run[Any]) -> None:
    assert run(store.job("j1")) is None
    assert run(store.jobs()) == []


def test_jobs_come_in_their_order_of_one_kind_or_still_open(store: Store, run: Run[Any]) -> None:
    async def work(tx: Transaction) -> None:
        for number, state in enumerate(JOB_STATES):
            await tx.put_job(Job(f"j{9 - number}", "import" if number % 2 else "export", b"", state))
        assert len(await tx.jobs()) == len(JOB_STATES)
        assert await tx.job("j9") is not None

    run(store.transaction(work))
    assert [each.id for each in run(store.jobs())] == ["j9", "j8", "j7", "j6", "j5"]
    assert [each.id for each in run(store.jobs("import"))] == ["j8", "j6"]
    assert [each.state for each in run(store.jobs(open_only=True))] == ["waiting", "running"]
    assert [each.id for each in run(store.jobs("import", open_only=True))] == ["j8"]


def test_progress_is_kept_with_the_work_or_not_at_all(store: Store, run: Run[Any]) -> None:
    run(store.transaction(lambda tx: tx.put_job(Job("j1", "import", b""))))

    async def work(tx: Transaction) -> None:
        await tx.put(content(patient("a")), method="PUT")
        await tx.put_job(Job("j1", "import", b"", "running", done=1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(store.transaction(work))
    assert run(store.job("j1")).done == 0 and run(store.read("Patient", "a")) is None


def test_a_job_can_be_dropped(store: Store, run: Run[Any]) -> None:
    run(store.transaction(lambda tx: tx.put_job(Job("j1", "import", b""))))
    run(store.transaction(lambda tx: tx.drop_job("j1")))
    assert run(store.job("j1")) is None


def test_the_rate_tells_how_long_it_takes() -> None:
    job = Job("j1", "import", b"", done=200, total=1000, worked_ms=4000)
    assert job.per_second == 50 and job.left_s == 16
    assert Job("j1", "import", b"", total=1000).left_s is None
    assert Job("j1", "import", b"", done=5, worked_ms=10).left_s is None

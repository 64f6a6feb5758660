"""The job that fills the index: in small steps, beside those who write, and killed anywhere."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from fhir_server.bulk.jobs import Jobs
from fhir_server.bulk.reindex import LARGEST, SMALLEST
from fhir_server.outcome import store_unavailable
from fhir_server.search.rules import KIND, decode
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import Transaction
from tests.bulk.indexed import COLUMN, Indexed, parameter, patient, patients


class KilledError(BaseException):
    """Nobody catches it, like SIGKILL."""


def killed_after(units: int) -> Callable[[float], Any]:
    left = iter(range(units))

    async def pause(_: float) -> None:
        if next(left, None) is None:
            raise KilledError

    return pause


@pytest.mark.parametrize("units", range(10))
def test_a_job_that_was_killed_goes_on_where_it_was(
    server: Indexed, runner: asyncio.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: int
) -> None:
    monkeypatch.setattr("fhir_server.bulk.reindex.LARGEST", SMALLEST)
    server.put(*patients(150))
    server.put(parameter())
    with pytest.raises(KilledError):
        server.work_off(killed_after(units))
    before = server.jobs()[0]
    server.close()
    with Indexed(runner, tmp_path / "data") as again:
        shown: list[Job] = []
        jobs = Jobs(again.opened.main, {KIND: again.opened.reindex(show=shown.append)})
        again.run(jobs.work_off())
        assert shown[0].done >= before.done
        assert again.jobs() == [] and decode(again.run(again.opened.main.rules())).building == ()
        assert len(again.found("Patient?eye-colour=blue")) == 75
        assert again.findings() == []
    server.opened = again.opened


def test_the_units_are_small_and_grow_while_they_are_quick(server: Indexed) -> None:
    server.put(*patients(200))
    server.put(parameter())
    shown: list[Job] = []
    server.run(Jobs(server.opened.main, {KIND: server.opened.reindex(show=shown.append)}).work_off())
    done = [job.done for job in shown]
    steps = [after - before for before, after in pairwise(done) if after > before]
    assert steps[0] == 25 and max(steps) <= LARGEST and sum(steps) == 200
    assert shown[-1].state == "done" and shown[-1].total == 200


def test_what_changes_while_a_page_is_prepared_is_indexed_as_it_is_then(server: Indexed) -> None:
    server.put(*patients(120))
    server.put(parameter())
    main = server.opened.main
    find = main.find

    async def find_then_change(query: Any) -> Any:
        page = await find(query)
        for hit in page.hits[:3]:
            id_ = hit.version.id
            if id_ == "p1":
                await server.send("DELETE", "Patient/p1")
            elif hit.version.version_id == 1:
                await server.send("PUT", f"Patient/{id_}", patient(id_, "green"))
        return page

    main.find = find_then_change  # type: ignore[method-assign]
    server.work_off()
    main.find = find  # type: ignore[method-assign]
    assert len(server.found("Patient?eye-colour=green")) >= 3
    assert server.findings() == []


def test_many_write_while_the_job_runs(server: Indexed) -> None:
    server.put(*patients(300))
    server.put(parameter())

    async def write(writer: int) -> None:
        for number in range(20):
            id_ = f"p{(writer * 37 + number * 11) % 330}"
            if number % 7 == 3:
                await server.send("DELETE", f"Patient/{id_}")
            else:
                await server.send("PUT", f"Patient/{id_}", patient(id_, ("blue", "green", "red")[number % 3]))

    async def together() -> None:
        jobs = Jobs(server.opened.main, {KIND: server.opened.reindex()})
        await asyncio.gather(jobs.work_off(), *(write(writer) for writer in range(8)))

    server.run(together())
    assert server.findings() == []
    entries = server.content("Patient?_count=1000")["entry"]
    for each in entries:
        patient_ = each["resource"]
        colour = patient_["extension"][0]["valueCode"]
        assert f"Patient/{patient_['id']}" in server.found(
            f"Patient?eye-colour={colour}&_id={patient_['id']}"
        )


def test_rules_that_change_under_the_job_are_followed(server: Indexed) -> None:
    server.put(*patients(120))
    server.put(parameter())
    changed = False

    async def change(_: float) -> None:
        nonlocal changed
        if not changed:
            changed = True
            await server.send(
                "PUT",
                "SearchParameter/sex",
                parameter(id="sex", code="sex", expression="Patient.maritalStatus"),
            )
            await server.send("DELETE", "SearchParameter/eye-colour")

    server.work_off(change)
    assert changed and server.rows_of(COLUMN) == 0
    assert server.found("Patient?sex=M") == set()
    assert server.findings() == []


def test_definitions_that_come_while_a_job_waits_have_jobs_of_their_own(server: Indexed) -> None:
    server.put(*patients(30))
    server.put(parameter())
    server.put(parameter(id="b", code="b", expression="Patient.maritalStatus"))
    assert [job.state for job in server.jobs()] == ["waiting", "waiting"]
    server.work_off()
    assert [job.state for job in server.jobs(open_only=False)] == ["done", "done"]
    assert server.findings() == []


def test_a_job_that_is_cancelled_stops(server: Indexed) -> None:
    server.put(*patients(60))
    server.put(parameter())
    job = server.jobs()[0]

    async def cancel(_: float) -> None:
        async def work(tx: Transaction) -> None:
            kept = await tx.job(job.id)
            assert kept is not None
            await tx.put_job(kept._replace(state="cancelled"))

        await server.opened.main.transaction(work)

    server.work_off(cancel)
    assert server.jobs(open_only=False)[0].state == "cancelled"


def test_a_job_that_fails_says_why_and_can_be_tried_again(server: Indexed) -> None:
    from fhir_server.bulk.jobs import retry_failed

    server.put(*patients(30))
    server.put(parameter())

    async def broken(job: Job) -> None:
        raise ZeroDivisionError("eve")

    server.run(Jobs(server.opened.main, {KIND: broken}).work_off())
    failed = server.jobs(open_only=False)[0]
    assert (failed.state, failed.message) == ("failed", "internal error (ZeroDivisionError)")
    error = server.refused("GET", "Patient?eye-colour=blue")
    assert error.status == 503 and "failed" in error.issues[0].diagnostics
    assert server.run(retry_failed(server.opened.main, KIND)) == 1
    server.work_off()
    assert len(server.found("Patient?eye-colour=blue")) == 15


def test_a_store_that_cannot_write_for_a_while_only_delays_it(server: Indexed) -> None:
    server.put(*patients(30))
    server.put(parameter())
    waited: list[float] = []
    do = server.opened.reindex()

    async def first_refused(job: Job) -> None:
        if not waited:
            raise store_unavailable("the disk is full")
        await do(job)

    class EnoughError(Exception):
        pass

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if not await server.opened.main.jobs(open_only=True):
            raise EnoughError

    with pytest.raises(EnoughError):
        server.run(Jobs(server.opened.main, {KIND: first_refused}, sleep=sleep).run())
    assert len(waited) == 2 and server.jobs() == []


def test_only_one_process_works_on_jobs(server: Indexed, runner: asyncio.Runner, tmp_path: Path) -> None:
    began: list[str] = []

    async def one_look(of: Indexed, name: str) -> None:
        async def first() -> None:
            began.append(name)

        async def sleep(_: float) -> None:
            raise StopAsyncIteration

        with pytest.raises(StopAsyncIteration):
            await Jobs(of.opened.main, {}, first=first, sleep=sleep).run()

    with Indexed(runner, tmp_path / "data") as other:
        server.run(one_look(server, "one"))
        server.run(one_look(other, "other"))
        assert began == ["one"]
        server.run(server.opened.close())
        server.run(one_look(other, "other"))
    assert began == ["one", "other"]


def test_the_operation_shows_the_jobs(server: Indexed) -> None:
    server.put(*patients(30))
    server.put(parameter())
    shown = server.content("$jobs?open=true")["parameter"]
    values = {each["name"]: next(v for k, v in each.items() if k != "name") for each in shown[0]["part"]}
    assert (values["kind"], values["state"]) == ("reindex", "waiting")
    server.work_off()
    assert "parameter" not in server.content("$jobs?open=true")
    done = server.content(f"$jobs?id={values['id']}")["parameter"][0]["part"]
    assert {"name": "done", "valueInteger": 30} in done and {"name": "state", "valueCode": "done"} in done
    assert server.refused("GET", "$jobs?id=nonsuch").status == 404

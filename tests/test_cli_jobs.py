"""fhir-server jobs, fhir-server reindex."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import Result

from fhir_server.app import Parts
from fhir_server.config import Settings
from fhir_server.search.rules import decode
from tests.bulk.conftest import small_core as small_core
from tests.bulk.conftest import small_layer as small_layer
from tests.bulk.indexed import parameter, patients
from tests.test_cli import run

pytestmark = pytest.mark.usefixtures("small_core")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A store of forty patients whose search by the colour of eyes lacks its index."""
    file = tmp_path / "patients.ndjson"
    for resources in (patients(40), [parameter()]):
        file = file.with_suffix(f"{file.suffix}.ndjson")
        file.write_text("\n".join(json.dumps(each) for each in resources))
        assert run("load", "--data", tmp_path / "data", file).exit_code == 0
    return tmp_path / "data"


def jobs(data: Path) -> list[str]:
    found: Result = run("jobs", "--data", data)
    assert found.exit_code == 0
    return found.output.splitlines()


def test_jobs_are_shown_with_how_far_they_are(data: Path) -> None:
    (before,) = jobs(data)
    assert before.endswith("reindex: waiting")
    assert run("reindex", "--data", data).exit_code == 0
    (after,) = jobs(data)
    assert after.endswith("reindex: done, 40 of 40 resources")


def test_what_lacks_is_filled_once(data: Path) -> None:
    assert run("reindex", "--data", data).output.strip().endswith("40 resources indexed")
    assert run("reindex", "--data", data).output.strip().endswith("the index lacks nothing")
    assert run("doctor", "--data", data).exit_code == 0


def test_the_whole_index_is_made_anew_when_asked(data: Path) -> None:
    run("reindex", "--data", data)
    assert run("reindex", "--data", data, "--all").output.strip().endswith("41 resources indexed")
    assert run("doctor", "--data", data).exit_code == 0


def test_a_job_that_another_process_does_is_watched(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server leads; when it has died, the command does the rest itself."""
    parts = Parts(Settings(data=str(data), alliance=False))

    async def lead() -> object:
        store = parts.open_main(parts.indexer.extract)
        assert store.lead()
        return store

    with asyncio.Runner() as runner:
        store = runner.run(lead())
        looks: list[float] = []

        async def sleep(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 2:
                await store.close()  # type: ignore[attr-defined]

        monkeypatch.setattr("fhir_server.cli.jobs.sleep", sleep)
        assert run("reindex", "--data", data).exit_code == 0
    assert len(looks) == 2
    assert jobs(data)[0].endswith("done, 40 of 40 resources")


def test_other_settings_make_the_index_anew(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("reindex", "--data", data)
    monkeypatch.setenv("FHIR_SERVER_BASE_URL", "http://example.org/fhir")
    refused = run("load", "--data", data, data.parent / "patients.ndjson.ndjson")
    assert refused.exit_code == 1 and "fhir-server reindex" in refused.output
    assert run("reindex", "--data", data).exit_code == 0
    assert run("load", "--data", data, data.parent / "patients.ndjson.ndjson").exit_code == 0
    assert run("doctor", "--data", data).exit_code == 0


def test_a_job_that_fails_ends_the_command(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("fhir_server.bulk.reindex.restricted", broken)
    found = run("reindex", "--data", data)
    assert found.exit_code == 1 and "failed: internal error (ZeroDivisionError)" in found.output
    monkeypatch.undo()
    assert jobs(data)[0].endswith("(internal error (ZeroDivisionError))")


@pytest.mark.parametrize("command", ["jobs", "reindex"])
def test_there_must_be_a_store(command: str, tmp_path: Path) -> None:
    found = run(command, "--data", tmp_path / "nowhere")
    assert found.exit_code == 1 and "there is no store" in found.output


def test_the_rules_say_who_made_the_index(data: Path) -> None:
    from fhir_server.store.sqlite import rules_in

    parts = Parts(Settings(data=str(data), alliance=False))
    rules = decode(rules_in(parts.store_file))
    assert rules.made_by and [each.code for each in rules.parameters] == ["eye-colour"]

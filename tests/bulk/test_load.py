"""Files into the store: every kind, what fails, and loads that are killed or repeated."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_server.app import OpenContext, Parts
from fhir_server.bulk import load as loading
from fhir_server.bulk.files import UnknownFileError, sources
from fhir_server.bulk.load import Report, load
from fhir_server.bulk.progress import Progress
from fhir_server.config import Settings
from fhir_server.store.protocol import Store
from tests.examples import synthea_bundles


class Place:
    """A data folder and a folder of files to load into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self.files.mkdir()
        self.parts = Parts(Settings(data=str(folder / "data")))

    def write(self, name: str, *resources: Any) -> Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(found if isinstance(found, str) else json.dumps(found) for found in resources)
        body = text.encode()
        path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
        return path

    def load(self, *paths: Path, failures: Path | None = None) -> Report:
        return self.within(lambda opened: self.loading(opened, *paths, failures=failures))

    async def loading(self, opened: OpenContext, *paths: Path, failures: Path | None = None) -> Report:
        state = self.folder / "data" / "loads"
        return await load(
            opened.context, paths or (self.files,), state=state, failures=failures, show_progress=False
        )

    def within(self, work: Callable[[OpenContext], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            opened = await self.parts.open_context()
            try:
                return await work(opened)
            finally:
                await opened.close()

        return asyncio.run(run())

    def totals(self) -> dict[str, int]:
        found: dict[str, int] = self.within(lambda opened: opened.main.totals())
        return found

    def versions(self) -> int:
        found: int = self.within(lambda opened: opened.main.last_sequence())
        return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def patient(id_: str | None = None, **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient"} | ({"id": id_} if id_ else {}) | elements


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def post(resource: dict[str, Any]) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}


def test_a_single_resource_keeps_its_id(place: Place) -> None:
    place.write("one.json", patient("p1"))
    assert place.load() == Report(1, 1, 0, [])
    found = place.within(lambda opened: opened.context.store.read("Patient", "p1"))
    assert found.version_id == 1


def test_ndjson_plain_and_packed_with_empty_lines(place: Place) -> None:
    place.write("a.ndjson", patient("p1"), "", patient("p2"), "")
    place.write("b.jsonl.gz", patient("p3"), patient(active=True))
    assert place.load() == Report(2, 4, 0, [])
    assert place.totals() == {"Patient": 4}


def test_crlf_and_a_byte_order_mark(place: Place) -> None:
    lines = [json.dumps(patient(f"p{number}")) for number in range(3)]
    (place.files / "windows.ndjson").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert place.load() == Report(1, 3, 0, [])


def test_folders_are_walked_in_order_and_other_files_passed_over(place: Place) -> None:
    for name in ("z.json", "a/b.json", "a/a.ndjson", "notes.txt", "b.json.gz"):
        place.write(name, patient("p1"))
    names = [source.name for source in sources([place.files])]
    assert names == ["a/a.ndjson", "a/b.json", "b.json.gz", "z.json"]


def test_a_file_of_another_kind_that_is_named(place: Place) -> None:
    with pytest.raises(UnknownFileError, match=r"notes\.txt"):
        place.load(place.write("notes.txt", "x"))


def test_a_file_that_is_not_there(place: Place) -> None:
    with pytest.raises(FileNotFoundError):
        place.load(place.files / "absent.json")


def test_a_transaction_is_executed(place: Place) -> None:
    whole = post({"resourceType": "Organization", "name": "a"}) | {
        "fullUrl": "urn:uuid:" + "a" * 8 + "-0000-4000-8000-000000000000"
    }
    part = post({"resourceType": "Organization", "name": "b", "partOf": {"reference": whole["fullUrl"]}})
    place.write("tx.json", bundle("transaction", whole, part))
    assert place.load() == Report(1, 2, 0, [])

    async def part_of(opened: OpenContext) -> list[str]:
        changes = await opened.main.changes(0, 10)
        return [json.loads(version.body).get("partOf", {}).get("reference", "") for version in changes]

    assert next(found for found in place.within(part_of) if found).startswith("Organization/")


def test_a_transaction_that_fails_is_reported_and_leaves_nothing(place: Place) -> None:
    place.write("bad.json", bundle("transaction", post(patient(active=True)), post(patient(active="yes"))))
    place.write("good.json", patient("p1"))
    report = place.load()
    assert (report.resources, report.failed) == (1, 1)
    assert report.shown[0]["file"] == "bad.json"
    assert report.shown[0]["outcome"]["issue"][0]["expression"][0].startswith("Bundle.entry[1]")
    assert place.totals() == {"Patient": 1}


def test_entries_of_a_batch_that_fail(place: Place) -> None:
    place.write("batch.json", bundle("batch", post(patient(active=True)), post(patient(active="yes"))))
    report = place.load()
    assert (report.resources, report.failed) == (1, 1)
    assert report.shown[0]["entry"] == 2


@pytest.mark.parametrize("kind", ["collection", "searchset", "document"])
def test_entries_of_other_bundles_are_put(place: Place, kind: str) -> None:
    entries = [{"resource": patient("p1")}, {"fullUrl": "urn:x"}, {"resource": patient("p2", active="?")}]
    place.write("bundle.json", bundle(kind, *entries))
    report = place.load()
    assert (report.resources, report.failed) == (1, 1)
    assert report.shown[0]["entry"] == 3
    assert place.totals() == {"Patient": 1}


def test_lines_that_fail_are_named_and_the_rest_is_loaded(place: Place) -> None:
    lines: list[Any] = [patient(f"p{number}") for number in range(250)]
    lines[7] = '{"resourceType": "Patient",'
    lines[120] = patient("p120", birthDate="yesterday")
    lines[121] = patient("no such id!")
    lines[122] = {"resourceType": "Patienten"}
    lines[123] = "[]"
    place.write("many.ndjson", *lines)
    failures = place.folder / "failures.ndjson"
    report = place.load(failures=failures)
    assert (report.resources, report.failed) == (245, 5)
    rows = [json.loads(line) for line in failures.read_text().splitlines()]
    assert [row["line"] for row in rows] == [8, 121, 122, 123, 124]
    assert all(row["outcome"]["resourceType"] == "OperationOutcome" for row in rows)
    assert rows == report.shown


def test_a_packed_file_that_is_cut_off(place: Place) -> None:
    path = place.write("cut.ndjson.gz", *(patient(f"p{number}") for number in range(1000)))
    path.write_bytes(path.read_bytes()[:-200])
    place.write("whole.json", patient("whole"))
    report = place.load()
    assert report.failed == 1
    assert "cannot be read" in report.shown[0]["outcome"]["issue"][0]["diagnostics"]
    assert place.within(lambda opened: opened.main.read("Patient", "whole")) is not None


def test_a_load_that_is_repeated_makes_no_version(place: Place) -> None:
    place.write("tx.json", bundle("transaction", post(patient(active=True)), post(patient(active=False))))
    place.write("lines.ndjson", patient("p1"), patient(active=True), patient(active=True))
    assert place.load().resources == 5
    before = place.versions()
    assert place.load().resources == 5
    assert place.versions() == before == 5


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@pytest.mark.parametrize("commits", range(6))
@pytest.mark.parametrize("instant", ["before the commit", "after the commit"])
def test_a_load_that_is_killed_goes_on_without_duplicates(
    place: Place, monkeypatch: pytest.MonkeyPatch, commits: int, instant: str
) -> None:
    monkeypatch.setattr(loading, "GROUP", 2)
    place.write("a.json", bundle("transaction", post(patient(active=True)), post(patient(active=True))))
    place.write("b.ndjson", *(patient(active=bool(number % 2)) for number in range(5)))
    place.write("c.json", bundle("collection", *({"resource": patient(active=True)} for _ in range(3))))

    async def killed(opened: OpenContext) -> None:
        dying = _Dying(opened.context.store, commits, instant)
        context = loading.replace(opened.context, store=dying)
        with pytest.raises(Killed):
            await load(context, [place.files], state=place.folder / "data" / "loads", show_progress=False)

    place.within(killed)
    report = place.load()
    assert report.failed == 0
    assert place.totals() == {"Patient": 10}
    assert place.versions() == 10


class _Dying:
    """A store whose process ends in one of its transactions."""

    def __init__(self, store: Store, commits: int, instant: str) -> None:
        self._store = store
        self._left = commits
        self._instant = instant

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def transaction(self, work: Any) -> Any:
        if self._left == 0 and self._instant == "before the commit":
            raise Killed
        done = await self._store.transaction(work)
        if self._left == 0:
            raise Killed
        self._left -= 1
        return done


def test_failures_from_before_an_interruption_are_reported_at_the_end(place: Place) -> None:
    path = place.write("a.ndjson", patient("p1", active="?"), patient("p2"))
    found = sources([path])
    with Progress(place.folder / "data" / "loads", found) as progress:
        progress.record(found[0], 1, 0, [{"file": "a.ndjson", "line": 1, "outcome": {"issue": []}}])
        progress._file.write(b'{"file": ["cut o')
    report = place.load(path)
    assert (report.resources, report.failed) == (1, 1)
    assert report.shown[0] == {"file": "a.ndjson", "line": 1, "outcome": {"issue": []}}
    assert list((place.folder / "data" / "loads").iterdir()) == []


def test_a_file_that_changed_since_begins_anew(place: Place) -> None:
    path = place.write("a.ndjson", patient("p1"))
    found = sources([path])
    with Progress(place.folder / "data" / "loads", found) as progress:
        progress.record(found[0], 1, 1, [])
    place.write("a.ndjson", patient("p1"), patient("p2"))
    place.load(path)
    assert place.totals() == {"Patient": 2}


def test_a_store_that_fails_ends_the_load_and_keeps_what_was_done(place: Place) -> None:
    from fhir_server.outcome import FhirError, store_unavailable

    class Full(_Dying):
        async def transaction(self, work: Any) -> Any:
            if self._left == 0:
                raise store_unavailable("the disk is full")
            self._left -= 1
            return await self._store.transaction(work)

    place.write("a.json", patient("p1"))
    place.write("b.json", bundle("transaction", post(patient(active=True))))

    async def work(opened: OpenContext) -> None:
        context = loading.replace(opened.context, store=Full(opened.context.store, 1, ""))
        with pytest.raises(FhirError, match="disk is full"):
            await load(context, [place.files], state=place.folder / "data" / "loads", show_progress=False)

    place.within(work)
    assert place.totals() == {"Patient": 1}
    assert place.load().resources == 2
    assert place.totals() == {"Patient": 2}


def test_synthea_loads_whole(place: Place) -> None:
    for file, text in synthea_bundles()[:3]:
        (place.files / f"{Path(file).stem}.json").write_bytes(text)
    entries = sum(len(json.loads(text)["entry"]) for _, text in synthea_bundles()[:3])
    assert place.load() == Report(3, entries, 0, [])
    assert sum(place.totals().values()) == entries

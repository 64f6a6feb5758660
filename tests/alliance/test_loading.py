"""`fhir-server load`: which rules of the alliance judge what an operator brings, in whatever kind of file."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fhir_server.alliance.systems import code_system
from fhir_server.app import Parts
from fhir_server.bulk.load import Report, load
from fhir_server.config import Settings
from fhir_server.resource import Resource
from tests.alliance.referral.world import (
    CONSENT,
    DIRECTORY,
    LOWER,
    NETWORK,
    affiliation,
    organization,
)
from tests.profiles.package import FOLDER

Write = Callable[[Path, list[Resource]], None]


def lines(path: Path, resources: list[Resource]) -> None:
    path.with_suffix(".ndjson").write_text("\n".join(map(json.dumps, resources)))


def collection(path: Path, resources: list[Resource]) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": one} for one in resources],
    }
    path.with_suffix(".json").write_text(json.dumps(bundle))


def batch(path: Path, resources: list[Resource]) -> None:
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    path.with_suffix(".json").write_text(
        json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries})
    )


def single(path: Path, resources: list[Resource]) -> None:
    for number, one in enumerate(resources):
        path.with_name(f"{number:03}.json").write_text(json.dumps(one))


KINDS = pytest.mark.parametrize("write", [lines, collection, batch, single], ids=lambda each: each.__name__)


class Place:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = Parts(Settings(data=str(folder / "data")))
        self._number = 0

    def load(self, write: Write, *resources: Resource) -> Report:
        self._number += 1
        files = self._folder / str(self._number)
        files.mkdir()
        write(files / "file", list(resources))
        return asyncio.run(self._load(files))

    async def _load(self, files: Path) -> Report:
        opened = await self._parts.open_context()
        try:
            return await load(
                opened.context, [files], state=self._folder / "data" / "loads", show_progress=False
            )
        finally:
            await opened.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    assert found.load(lines, *DIRECTORY, CONSENT).failed == 0
    return found


def example(name: str) -> Resource:
    found: Resource = json.loads((FOLDER / "examples" / f"{name}.json").read_bytes())
    return found


def tier(code: str) -> list[Resource]:
    return [{"coding": [{"system": code_system("governance-tier"), "code": code}]}]


def refused(report: Report) -> str:
    (failure,) = report.shown
    (issue,) = failure["outcome"]["issue"]
    assert (report.failed, issue["code"]) == (1, "business-rule")
    return str(issue["diagnostics"])


@KINDS
def test_a_member_has_one_tier_in_a_network(place: Place, write: Write) -> None:
    one = affiliation(LOWER, code=tier("member"))
    other = affiliation(LOWER, code=tier("council")) | {"id": "second"}
    report = place.load(write, one, other)
    assert report.resources == 1
    assert f"{LOWER} is member of {NETWORK}" in refused(report)


@KINDS
def test_an_organisation_is_no_part_of_itself(place: Place, write: Write) -> None:
    one = organization("Organization/one", partOf={"reference": "Organization/two"})
    two = organization("Organization/two", partOf={"reference": "Organization/one"})
    report = place.load(write, one, two)
    assert report.resources == 1
    assert "no part of itself" in refused(report)


@KINDS
def test_a_case_is_discussed_without_its_patient(place: Place, write: Write) -> None:
    category = {"coding": [{"system": code_system("communication-category"), "code": "case-discussion"}]}
    said = {
        "resourceType": "Communication", "id": "said", "status": "completed", "category": [category],
        "subject": {"reference": "Patient/zhou"}, "payload": [{"contentString": "x"}],
    }  # fmt: skip
    assert "Communication.subject" in refused(place.load(write, said))


@KINDS
def test_a_referral_is_history_in_whatever_state(place: Place, write: Write) -> None:
    found = [example("ServiceRequest-referral-up"), example("Task-task-completed")]
    report = place.load(write, *found)
    assert (report.resources, report.failed) == (2, 0)


@KINDS
def test_a_profile_that_is_claimed_is_kept(place: Place, write: Write) -> None:
    task = {name: value for name, value in example("Task-task-completed").items() if name != "owner"}
    report = place.load(write, example("ServiceRequest-referral-up"), task)
    assert (report.resources, report.failed) == (1, 1)


@KINDS
def test_slots_are_taken_as_they_are(place: Place, write: Write) -> None:
    times = {"start": "2026-12-01T08:00:00+08:00", "end": "2026-12-01T08:30:00+08:00"}
    slot = {
        "resourceType": "Slot",
        "id": "s",
        "status": "free",
        "schedule": {"reference": "Schedule/1"},
    } | times
    booked: list[dict[str, Any]] = [
        {
            "resourceType": "Appointment", "id": id_, "status": "booked", "slot": [{"reference": "Slot/s"}],
            "participant": [{"actor": {"reference": "Location/1"}, "status": "accepted"}],
        } | times
        for id_ in ("a", "b")
    ]  # fmt: skip
    assert place.load(write, slot, *booked).failed == 0


def test_a_load_that_is_repeated_is_judged_alike_and_makes_no_version(place: Place) -> None:
    one = affiliation(LOWER, code=tier("member"))
    other = affiliation(LOWER, code=tier("council")) | {"id": "second"}
    first, second = place.load(lines, one, other), place.load(lines, one, other)
    assert refused(first) == refused(second)
    assert (first.resources, second.resources) == (1, 1)

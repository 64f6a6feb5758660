"""The demonstration alliance: the same to the byte, whole, valid, and loaded once."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from fhir_server.alliance import systems
from fhir_server.alliance.identifiers import is_credit_code, is_organization_code, is_resident_number
from fhir_server.alliance.sample.bundles import bundles, resources
from fhir_server.alliance.sample.load import load_sample
from fhir_server.alliance.sample.marker import MARKER
from fhir_server.app import Parts
from fhir_server.config import Settings
from fhir_server.definitions import registry
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import Request
from fhir_server.resource import Resource, encode
from fhir_server.validation.structure import Validator

ROOT = Path(__file__).parents[2]


@cache
def sample() -> list[Resource]:
    return list(resources())


def of_type(resource_type: str) -> list[Resource]:
    return [resource for resource in sample() if resource["resourceType"] == resource_type]


def digest() -> str:
    return hashlib.sha256(b"".join(encode(bundle) for bundle in bundles())).hexdigest()


def test_the_sample_is_the_same_in_another_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from tests.alliance.test_sample import digest; print(digest())"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest()


def test_the_sample_is_small_enough_to_load_at_a_start() -> None:
    assert 1000 <= len(sample()) <= 1500


def test_every_identity_stands_once() -> None:
    twice = [
        identity
        for identity, count in Counter((found["resourceType"], found["id"]) for found in sample()).items()
        if count > 1
    ]
    assert twice == []


def _references(value: Any) -> Iterator[str]:
    match value:
        case {"reference": str(reference)}:
            yield reference
        case dict():
            for item in value.values():
                yield from _references(item)
        case list():
            for item in value:
                yield from _references(item)


def test_references_lead_to_what_comes_before() -> None:
    there: set[str] = set()
    for resource in sample():
        identity = f"{resource['resourceType']}/{resource['id']}"
        missing = set(_references(resource)) - there - {identity}
        assert not missing, (identity, missing)
        there.add(identity)


def test_every_resource_keeps_to_the_base_specification() -> None:
    validator = Validator(registry.load())
    assert [issue for resource in sample() for issue in validator.check(resource)] == []


def test_identifiers_have_their_check_characters() -> None:
    rules = {
        systems.RESIDENT_NUMBER: is_resident_number,
        systems.CREDIT_CODE: is_credit_code,
        systems.ORGANIZATION_CODE: is_organization_code,
    }
    seen: Counter[str] = Counter()
    for resource in of_type("Patient") + of_type("Organization"):
        for identifier in resource["identifier"]:
            if rule := rules.get(identifier["system"]):
                assert rule(identifier["value"]), identifier
                seen[identifier["system"]] += 1
    assert set(seen) == set(rules)


def test_a_resident_number_tells_birth_and_sex() -> None:
    for patient in of_type("Patient"):
        number = patient["identifier"][0]["value"]
        assert date.fromisoformat(patient["birthDate"]).strftime("%Y%m%d") == number[6:14]
        assert (int(number[16]) % 2 == 1) == (patient["gender"] == "male")


def test_members_of_each_tier() -> None:
    tiers = Counter(
        coding["code"]
        for organization in of_type("Organization")
        for kind in organization["type"]
        for coding in kind["coding"]
        if coding["system"] == systems.code_system("organization-tier")
    )
    assert tiers == {"county": 12, "township": 17, "village": 46}
    members = {
        found["participatingOrganization"]["reference"] for found in of_type("OrganizationAffiliation")
    }
    assert len(members) == sum(tiers.values())


def test_referrals_end_in_every_way() -> None:
    states = {(task["status"], task["businessStatus"]["coding"][0]["code"]) for task in of_type("Task")}
    assert {
        ("completed", "outcome-returned"),
        ("completed", "down-referred"),
        ("rejected", "declined"),
        ("cancelled", "cancelled-by-placer"),
        ("cancelled", "cancelled-by-patient"),
        ("failed", "no-show-final"),
        ("failed", "died"),
        ("failed", "left"),
        ("failed", "unable"),
        ("failed", "expired"),
    } <= states
    ended = ("rejected", "cancelled", "failed", "on-hold")
    assert all(task["statusReason"]["text"] for task in of_type("Task") if task["status"] in ended)


def test_a_referral_down_stands_on_the_one_up() -> None:
    requests = {f"ServiceRequest/{found['id']}": found for found in of_type("ServiceRequest")}
    based = [found for found in requests.values() if "basedOn" in found]
    assert len(based) == 8
    for request in based:
        up = requests[request["basedOn"][0]["reference"]]
        assert up["id"].startswith("referral-up-")
        assert up["subject"] == request["subject"]
        assert up["authoredOn"] < request["authoredOn"]


def test_people_are_marked_as_test_data() -> None:
    for resource in of_type("Patient") + of_type("Practitioner"):
        assert resource["meta"]["security"][0]["code"] == "HTEST"
    assert all(resource["meta"]["tag"][0]["code"] == "demonstration" for resource in sample())


def test_the_marker_comes_last() -> None:
    last = sample()[-1]
    assert (last["resourceType"], last["id"]) == MARKER


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("alliance")
    assert _load(data) is True
    return data


def _load(data: Path) -> bool:
    async def run() -> bool:
        opened = await Parts(Settings(data=str(data))).open_context()
        try:
            return await load_sample(opened.context)
        finally:
            await opened.close()

    return asyncio.run(run())


def _state(data: Path) -> tuple[int, dict[str, int]]:
    async def run() -> tuple[int, dict[str, int]]:
        opened = await Parts(Settings(data=str(data))).open_context()
        try:
            return await opened.main.last_sequence(), await opened.main.totals()
        finally:
            await opened.close()

    return asyncio.run(run())


def test_the_store_holds_all_of_it(loaded: Path) -> None:
    _, totals = _state(loaded)
    assert totals == Counter(resource["resourceType"] for resource in sample())


def test_a_second_load_does_nothing(loaded: Path) -> None:
    before = _state(loaded)
    assert _load(loaded) is False
    assert _state(loaded) == before


def test_a_load_that_was_cut_off_is_made_whole(tmp_path: Path) -> None:
    """Without its marker all is put again, and what is there already makes no version."""

    async def cut_off() -> None:
        opened = await Parts(Settings(data=str(tmp_path))).open_context()
        try:
            for bundle in islice(bundles(), 2):
                await perform(opened.context, Request(method="POST", resource=bundle))
        finally:
            await opened.close()

    asyncio.run(cut_off())
    assert _load(tmp_path) is True
    assert _state(tmp_path)[0] == len(sample())

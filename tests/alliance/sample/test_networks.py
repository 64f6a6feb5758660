"""The networks: the same to the byte, whole, with right identifiers, and in nobody's name."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from fhir_server.alliance import systems
from fhir_server.alliance.identifiers import is_credit_code, is_organization_code, is_resident_number
from fhir_server.alliance.sample.marker import marker
from fhir_server.alliance.sample.networks import bundles
from fhir_server.alliance.sample.regions import COUNTIES
from fhir_server.alliance.sample.world import LETTERS, SIZES, World
from fhir_server.resource import Resource, encode
from tests.alliance.sample.networks import codes, name_of, network, of_type, references, value

ROOT = Path(__file__).parents[3]

HOSPITALS_OF_OTHERS = re.compile(
    "湘雅|人民医院|第[一二三四五六七八九十]+医院|大学|附属|红十字|协和|邵逸夫|中心医院|县中医医院|市中医医院"
)
"""What the names of real hospitals have in them, those of the articles among them."""


def digest(letter: str, seed: int = 1) -> str:
    return hashlib.sha256(b"".join(encode(bundle) for bundle in bundles(World(letter, seed)))).hexdigest()


def in_another_process(letter: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "fhir_server.alliance.sample", letter, "1"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    return hashlib.sha256(done.stdout.replace(b"\n", b"")).hexdigest()


@pytest.mark.parametrize("letter", ["A", *(pytest.param(letter, marks=pytest.mark.long) for letter in "BCD")])
def test_a_network_is_the_same_in_another_process(letter: str) -> None:
    assert in_another_process(letter) == digest(letter)


@pytest.mark.parametrize("letter", LETTERS)
def test_a_network_has_as_many_resources_as_is_said(letter: str) -> None:
    assert len(network(letter)) == SIZES[letter]


@pytest.mark.parametrize("letter", ["A", pytest.param("B", marks=pytest.mark.long), "C", "D"])
def test_another_seed_makes_as_many_other_people(letter: str) -> None:
    one, other = network(letter), network(letter, 2)
    assert Counter(found["resourceType"] for found in one) == Counter(
        found["resourceType"] for found in other
    )
    assert not {name_of(found) for found in one} & {name_of(found) for found in other}
    assert not _numbers(one) & _numbers(other)


def _numbers(found: tuple[Resource, ...]) -> set[str]:
    return {
        identifier["value"]
        for resource in of_type(found, "Patient", "Organization")
        for identifier in resource["identifier"]
        if identifier["system"] in (systems.RESIDENT_NUMBER, systems.CREDIT_CODE)
    }


def test_networks_stand_beside_each_other() -> None:
    names = [name_of(found) for letter in LETTERS for found in network(letter)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("letter", LETTERS)
def test_references_lead_to_what_comes_before(letter: str) -> None:
    there: set[str] = set()
    for resource in network(letter):
        missing = set(references(resource)) - there
        assert not missing, (name_of(resource), missing)
        there.add(name_of(resource))


@pytest.mark.parametrize("letter", LETTERS)
def test_identifiers_have_their_check_characters(letter: str) -> None:
    rules = {
        systems.RESIDENT_NUMBER: is_resident_number,
        systems.CREDIT_CODE: is_credit_code,
        systems.ORGANIZATION_CODE: is_organization_code,
    }
    seen: Counter[str] = Counter()
    for resource in of_type(network(letter), "Patient", "Organization", "Practitioner"):
        for identifier in resource["identifier"]:
            if rule := rules.get(identifier["system"]):
                assert rule(identifier["value"]), identifier
                seen[identifier["system"]] += 1
    assert set(seen) == set(rules)


def test_wrong_numbers_are_kept_but_not_as_identity_numbers() -> None:
    wrong = [
        identifier["value"]
        for patient in of_type(network("B"), "Patient")
        for identifier in patient["identifier"]
        if identifier["system"].endswith("/unverified")
    ]
    assert len(wrong) == 12
    assert all(len(number) == 18 and not is_resident_number(number) for number in wrong)


@pytest.mark.parametrize("letter", LETTERS)
def test_a_resident_number_tells_birth_and_sex(letter: str) -> None:
    for patient in of_type(network(letter), "Patient"):
        for identifier in patient["identifier"]:
            if identifier["system"] == systems.RESIDENT_NUMBER:
                number = identifier["value"]
                assert date.fromisoformat(patient["birthDate"]).strftime("%Y%m%d") == number[6:14]
                assert (int(number[16]) % 2 == 1) == (patient["gender"] == "male")
                assert number[:6] in COUNTIES


@pytest.mark.parametrize("letter", LETTERS)
def test_names_of_hospitals_are_invented(letter: str) -> None:
    names = [found["name"] for found in of_type(network(letter), "Organization")]
    assert [name for name in names if HOSPITALS_OF_OTHERS.search(name)] == []
    assert len(names) == len(set(names))


@pytest.mark.parametrize("letter", LETTERS)
def test_all_of_it_says_that_it_is_a_sample(letter: str) -> None:
    assert all(found["meta"]["tag"][0]["code"] == "demonstration" for found in network(letter))


@pytest.mark.parametrize("letter", ["A", "D"])
def test_every_bundle_ends_with_the_marker(letter: str) -> None:
    found = list(bundles(World(letter)))
    last = [bundle["entry"][-1] for bundle in found]
    assert {entry["request"]["url"] for entry in last} == {"/".join(marker(World(letter)))}
    texts = [entry["resource"]["activity"]["text"] for entry in last]
    assert texts == [f"loading {number}" for number in range(1, len(found))] + ["loaded"]
    assert all(entry["request"]["method"] == "PUT" for bundle in found for entry in bundle["entry"])


def tiers(letter: str) -> Counter[str]:
    return Counter(
        tier
        for found in of_type(network(letter), "Organization")
        for tier in codes(found["type"], "organization-tier")
    )


def test_members_of_the_border_alliance() -> None:
    assert tiers("A") == {"county": 12, "township": 17, "village": 46}
    affiliations = of_type(network("A"), "OrganizationAffiliation")
    members = {found["participatingOrganization"]["reference"] for found in affiliations}
    assert len(members) == 75
    alliance = [
        found for found in affiliations if found["organization"]["reference"] == "Organization/network-border"
    ]
    assert len(alliance) == 12
    lead = [found for found in alliance if "lead" in codes(found["code"], "governance-tier")]
    assert [found["participatingOrganization"]["reference"] for found in lead] == [
        "Organization/organization-430181"
    ]


def test_members_of_the_county_community() -> None:
    """A county hospital and one of Chinese medicine, 5 + 2 above, 6 + 2 township centres, 72 villages."""
    assert tiers("B") == {"county": 2, "province": 4, "prefecture": 3, "township": 8, "village": 72}
    partners = Counter(
        contract["subject"][0]["reference"].rpartition("-")[2]
        + (" above" if "above" in contract["subject"][1]["reference"] else " township")
        for contract in of_type(network("B"), "Contract")
    )
    assert partners == {"county above": 5, "chinese above": 2, "county township": 6, "chinese township": 2}


def test_groups_of_the_city() -> None:
    networks = [found for found in of_type(network("C"), "Organization") if "network-" in found["id"]]
    assert [codes(found["type"], "alliance-type") for found in networks] == [{"city-group"}] * 5
    parties = sorted(len(contract["subject"]) for contract in of_type(network("C"), "Contract"))
    assert (len(parties), parties[0], parties[-1]) == (5, 7, 19)
    posted = {
        role["practitioner"]["reference"]
        for role in of_type(network("C"), "PractitionerRole")
        if codes(role["code"], "rotation-mode") == {"long-term-posting"}
    }
    assert len(posted) == 14
    assert len(of_type(network("C"), "MeasureReport")) == 14


def test_trusteeships_of_the_branch() -> None:
    modes: Counter[str] = Counter()
    specialties: set[str] = set()
    for found in of_type(network("D"), "OrganizationAffiliation"):
        if "township" in found["participatingOrganization"]["reference"]:
            modes.update(codes(found["code"], "cooperation-mode"))
            specialties |= codes(found.get("specialty", []), "specialty")
    assert modes == {"specialty-trusteeship": 8, "full-trusteeship": 2}
    assert len(specialties) == 11
    batches = {value(role, "batch") for role in of_type(network("D"), "PractitionerRole")} - {None}
    assert len(batches) == 5


def test_people_that_trouble_a_register() -> None:
    patients = of_type(network("B"), "Patient")
    names = [patient["name"][0] for patient in patients]
    assert sum(name["use"] == "temp" for name in names) == 8
    assert sum("·" in name["text"] and "family" not in name for name in names) > 10
    assert sum(len(name.get("family", "")) == 2 for name in names) > 20
    replaced = [patient for patient in patients if not patient["active"]]
    assert len(replaced) == 15
    by_name = {name_of(patient): patient for patient in patients}
    for patient in replaced:
        known = by_name[patient["link"][0]["other"]["reference"]]
        assert patient["identifier"][0] == known["identifier"][0]
        assert patient["identifier"][1] != known["identifier"][1]
    families = Counter((patient.get("birthDate"), patient["name"][0].get("family")) for patient in patients)
    children = [key for key, count in families.items() if count == 2 and str(key[0]) > "2011"]
    assert len(children) == 6


def test_members_of_minorities_are_of_their_people() -> None:
    for patient in of_type(network("B"), "Patient"):
        people = value(patient, "ethnicity-gb3304")
        if people is not None and "·" in patient["name"][0]["text"]:
            assert people["coding"][0]["code"] in ("02", "04", "05", "07", "17")

"""https://hl7.org/fhir/R4/namingsystem.html"""

from pathlib import Path

import pytest

from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.naming import NamingSystems
from fhir_server.resource import Resource
from fhir_server.resource import content as stored
from fhir_server.store.layered import LayeredStore
from fhir_server.store.protocol import Content
from fhir_server.store.sqlite import open_store
from tests.interactions.fhir import BASE, Fhir, codes, content, observation, patient, post, request

OID, URL = "urn:oid:2.16.156.10011.1.3", "http://example.org/resident-id"


def naming(*names: tuple[str, str], id_: str = "resident", **elements: object) -> Resource:
    return {
        "resourceType": "NamingSystem",
        "id": id_,
        "name": "ResidentId",
        "status": "active",
        "kind": "identifier",
        "date": "2026-01-01",
        "uniqueId": [{"type": type_, "value": value} for type_, value in names],
    } | elements


def declare(fhir: Fhir, made: Resource) -> None:
    fhir("PUT", f"NamingSystem/{made['id']}", made)


BOTH = naming(("oid", "2.16.156.10011.1.3"), ("uri", URL))


def resident(system: str, **elements: object) -> Resource:
    return patient(identifier=[{"system": system, "value": "1"}], **elements)


@pytest.fixture
def residents(fhir: Fhir) -> Fhir:
    for id_, system in (("oid", OID), ("url", URL), ("other", "urn:other")):
        fhir("PUT", f"Patient/{id_}", resident(system, id=id_))
        subject = {"identifier": {"system": system, "value": "1"}, "reference": f"Patient/{id_}"}
        fhir("PUT", f"Observation/{id_}", observation("Patient/1", id=id_) | {"subject": subject})
    return fhir


def found(fhir: Fhir, url: str) -> list[str]:
    return sorted(each["resource"]["id"] for each in content(fhir("GET", url)).get("entry", ()))


@pytest.mark.parametrize("system", [OID, URL])
@pytest.mark.parametrize(
    "search",
    [
        "Patient?identifier={}|1",
        "Patient?identifier={}|",
        "Patient?_has:Observation:patient:subject:identifier={}|1",
        "Observation?subject:Patient.identifier={}|1",
        "Observation?subject:identifier={}|1",
    ],
)
def test_names_of_one_system_find_each_other(residents: Fhir, search: str, system: str) -> None:
    search = search.format(system)
    assert len(found(residents, search)) == 1
    declare(residents, BOTH)
    assert found(residents, search) == ["oid", "url"]


def test_a_change_and_a_deletion_are_seen_at_once(residents: Fhir) -> None:
    declare(residents, BOTH)
    assert found(residents, f"Patient?identifier={OID}|1") == ["oid", "url"]
    declare(residents, naming(("oid", "2.16.156.10011.1.3"), ("uri", "urn:other")))
    assert found(residents, f"Patient?identifier={OID}|1") == ["oid", "other"]
    residents("DELETE", "NamingSystem/resident")
    assert found(residents, f"Patient?identifier={OID}|1") == ["oid"]


def test_systems_that_share_a_name_are_one(residents: Fhir) -> None:
    declare(residents, BOTH)
    declare(residents, naming(("uri", URL), ("other", "urn:other"), ("other", "ZJHM"), id_="second"))
    assert found(residents, f"Patient?identifier={OID}|1") == ["oid", "other", "url"]
    assert found(residents, "Patient?identifier=urn:other|1") == ["oid", "other", "url"]


@pytest.mark.parametrize("elements", [{"kind": "codesystem"}, {"status": "draft"}, {"kind": "root"}])
def test_not_of_code_systems_and_drafts(residents: Fhir, elements: Resource) -> None:
    declare(residents, BOTH | elements)
    assert found(residents, f"Patient?identifier={OID}|1") == ["oid"]


def test_values_and_identifiers_without_a_system_are_no_alias(residents: Fhir) -> None:
    declare(residents, BOTH)
    assert found(residents, f"Patient?identifier={OID}|2") == []
    assert found(residents, "Patient?identifier=|1") == []
    assert found(residents, f"Patient?identifier:not={OID}|1") == ["other"]


def test_conditional_create_finds_what_was_stored_under_another_name(residents: Fhir) -> None:
    declare(residents, BOTH)
    residents("DELETE", "Patient/url")
    answer = residents("POST", "Patient", resident(URL), if_none_exist=f"identifier={URL}|1")
    assert (answer.status, answer.location) == (200, f"{BASE}/Patient/oid/_history/1")
    answer = residents("PUT", f"Patient?identifier={URL}|1", resident(URL, active=True))
    assert (answer.status, answer.location) == (200, f"{BASE}/Patient/oid/_history/2")


def test_412_when_two_names_fit_two_resources(residents: Fhir) -> None:
    declare(residents, BOTH)
    error = residents.refused("POST", "Patient", resident(URL), if_none_exist=f"identifier={URL}|1")
    assert codes(error) == (412, "multiple-matches")


def test_conditional_references_of_transactions(residents: Fhir) -> None:
    declare(residents, BOTH)
    residents("DELETE", "Patient/oid")
    residents.transaction(post(observation(f"Patient?identifier={OID}|1", code={"text": "new"})))
    assert residents.total("Observation?subject=Patient/url&code:text=new") == 1


def test_what_another_process_changed_is_seen(residents: Fhir, tmp_path: Path) -> None:
    async def work() -> list[bool]:
        other = open_store(
            tmp_path / "fhir.sqlite", extract=residents.context.indexer.extract, clock=lambda: 0
        )
        naming_systems = NamingSystems(other)
        seen = [await naming_systems.refresh()]
        await perform(residents.context, request("PUT", "NamingSystem/resident", BOTH))
        seen += [await naming_systems.refresh(), await naming_systems.refresh()]
        assert naming_systems.names[URL] == tuple(sorted((OID, URL)))
        await other.close()
        return seen

    assert residents.run(work()) == [False, True, False]


def test_naming_systems_of_packages(residents: Fhir, tmp_path: Path) -> None:
    async def work() -> None:
        extract = residents.context.indexer.extract
        layer = open_store(tmp_path / "layer.sqlite", extract=extract, clock=lambda: 0)
        made = Content("NamingSystem", "resident", stored(BOTH), extract("NamingSystem", stored(BOTH)))
        await layer.transaction(lambda unit: unit.put(made, method="PUT"))
        naming_systems = NamingSystems(LayeredStore(residents.context.store, [layer]))  # type: ignore[arg-type]
        assert await naming_systems.refresh()
        assert naming_systems.names[OID] == tuple(sorted((OID, URL)))
        await layer.close()

    residents.run(work())


def test_names_are_read_again_only_after_a_change(residents: Fhir) -> None:
    async def work() -> list[bool]:
        naming_systems = NamingSystems(residents.context.store)
        return [await naming_systems.refresh() for _ in range(2)]

    assert residents.run(work()) == [False, False]
    declare(residents, BOTH)
    assert residents.run(work()) == [True, False]

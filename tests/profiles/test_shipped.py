"""What is made from the package is up to date, and every server has it as a layer under its store."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_server.alliance.systems import BASE
from fhir_server.app import Parts
from fhir_server.bulk.guide import file_of, guide
from fhir_server.bulk.packages import ALLIANCE, ALLIANCE_CANONICALS, CORE_CANONICALS, add_package, layer_paths
from fhir_server.bulk.profile_pages import pages
from fhir_server.bulk.shipped import PAGES, folder
from fhir_server.config import Settings
from fhir_server.definitions.index import FILE, index
from fhir_server.definitions.packages import open_package
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode
from fhir_server.search.index import Indexer
from fhir_server.store.algebra import Everything
from fhir_server.store.sqlite.store import open_store
from tests.bulk.indexed import Indexed
from tests.definitions.structures import core_structures
from tests.profiles.package import FOLDER, definitions
from tests.profiles.running import Running

STALE = "run: python -m fhir_server.bulk.shipped"


def test_the_folder_is_that_of_the_checkout() -> None:
    assert folder() == FOLDER
    assert open_package(FOLDER).name == ALLIANCE


def test_the_index_is_up_to_date() -> None:
    assert decode((FOLDER / FILE).read_bytes()) == index(open_package(FOLDER)), STALE


def test_the_guide_is_up_to_date() -> None:
    package = open_package(FOLDER)
    assert decode(file_of(package).read_bytes()) == guide(package), STALE


def test_the_guide_lists_every_definition_and_every_example() -> None:
    listed = decode(file_of(open_package(FOLDER)).read_bytes())["definition"]["resource"]
    files = {each["reference"]["reference"].replace("/", "-") for each in listed}
    wanted = {path.stem for kind in (FOLDER, FOLDER / "examples") for path in kind.glob("*-*.json")}
    assert files == wanted - {"ImplementationGuide-fhir-server.alliance"}
    profiles = {each["url"] for each in definitions()["StructureDefinition"] if each["type"] != "Extension"}
    assert {each["exampleCanonical"] for each in listed if "exampleCanonical" in each} == profiles


def test_the_guide_is_read_from_the_server(running: Running) -> None:
    found = running("GET", "/ImplementationGuide?url=" + f"{BASE}/ImplementationGuide/{ALLIANCE}")
    assert [each["resource"]["packageId"] for each in found["entry"]] == [ALLIANCE]


def test_the_layer_is_up_to_date() -> None:
    parts = Parts(Settings())

    async def read() -> list[Resource]:
        extract = Indexer(parts.definitions).extract
        store = open_store(ALLIANCE_CANONICALS, extract=extract, clock=lambda: 0, readonly=True)
        try:
            identities = [
                identity
                for resource_type in await store.totals()
                for identity in await store.identities(resource_type, Everything(), 10_000)
            ]
            return [decode(version.body) for version in await store.read_many(identities)]
        finally:
            await store.close()

    def by_name(resources: Any) -> dict[tuple[str, str], Resource]:
        return {
            (each["resourceType"], each["id"]): {
                name: value for name, value in each.items() if name != "meta"
            }
            for each in resources
        }

    wanted = by_name(each for found in definitions().values() for each in found)
    assert by_name(asyncio.run(read())) == wanted, STALE


def test_the_pages_are_up_to_date() -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in PAGES.iterdir()}
    assert found == pages(open_package(FOLDER), core_structures(), PAGES), STALE


def test_a_package_of_the_same_name_takes_its_place(tmp_path: Path) -> None:
    assert layer_paths(tmp_path, alliance=True) == [ALLIANCE_CANONICALS, CORE_CANONICALS]
    assert layer_paths(tmp_path, alliance=False) == [CORE_CANONICALS]
    parts = Parts(Settings(data=str(tmp_path)))
    added = asyncio.run(
        add_package(tmp_path, str(FOLDER), indexer=parts.indexer, check=parts.validator.check)
    )
    assert layer_paths(tmp_path, alliance=True) == [added.path, CORE_CANONICALS]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with asyncio.Runner() as runner:
        found = Running(runner, tmp_path)
        yield found
        found.close()


def test_a_profile_is_read_and_found(running: Running) -> None:
    profile = running("GET", "/StructureDefinition/referral-task")
    assert profile["url"] == f"{BASE}/StructureDefinition/referral-task"
    assert running.found(f"/StructureDefinition?url={profile['url']}") == ["referral-task"]
    assert running("GET", "/NamingSystem/uscc")["kind"] == "identifier"


def test_the_setting_turns_it_off(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        without = Running(runner, tmp_path, alliance=False)
        with pytest.raises(FhirError) as caught:
            without("GET", "/StructureDefinition/referral-task")
        assert caught.value.status == 404
        with pytest.raises(FhirError):
            without("GET", "/Task?deadline=2026")
        assert "instantiates" not in without("GET", "/metadata")
        without.close()


def test_search_parameters_are_in_force_at_once(running: Running) -> None:
    statement = running("GET", "/metadata")
    by_type = {each["type"]: each for each in statement["rest"][0]["resource"]}
    for definition in definitions()["SearchParameter"]:
        wanted = {"name": definition["code"], "definition": definition["url"], "type": definition["type"]}
        for base in definition["base"]:
            told = [{each: one[each] for each in wanted} for one in by_type[base]["searchParam"]]
            assert wanted in told, definition["id"]


FOUND_BY = {
    "ServiceRequest/referral-up": [
        "direction=up", "care-setting=I", "green-channel=chest-pain", "reason-text=胸痛",
        "performer-organization=Organization/organization-county",
    ],
    "Task/task-completed": [
        "referral-direction=up", "care-setting=I", "green-channel=chest-pain", "focus-category=referral",
        "deadline=2026-11-02T09:10:00%2B08:00", "output-reference=Composition/feedback-document",
    ],
    "Task/task-rejected": ["status-reason=no-bed"],
    "OrganizationAffiliation/membership-township": ["agreement=Contract/contract-membership"],
    "PractitionerRole/rotation-expert": [
        "home-organization=Organization/organization-county", "batch=2026-5",
    ],
    "Appointment/activity-clinic": ["served=38", "served=gt30"],
    "Communication/message-question": ["in-response-to:missing=true"],
    "Organization/organization-county": ["tier=county", "division=433127"],
    "HealthcareService/service-rehabilitation": ["capacity=4", "capacity=ge1"],
}  # fmt: skip
NOT_FOUND_BY = {
    "ServiceRequest/referral-up": ["direction=down", "green-channel=stroke"],
    "Task/task-completed": ["deadline=lt2026-11-02T09:00:00%2B08:00", "status-reason=no-bed"],
    "Organization/organization-county": ["tier=village"],
    "Appointment/activity-clinic": ["served=gt38"],
}


def example(name: str) -> Resource:
    """`Task/task-completed`, without the profiles that it claims: what it refers to is not here."""
    resource: Resource = decode((FOLDER / "examples" / f"{name.replace('/', '-')}.json").read_bytes())
    return {element: value for element, value in resource.items() if element != "meta"}


def test_examples_are_found_by_the_search_parameters(running: Running) -> None:
    for name in FOUND_BY:
        running("PUT", f"/{name}", example(name))
    for name, searches in FOUND_BY.items():
        resource_type, _, id_ = name.partition("/")
        for search in searches:
            assert id_ in running.found(f"/{resource_type}?{search}"), search
    for name, searches in NOT_FOUND_BY.items():
        resource_type, _, id_ = name.partition("/")
        for search in searches:
            assert id_ not in running.found(f"/{resource_type}?{search}"), search


def test_communications_are_found_by_what_they_are_about(running: Running) -> None:
    message = example("Communication/discussion-hypertension")
    message |= {"about": [{"reference": "Measure/1"}], "inResponseTo": [{"reference": "Communication/0"}]}
    running("PUT", "/Communication/discussion-hypertension", message)
    for search in ("about=Measure/1", "in-response-to=Communication/0", "topic:text=难治性"):
        assert running.found(f"/Communication?{search}") == ["discussion-hypertension"], search


def test_a_resident_is_found_by_every_name_of_the_number(running: Running) -> None:
    running("PUT", "/Patient/patient-zhou", example("Patient/patient-zhou"))
    names = [each["value"] for each in running("GET", "/NamingSystem/resident-id")["uniqueId"]]
    assert len(names) == 4
    for name in names:
        system = name if name.startswith("http") else f"urn:oid:{name}"
        assert running.found(f"/Patient?identifier={system}|433127197012011568") == ["patient-zhou"], name


def test_a_write_is_checked_by_the_profile_that_it_claims(running: Running) -> None:
    path = FOLDER / "examples-bad" / "alliance-patient-resident-number-digit.json"
    with pytest.raises(FhirError) as caught:
        running("POST", "/Patient", decode(path.read_bytes()))
    assert caught.value.status == 422
    errors = [issue for issue in caught.value.issues if issue.severity == "error"]
    assert [issue.message for issue in errors] == ["constraint-idcn-1"]


@pytest.mark.parametrize(("element", "refused"), [("code", True), ("specialty", False)])
def test_E10_32_a_write_with_an_unknown_code(running: Running, element: str, refused: bool) -> None:
    """Of a required binding it is 422, of an extensible one it is taken."""
    path = FOLDER / "examples" / "PractitionerRole-rotation-expert.json"
    resource = decode(path.read_bytes())
    resource[element][0]["coding"][0]["code"] = "unheard-of"
    if not refused:
        assert running("PUT", "/PractitionerRole/rotation-expert", resource)[element] == resource[element]
        return
    with pytest.raises(FhirError) as caught:
        running("PUT", "/PractitionerRole/rotation-expert", resource)
    assert caught.value.status == 422
    assert "binding-required" in {issue.message for issue in caught.value.issues}


def test_a_store_that_is_older_gets_the_index_by_a_job(tmp_path: Path) -> None:
    service = example("HealthcareService/service-rehabilitation")
    search = "HealthcareService?capacity=4"
    with asyncio.Runner() as runner:
        with Indexed(runner, tmp_path, alliance=False) as before:
            before.put(service)
            assert before.refused("GET", search).status == 400
        with Indexed(runner, tmp_path, alliance=True) as after:
            assert after.refused("GET", search).status == 503
            after.work_off()
            assert after.found(search) == {"HealthcareService/service-rehabilitation"}
            assert after.findings() == []
        with Indexed(runner, tmp_path, alliance=True) as again:
            assert again.jobs() == []
            assert again.found(search) == {"HealthcareService/service-rehabilitation"}

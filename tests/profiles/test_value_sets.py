"""Value sets and extensions: every one can be used, or says why it cannot."""

import asyncio
from collections.abc import Iterator

import pytest

from fhir_server.alliance.systems import BASE
from fhir_server.app import OpenContext
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource
from fhir_server.terminology.inline import walk
from tests.profiles.package import by_id, opened

LOADED_BY_THE_SITE = {
    "diagnosis": "icd10-clinical and icd10-nhsa are not-present",
    "gb2659": "gb-t-2659 is not-present",
}


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[asyncio.Runner, OpenContext]]:
    with opened() as found:
        yield found


@pytest.mark.parametrize("id_", by_id("ValueSet"))
def test_a_value_set_expands_or_says_why_not(id_: str, store: tuple[asyncio.Runner, OpenContext]) -> None:
    runner, context = store
    url = by_id("ValueSet")[id_]["url"]
    if id_ in LOADED_BY_THE_SITE:
        with pytest.raises(FhirError):
            runner.run(context.context.terminology.codes(url))
    else:
        assert runner.run(context.context.terminology.codes(url))


def test_a_concept_of_the_alliance_has_an_english_designation_and_a_definition() -> None:
    own = [each for each in by_id("CodeSystem").values() if each["url"] == f"{BASE}/CodeSystem/{each['id']}"]
    concepts = [item for each in own for item, _ in walk(each.get("concept", ()))]
    project = [each for each in concepts if "definition" in each]
    assert len(project) > 300
    for concept in project:
        assert [each["language"] for each in concept["designation"]] == ["en"]
        assert concept["designation"][0]["value"].isascii()


@pytest.mark.parametrize(
    "id_",
    [
        "alliance-type", "governance-tier", "cooperation-mode", "organization-tier", "hospital-level",
        "rotation-mode", "rotation-activity", "referral-direction", "referral-kind", "care-setting",
        "referral-business-status", "reject-reason", "up-reason", "down-reason", "green-channel-type",
        "communication-category", "document-type", "data-level", "ingest-error",
    ],
)  # fmt: skip
def test_a_code_system_of_the_project_has_its_value_set(id_: str) -> None:
    system, value_set = by_id("CodeSystem")[id_], by_id("ValueSet")[id_]
    assert system["valueSet"] == value_set["url"]
    assert value_set["compose"] == {"include": [{"system": system["url"]}]}
    assert all("definition" in item for item, _ in walk(system["concept"]))


EXTENSIONS = {id_: each for id_, each in by_id("StructureDefinition").items() if each["type"] == "Extension"}


def elements(resource: Resource) -> dict[str, Resource]:
    return {each["id"]: each for each in resource["differential"]["element"]}


@pytest.mark.parametrize("id_", EXTENSIONS)
def test_an_extension_fixes_its_url_and_says_where_it_may_stand(id_: str) -> None:
    found = elements(EXTENSIONS[id_])
    assert found["Extension.url"]["fixedUri"] == EXTENSIONS[id_]["url"] == f"{BASE}/StructureDefinition/{id_}"
    assert EXTENSIONS[id_]["context"]
    simple = found["Extension.extension"].get("max") == "0"
    assert simple != (found["Extension.value[x]"].get("max") == "0")


def test_the_extensions_of_the_alliance() -> None:
    assert EXTENSIONS.keys() >= {
        "gb2261-sex", "ethnicity-gb3304", "nationality", "division-code", "tier", "bed-count",
        "catchment-population", "lead-organization", "agreement", "home-organization", "sending-department",
        "batch", "planned-sessions", "served-count", "attendee-count", "activity-outcome",
        "referral-direction", "care-setting", "green-channel", "requested-disposition", "transport",
        "bed-need", "capacity", "referral-requirements", "mutual-recognition", "legal-basis",
        "original-code", "original-identifier", "surgical-level", "new-technology", "slot-pool",
        "masked-value", "data-level", "milestone", "focus-category",
    }  # fmt: skip

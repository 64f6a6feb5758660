"""The code systems of the package, those of national standards among them."""

import asyncio
from pathlib import Path

import pytest

from fhir_server.alliance import systems
from fhir_server.bulk.packages import add_package, open_layers
from fhir_server.definitions.registry import load
from fhir_server.resource import Resource
from fhir_server.search.index import Indexer
from fhir_server.terminology.inline import walk
from fhir_server.validation.structure import Validator
from tests.profiles.package import FOLDER, by_id

OIDS = "urn:oid:2.16.156.10011.2.3.3."

CODE_SYSTEMS = by_id("CodeSystem")


def codes(id_: str) -> dict[str, str]:
    return {item["code"]: item["display"] for item, _ in walk(CODE_SYSTEMS[id_].get("concept", ()))}


@pytest.mark.parametrize("id_", CODE_SYSTEMS)
def test_a_code_system_is_right_in_itself(id_: str) -> None:
    resource = CODE_SYSTEMS[id_]
    assert Validator(load()).check(resource) == []
    found = codes(id_)
    assert len(found) == len(resource.get("concept", ())) == len(set(found.values()))
    assert (resource["content"] == "not-present") == (not found)
    if resource["content"] == "complete":
        assert resource["count"] == len(found)
    assert resource["language"] == "zh-CN" and resource["version"]


@pytest.mark.parametrize(
    ("id_", "url", "count"),
    [
        ("gb-t-2261-1", OIDS + "4", 4),
        ("gb-t-2261-2", OIDS + "5", 8),
        ("gb-t-2261-4", OIDS + "13", 13),
        ("gb-t-3304", systems.GB3304, 56),
        ("gb-t-4761", OIDS + "8", 9),
        ("gb-t-8561", systems.GB8561, 4),
        ("gb-t-2260", f"{systems.BASE}/CodeSystem/gb-t-2260", 34),
        ("icd10-clinical", systems.ICD10, 0),
        ("ws-218", systems.WS218, 0),
    ],
)
def test_urls_and_sizes(id_: str, url: str, count: int) -> None:
    assert CODE_SYSTEMS[id_]["url"] == url
    assert len(codes(id_)) == count


def test_sexes_and_peoples() -> None:
    assert codes("gb-t-2261-1") == {"0": "未知的性别", "1": "男性", "2": "女性", "9": "未说明的性别"}
    peoples = CODE_SYSTEMS["gb-t-3304"]["concept"]
    assert [each["code"] for each in peoples] == [f"{number:02d}" for number in range(1, 57)]
    letters = [each["property"][0]["valueString"] for each in peoples]
    assert len({*letters}) == 56 and all(len(each) == 2 and each.isupper() for each in letters)


def test_urls_are_of_one_code_system_each() -> None:
    assert len({each["url"] for each in CODE_SYSTEMS.values()}) == len(CODE_SYSTEMS)


def test_the_package_can_be_added(tmp_path: Path) -> None:
    definitions = load()
    indexer = Indexer(definitions)

    async def add() -> Resource:
        check = Validator(definitions).check
        added = await add_package(tmp_path, str(FOLDER), indexer=indexer, check=check)
        layers = open_layers(tmp_path, indexer)
        totals = await layers[0].totals()
        for layer in layers:
            await layer.close()
        return {"added": added.canonicals, "totals": totals}

    found = asyncio.run(add())
    assert found["added"] == sum(found["totals"].values())
    assert found["totals"]["CodeSystem"] == len(CODE_SYSTEMS)

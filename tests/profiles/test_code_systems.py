"""The code systems of the package, those of national standards among them."""

import asyncio
import json
from pathlib import Path

import pytest

from fhir_server.alliance import systems
from fhir_server.alliance.sample import regions
from fhir_server.bulk.packages import add_package, open_layers
from fhir_server.definitions.registry import load
from fhir_server.resource import Resource
from fhir_server.search.index import Indexer
from fhir_server.terminology.inline import walk
from fhir_server.validation.structure import Validator
from tests.profiles.package import FOLDER, by_id

OIDS = "urn:oid:2.16.156.10011.2.3.3."

CODE_SYSTEMS = by_id("CodeSystem")
LISTS = json.loads((Path(__file__).parents[1] / "cases" / "terminology" / "national_lists.json").read_text())


def codes(id_: str) -> dict[str, str]:
    return {item["code"]: item["display"] for item, _ in walk(CODE_SYSTEMS[id_].get("concept", ()))}


def parents(id_: str) -> set[str]:
    return {
        each["valueCode"]
        for item in CODE_SYSTEMS[id_].get("concept", ())
        for each in item.get("property", ())
        if each["code"] == "parent"
    }


@pytest.mark.parametrize("id_", CODE_SYSTEMS)
def test_a_code_system_is_right_in_itself(id_: str) -> None:
    resource = CODE_SYSTEMS[id_]
    assert Validator(load()).check(resource) == []
    found = codes(id_)
    assert len(found) == len(resource.get("concept", ()))
    # a group may be called as its only member is, `A1` and `A100`
    assert len({(len(code), display) for code, display in found.items()}) == len(found)
    assert parents(id_) <= found.keys()
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
        ("gb-t-4761", OIDS + "8", 93),
        ("gb-t-8561", systems.GB8561, 24),
        ("gb-t-2260", f"{systems.BASE}/CodeSystem/gb-t-2260", 34),
        ("icd10-clinical", systems.ICD10, 0),
        ("ws-218", systems.WS218, 233),
        ("gb-t-12402", f"{systems.BASE}/CodeSystem/gb-t-12402", 34),
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


@pytest.mark.parametrize("id_", sorted(LISTS))
def test_others_have_the_same_codes(id_: str) -> None:
    """Lists of other sources, with their own slips: what differs is here, and nothing else."""
    found = codes(id_) | DIVISIONS if id_ == "gb-t-2260" else codes(id_)
    others = LISTS[id_]["codes"]
    different = {code: name for code, name in others.items() if plain(found.get(code)) != plain(name)}
    assert different == DIFFERENT.get(id_, {})
    assert found.keys() - others.keys() == NOT_THERE.get(id_, set())


def plain(name: str | None) -> str | None:
    return None if name is None else name.replace("(", "（").replace(")", "）")


DIVISIONS = {county.division: county.name for county in regions.COUNTIES.values()} | {
    f"{code}00": name for code, name in regions.PREFECTURES.items()
}
DIFFERENT = {
    "gb-t-4761": {
        "45": "孙媳妇",
        "46": "孙女婿",
        "69": "其他祖父母或外祖父母",
        "91": "堂兄弟",
        "92": "表兄弟",
    },
    "gb-t-12402": {
        "210": "内地和港、澳、台合资",
        "220": "内地和港、澳、台合作",
        "230": "港、澳、台独资",
        "240": "港、澳、台投资股份有限(公司)",
    },
}
# of 0 it has another name, and 10, 20, … 80 are only 1, 2, … 8 there
NOT_THERE = {"gb-t-4761": {"0", *(f"{number}0" for number in range(1, 9))}}


def test_letters_of_peoples_are_those_of_another_list_but_one() -> None:
    peoples = CODE_SYSTEMS["gb-t-3304"]["concept"]
    letters = {each["code"]: each["property"][0]["valueString"] for each in peoples}
    others = LISTS["gb-t-3304"]["letters"]
    assert {code: each for code, each in others.items() if letters[code] != each} == {"25": "SW"}


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

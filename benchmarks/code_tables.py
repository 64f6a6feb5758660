"""Code systems of any size as tables: a classification like ICD-10, a release like SNOMED CT.

Codes and words are made up, the same in every run; the shapes are those of the real ones: codes below each
other by their prefix, or a tree with several parents, names in two languages and attributes.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

ICD = "http://example.org/fhir/CodeSystem/benchmark-icd"
RELEASE = "http://example.org/fhir/CodeSystem/benchmark-release"

_SITES = [
    "肺",
    "心",
    "肝",
    "肾",
    "胃",
    "脑",
    "骨",
    "皮肤",
    "眼",
    "耳",
    "鼻",
    "喉",
    "乳腺",
    "甲状腺",
    "胰腺",
    "结肠",
    "直肠",
    "膀胱",
    "子宫",
    "卵巢",
    "前列腺",
    "关节",
    "脊柱",
    "血管",
    "神经",
]
_DISORDERS = [
    "炎症",
    "恶性肿瘤",
    "良性肿瘤",
    "梗死",
    "出血",
    "结核",
    "损伤",
    "先天性畸形",
    "囊肿",
    "硬化",
    "衰竭",
    "感染",
    "溃疡",
    "结石",
    "息肉",
    "增生",
    "坏死",
]
_KINDS = [
    "急性",
    "慢性",
    "原发性",
    "继发性",
    "复发性",
    "弥漫性",
    "局限性",
    "病毒性",
    "细菌性",
    "真菌性",
    "药物性",
    "创伤性",
    "特发性",
    "遗传性",
]
_IS_A, _SITE = "116680003", "363698007"
_FULLY_SPECIFIED, _SYNONYM = "900000000000003001", "900000000000013009"
_CHILDREN = 8  # of a concept of the release
_FIRST_ID = 1_000_000


def classification(path: Path, size: int) -> None:
    """A CSV with `size` codes: A00, A00.0, A00.000x001 …"""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"# system: {ICD}\n# version: 2.0\n# title: Benchmark\n# language: zh-CN\n")
        file.write("疾病编码,疾病名称\n")
        chance = Random(10)
        for code in islice(icd_codes(size), size):
            file.write(f"{code},{chance.choice(_KINDS)}{chance.choice(_SITES)}{chance.choice(_DISORDERS)}\n")


def icd_codes(size: int) -> Iterator[str]:
    """Each before those below it; as many of the last kind as it takes for `size`."""
    categories = [f"{chr(65 + number // 100)}{number % 100:02}" for number in range(2600)]
    last = max(1, -(-size // (2600 * 10)))
    for category in categories:
        yield category
        for digit in range(10):
            yield f"{category}.{digit}"
            yield from (f"{category}.{digit}00x{number:03}" for number in range(1, last + 1))


def release(folder: Path, size: int) -> list[Path]:
    """Concepts, descriptions in English and Chinese, and relationships, as tab-separated files."""
    chance = Random(11)
    paths = [folder / f"sct2_{kind}.txt" for kind in ("Concept", "Description", "Relationship")]
    concepts, descriptions, relationships = [path.open("w", encoding="utf-8") for path in paths]
    with concepts, descriptions, relationships:
        every = "id\teffectiveTime\tactive\tmoduleId\t"
        concepts.write(f"{every}definitionStatusId\n")
        descriptions.write(f"{every}conceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n")
        relationships.write(
            f"{every}sourceId\tdestinationId\trelationshipGroup\ttypeId\tcharacteristicTypeId\tmodifierId\n"
        )
        for number in range(size):
            code, facts = release_code(number), "20260101\t1\t1\t"
            concepts.write(f"{code}\t{facts}1\n")
            kind, site, disorder = chance.choice(_KINDS), chance.choice(_SITES), chance.choice(_DISORDERS)
            english = f"Disorder {number} of site {_SITES.index(site)} (disorder)"
            chinese = f"{kind}{site}{disorder}{number % 97}"
            descriptions.write(f"{number}1\t{facts}{code}\ten\t{_FULLY_SPECIFIED}\t{english}\t1\n")
            descriptions.write(f"{number}2\t{facts}{code}\tzh\t{_SYNONYM}\t{chinese}\t1\n")
            for above in _above(number, chance):
                relationships.write(
                    f"{number}{above}\t{facts}{code}\t{release_code(above)}\t0\t{_IS_A}\t1\t1\n"
                )
            if number % 3 == 0:
                other = release_code(chance.randrange(size))
                relationships.write(f"{number}9\t{facts}{code}\t{other}\t1\t{_SITE}\t1\t1\n")
    return paths


def release_code(number: int) -> str:
    return str(_FIRST_ID + number)


def _above(number: int, chance: Random) -> list[int]:
    if number == 0:
        return []
    parent = (number - 1) // _CHILDREN
    second = chance.randrange(parent) if parent and number % 5 == 0 else None
    return [parent] if second is None else [parent, second]


def ancestor(number: int) -> int:
    """One that stands above it, two steps up where there are two."""
    parent = max(0, (number - 1) // _CHILDREN)
    return max(0, (parent - 1) // _CHILDREN)

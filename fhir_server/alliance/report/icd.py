"""Chapters of ICD-10, by the first three characters of a code.

https://icd.who.int/browse10/2019/en; the national editions of China keep the chapters.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from fhir_server.alliance import systems

SYSTEMS = frozenset(
    (
        systems.ICD10,
        systems.code_system("icd10-nhsa"),
        systems.code_system("gb-t-14396"),
        "http://hl7.org/fhir/sid/icd-10",
        "urn:oid:2.16.156.10011.2.3.3.11",
        "urn:oid:2.16.156.10011.2.3.3.11.3",
    )
)

CHAPTERS: tuple[tuple[str, str, str, str], ...] = (
    ("A00", "B99", "I", "某些传染病和寄生虫病"),
    ("C00", "D48", "II", "肿瘤"),
    ("D50", "D89", "III", "血液及造血器官疾病和某些涉及免疫机制的疾患"),
    ("E00", "E90", "IV", "内分泌、营养和代谢疾病"),
    ("F00", "F99", "V", "精神和行为障碍"),
    ("G00", "G99", "VI", "神经系统疾病"),
    ("H00", "H59", "VII", "眼和附器疾病"),
    ("H60", "H95", "VIII", "耳和乳突疾病"),
    ("I00", "I99", "IX", "循环系统疾病"),
    ("J00", "J99", "X", "呼吸系统疾病"),
    ("K00", "K93", "XI", "消化系统疾病"),
    ("L00", "L99", "XII", "皮肤和皮下组织疾病"),
    ("M00", "M99", "XIII", "肌肉骨骼系统和结缔组织疾病"),
    ("N00", "N99", "XIV", "泌尿生殖系统疾病"),
    ("O00", "O99", "XV", "妊娠、分娩和产褥期"),
    ("P00", "P96", "XVI", "起源于围生期的某些情况"),
    ("Q00", "Q99", "XVII", "先天性畸形、变形和染色体异常"),
    ("R00", "R99", "XVIII", "症状、体征和临床与实验室异常所见，不可归类在他处者"),
    ("S00", "T98", "XIX", "损伤、中毒和外因的某些其他后果"),
    ("U00", "U99", "XXII", "用于特殊目的的编码"),
    ("V01", "Y98", "XX", "疾病和死亡的外因"),
    ("Z00", "Z99", "XXI", "影响健康状态和与保健机构接触的因素"),
)
"""First and last category, number, Chinese title; in the order of the categories."""

_FIRST = [first for first, *_ in CHAPTERS]
TITLES = {number: title for _, _, number, title in CHAPTERS}


def chapter(code: str) -> str | None:
    """`I21.900x001` is of chapter `IX`; None: it is in no chapter."""
    category = code[:3].upper()
    found = bisect_right(_FIRST, category) - 1
    if found < 0 or len(category) < 3 or not category[1:].isdigit():
        return None
    first, last, number, _ = CHAPTERS[found]
    return number if first <= category <= last else None


def chapter_of(concepts: Iterable[Mapping[str, Any]]) -> str | None:
    """The chapter of the first code of ICD-10 among CodeableConcepts; None: there is none."""
    for concept in concepts:
        for coding in concept.get("coding", ()):
            if coding.get("system") in SYSTEMS and (found := chapter(str(coding.get("code", "")))):
                return found
    return None

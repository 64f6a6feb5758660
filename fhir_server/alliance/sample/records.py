"""The clinical papers of a referral: diagnosis, stays, the letter with it, the answer of the hospital."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fhir.resources.R4B.composition import Composition, CompositionSection
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.reference import Reference

from fhir_server.alliance import systems
from fhir_server.alliance.sample.cases import Case
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import coding, concept, local, meta, narrative, period, reference
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

_CLASSES = {"AMB": "ambulatory", "IMP": "inpatient encounter", "EMER": "emergency", "VR": "virtual"}
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"


SECTIONS = {
    "chief-complaint": "主诉",
    "present-illness": "现病史",
    "allergies": "过敏史",
    "diagnosis": "诊断",
    "treatment-course": "治疗经过",
    "referral-purpose": "转诊目的",
    "treatment-outcome": "治疗结果",
    "next-plan": "下一步治疗方案",
}


def condition(world: World, case: Case) -> Resource:
    found = case.diagnosis
    recorded: Any = case.authored
    return plain(
        Condition(
            id=world.id("condition", case.key),
            meta=meta(test=case.test),
            clinicalStatus=concept(f"{_TERMINOLOGY}/condition-clinical", "active", "Active"),
            verificationStatus=concept(f"{_TERMINOLOGY}/condition-ver-status", "confirmed", "Confirmed"),
            category=[
                concept(f"{_TERMINOLOGY}/condition-category", "encounter-diagnosis", "Encounter Diagnosis")
            ],
            code=concept(systems.ICD10, found.code, found.text, "2.0"),
            subject=reference(case.patient),
            recordedDate=recorded,
        )
    )


def encounter(
    id_: str, kind: str, case: Case, doctor: Doctor, bounds: tuple[datetime, datetime | None]
) -> Resource:
    """`kind`: a code of v3-ActCode; no end: still going on."""
    start, end = bounds
    # a word of Python
    kinds: dict[str, Any] = {"class": coding(systems.ACT_CODE, kind, _CLASSES[kind])}
    return plain(
        Encounter(
            id=id_,
            meta=meta(test=case.test),
            status="finished" if end else "in-progress",
            subject=reference(case.patient),
            period=period(start, end),
            serviceProvider=reference(doctor.member.organization),
            **kinds,
        )
    )


def letter(world: World, case: Case) -> Resource:
    """What the sender writes along with the request."""
    found = case.diagnosis
    sections = (
        ("chief-complaint", found.reason),
        ("present-illness", f"{found.reason}，处理后转诊"),
        ("allergies", "否认药物过敏史"),
        ("diagnosis", found.text),
        ("referral-purpose", "进一步诊治" if case.direction == "up" else "继续治疗与康复"),
    )
    return _composition(
        world.id("letter", case.key),
        "referral-request-composition",
        case,
        case.sender,
        ("转诊申请", case.authored, sections),
    )


def feedback(world: World, case: Case, stay: Resource) -> Resource:
    """What the hospital tells the one who referred, when it is done."""
    sections = (
        ("diagnosis", case.diagnosis.text),
        ("treatment-outcome", "病情好转"),
        ("treatment-course", "经治疗后病情稳定"),
        ("next-plan", "基层随访，按时复查"),
    )
    return _composition(
        world.id("feedback", case.key),
        "referral-feedback-composition",
        case,
        case.receiver,
        ("转诊反馈", case.milestones[-1][1], sections),
        reference(stay),
    )


_NOTES = {
    "referral-request-composition": ("57133-1", "Referral note"),
    "referral-feedback-composition": ("11488-4", "Consult note"),
}


def _composition(
    id_: str,
    profile: str,
    case: Case,
    author: Doctor,
    written: tuple[str, datetime, Iterable[tuple[str, str]]],
    stay: Reference | None = None,
) -> Resource:
    title, when, sections = written
    moment: Any = when
    return plain(
        Composition(
            id=id_,
            meta=meta(profile, test=case.test),
            status="final",
            type=concept("http://loinc.org", *_NOTES[profile]),
            subject=reference(case.patient),
            encounter=stay,
            date=moment,
            author=[reference(author.practitioner)],
            title=title,
            custodian=reference(author.member.organization),
            section=[
                CompositionSection(
                    title=SECTIONS[head], code=local("section", head, SECTIONS[head]), text=narrative(text)
                )
                for head, text in sections
            ],
        )
    )

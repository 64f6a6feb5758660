"""The clinical papers of a referral: diagnosis, stays, messages, the answer of the hospital."""

from datetime import datetime
from typing import Any

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.communication import Communication, CommunicationPayload
from fhir.resources.R4B.composition import Composition, CompositionSection
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.narrative import Narrative

from fhir_server.alliance import systems
from fhir_server.alliance.sample.elements import concept, local, period, person_meta, plain, reference
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.scenarios import Diagnosis
from fhir_server.resource import Resource

_CLASSES = {"AMB": "ambulatory", "IMP": "inpatient encounter", "EMER": "emergency"}


def condition(key: str, found: Diagnosis, patient: Resource, encounter: Resource, at: datetime) -> Resource:
    terminology = "http://terminology.hl7.org/CodeSystem"
    recorded: Any = at
    code = CodeableConcept(
        coding=[Coding(system=systems.ICD10, version="2.0", code=found.code, display=found.text)],
        text=found.text,
    )
    return plain(
        Condition(
            id=f"condition-{key}",
            meta=person_meta(),
            clinicalStatus=concept(f"{terminology}/condition-clinical", "active", "Active"),
            verificationStatus=concept(f"{terminology}/condition-ver-status", "confirmed", "Confirmed"),
            category=[
                concept(f"{terminology}/condition-category", "encounter-diagnosis", "Encounter Diagnosis")
            ],
            code=code,
            subject=reference(patient),
            encounter=reference(encounter),
            recordedDate=recorded,
        )
    )


def encounter(
    key: str, kind: str, patient: Resource, doctor: Doctor, start: datetime, end: datetime | None
) -> Resource:
    """`kind`: a code of v3-ActCode; no end: still going on."""
    # a word of Python
    kinds: dict[str, Any] = {"class": Coding(system=systems.ACT_CODE, code=kind, display=_CLASSES[kind])}
    return plain(
        Encounter(
            id=f"encounter-{key}",
            meta=person_meta(),
            status="finished" if end else "in-progress",
            subject=reference(patient),
            period=period(start, end),
            serviceProvider=reference(doctor.member.organization),
            **kinds,
        )
    )


def communication(
    key: str, task: Resource, request: Resource, ends: tuple[Resource, Resource], at: datetime, text: str
) -> Resource:
    """A message about the referral; `ends`: who sends it and who receives it."""
    sent: Any = at
    return plain(
        Communication(
            id=f"communication-{key}",
            meta=person_meta(),
            basedOn=[reference(request)],
            partOf=[reference(task)],
            status="completed",
            category=[local("communication-category", "referral", "转诊沟通")],
            subject=request["subject"],
            sent=sent,
            sender=reference(ends[0]),
            recipient=[reference(ends[1])],
            payload=[CommunicationPayload(contentString=text)],
        )
    )


def feedback(
    key: str, patient: Resource, stay: Resource, doctor: Doctor, at: datetime, found: Diagnosis
) -> Resource:
    """What the hospital tells the one who referred, when it is done."""
    written: Any = at
    sections = (
        ("诊断", found.text),
        ("治疗经过", "经治疗后病情稳定"),
        ("下一步治疗方案", "基层随访，按时复查"),
    )
    return plain(
        Composition(
            id=f"feedback-{key}",
            meta=person_meta(),
            status="final",
            type=concept("http://loinc.org", "11488-4", "Consult note"),
            subject=reference(patient),
            encounter=reference(stay),
            date=written,
            author=[reference(doctor.practitioner)],
            title="转诊反馈",
            custodian=reference(doctor.member.organization),
            section=[CompositionSection(title=title, text=_narrative(text)) for title, text in sections],
        )
    )


def _narrative(text: str) -> Narrative:
    return Narrative(status="generated", div=f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>')

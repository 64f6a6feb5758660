"""Operations of the third and fourth level, which a county hospital has to learn.

https://hl7.org/fhir/R4/procedure.html
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.procedure import Procedure, ProcedurePerformer

from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import concept_extension, meta, reference
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

LEVELS = {"3": "三级手术", "4": "四级手术"}
OPERATIONS = {"3": "腹腔镜胆囊切除术", "4": "腹腔镜直肠癌根治术"}


@dataclass(frozen=True, slots=True)
class Surgery:
    key: str
    level: str
    surgeon: Doctor
    patient: Resource
    when: datetime
    status: str = "completed"
    test: bool = False


def surgery(world: World, made: Surgery) -> Resource:
    performed: Any = made.when
    surgeon = made.surgeon
    return plain(
        Procedure(
            id=world.id("surgery", made.key),
            meta=meta(test=made.test),
            extension=[concept_extension("surgical-level", "surgical-level", made.level, LEVELS[made.level])],
            status=made.status,
            code=CodeableConcept(text=OPERATIONS[made.level]),
            subject=reference(made.patient),
            performedDateTime=performed,
            performer=[
                ProcedurePerformer(
                    actor=reference(surgeon.practitioner),
                    onBehalfOf=reference(surgeon.member.organization),
                )
            ],
            location=reference(surgeon.member.location),
        )
    )

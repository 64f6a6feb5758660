"""Emergencies of the green channel: the times that count, and the warning sent ahead of the ambulance.

https://hl7.org/fhir/R4/observation.html, https://hl7.org/fhir/R4/communication.html
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from fhir.resources.R4B.communication import Communication, CommunicationPayload
from fhir.resources.R4B.observation import Observation, ObservationComponent
from fhir.resources.R4B.quantity import Quantity

from fhir_server.alliance.sample.cases import Case
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import local, meta, reference
from fhir_server.alliance.sample.referrals import Referral
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

EVENTS = {
    "onset": "发病",
    "call": "呼救",
    "fmc": "首次医疗接触",
    "first-ecg": "首份心电图",
    "ecg-read": "心电图诊断",
    "transfer-out": "转出",
    "door-in": "到达大门",
    "ct": "CT完成",
    "needle": "溶栓开始",
    "wire-crossing": "导丝通过",
}
INTERVALS = {
    "fmc-ecg": ("首次接触至心电图", "fmc", "first-ecg"),
    "door-in-door-out": ("入门至出门", "fmc", "transfer-out"),
    "fmc-to-wire": ("首次接触至导丝", "fmc", "wire-crossing"),
    "door-to-wire": ("大门至导丝", "door-in", "wire-crossing"),
    "door-to-needle": ("大门至溶栓", "door-in", "needle"),
}


def timeline(world: World, found: Referral, chance: Random) -> Resource:
    """Moments from the onset to the treatment, and what lies between them in minutes."""
    case = found.case
    moments = dict(_moments(case, chance))
    effective: Any = case.arrival
    return plain(
        Observation(
            id=world.id("timeline", case.key),
            meta=meta("emergency-timeline", test=case.test),
            basedOn=[reference(found.request)],
            status="final",
            code=local("observation-kind", "emergency-timeline", "急救时间轴"),
            subject=reference(case.patient),
            encounter=reference(found.outputs[-1]),
            effectiveDateTime=effective,
            performer=[reference(case.receiver.member.organization)],
            component=[*_points(moments), *_intervals(moments)],
        )
    )


def _moments(case: Case, chance: Random) -> Iterator[tuple[str, datetime]]:
    def minutes(first: int, last: int) -> timedelta:
        return timedelta(minutes=chance.randrange(first, last))

    fmc = case.authored - minutes(8, 20)
    call = fmc - minutes(10, 25)
    yield "onset", call - minutes(15, 120)
    yield "call", call
    yield "fmc", fmc
    yield "transfer-out", case.authored + minutes(10, 25)
    yield "door-in", case.arrival
    if case.diagnosis.green_channel == "chest-pain":
        ecg = fmc + minutes(3, 10)
        yield "first-ecg", ecg
        yield "ecg-read", ecg + minutes(2, 8)
        yield "wire-crossing", case.arrival + minutes(45, 95)
    else:
        scanned = case.arrival + minutes(10, 25)
        yield "ct", scanned
        yield "needle", scanned + minutes(15, 40)


def _points(moments: dict[str, datetime]) -> Iterator[ObservationComponent]:
    for event in EVENTS:
        if event in moments:
            reached: Any = moments[event]
            yield ObservationComponent(
                code=local("timeline-event", event, EVENTS[event]), valueDateTime=reached
            )


def _intervals(moments: dict[str, datetime]) -> Iterator[ObservationComponent]:
    for name, (display, first, last) in INTERVALS.items():
        if first in moments and last in moments:
            minutes = int((moments[last] - moments[first]).total_seconds()) // 60
            yield ObservationComponent(
                code=local("timeline-event", name, display),
                valueQuantity=Quantity(
                    value=Decimal(minutes), unit="min", system="http://unitsofmeasure.org", code="min"
                ),
            )


def alert(world: World, found: Referral, task: Resource) -> Resource:
    """From the one who sends, to the hospital that has to be ready."""
    case = found.case
    sent: Any = case.authored + timedelta(minutes=5)
    text = f"{case.diagnosis.reason}，预计{(case.arrival - case.authored).seconds // 60}分钟到达"
    return plain(
        Communication(
            id=world.id("alert", case.key),
            meta=meta("prehospital-alert", test=case.test),
            basedOn=[reference(found.request)],
            partOf=[reference(task)],
            status="completed",
            category=[local("communication-category", "prehospital-alert", "院前预警")],
            priority="stat",
            subject=reference(case.patient),
            sent=sent,
            sender=reference(case.sender.member.organization),
            recipient=[reference(case.receiver.member.organization)],
            payload=[CommunicationPayload(contentString=text)],
        )
    )

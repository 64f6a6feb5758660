"""Cases that doctors talk over in writing, without a word of who the patient is, and their chat groups.

https://hl7.org/fhir/R4/communication.html, https://hl7.org/fhir/R4/group.html
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from fhir.resources.R4B.communication import Communication, CommunicationPayload
from fhir.resources.R4B.group import Group

from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import local, meta, reference
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

_QUESTION = "一名老年患者反复心衰住院，利尿剂效果欠佳，请教下一步用药。"
_ANSWER = "建议复查电解质和心脏彩超，调整利尿剂组合，一周后随访。"


def discussion(
    world: World, key: str, speaker: Doctor, listeners: Sequence[Doctor], when: datetime, *, solved: bool
) -> Iterator[Resource]:
    """A question to colleagues; solved: one of them answers it the next day."""
    question = _message(world, f"{key}-1", (speaker, listeners), when, _QUESTION)
    yield question
    if solved:
        later = when + timedelta(days=1)
        yield _message(world, f"{key}-2", (listeners[0], [speaker]), later, _ANSWER, question)


def _message(
    world: World,
    key: str,
    ends: tuple[Doctor, Sequence[Doctor]],
    when: datetime,
    text: str,
    answered: Resource | None = None,
) -> Resource:
    sent: Any = when
    sender, recipients = ends
    return plain(
        Communication(
            id=world.id("discussion", key),
            meta=meta("case-discussion"),
            inResponseTo=[reference(answered)] if answered else None,
            status="completed",
            category=[local("communication-category", "case-discussion", "病历讨论")],
            sent=sent,
            sender=reference(sender.role),
            recipient=[reference(recipient.role) for recipient in recipients],
            payload=[CommunicationPayload(contentString=text)],
        )
    )


def group(world: World, key: str, name: str, owner: Member, size: int) -> Resource:
    """A chat group of practitioners; its members are counted, not named."""
    return plain(
        Group(
            id=world.id("group", key),
            meta=meta(),
            active=True,
            type="practitioner",
            actual=True,
            name=name,
            quantity=size,
            managingEntity=reference(owner.organization),
        )
    )

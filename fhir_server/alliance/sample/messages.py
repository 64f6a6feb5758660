"""Messages about a referral.

https://hl7.org/fhir/R4/communication.html
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir.resources.R4B.communication import Communication, CommunicationPayload

from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import local, meta, reference
from fhir_server.alliance.sample.referrals import Referral
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

CATEGORIES = {
    "referral": "转诊沟通",
    "information-request": "资料补充请求",
    "information-response": "资料补充答复",
}


@dataclass(frozen=True, slots=True)
class Message:
    number: int  # of those about one referral
    category: str  # a code of communication-category
    text: str
    when: datetime
    answer: bool = False  # from the receiver to the sender


def message(world: World, about: Referral, task: Resource, made: Message) -> Resource:
    sent: Any = made.when
    ends = about.case.sender.role, about.case.receiver.role
    sender, recipient = ends[::-1] if made.answer else ends
    return plain(
        Communication(
            id=world.id("communication", f"{about.case.key}-{made.number}"),
            meta=meta("communication-thread"),
            basedOn=[reference(about.request)],
            partOf=[reference(task)],
            status="completed",
            category=[local("communication-category", made.category, CATEGORIES[made.category])],
            subject=reference(about.case.patient),
            sent=sent,
            sender=reference(sender),
            recipient=[reference(recipient)],
            payload=[CommunicationPayload(contentString=made.text)],
        )
    )

"""The referrals of a small network: something in every state, up and down, with their messages."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from fhir_server.alliance.sample import scenarios as way
from fhir_server.alliance.sample.consents import consent
from fhir_server.alliance.sample.emergencies import timeline
from fhir_server.alliance.sample.flow import Journey, case, way_on
from fhir_server.alliance.sample.messages import Message, message
from fhir_server.alliance.sample.patients import Register
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.referrals import Referral, referral, task
from fhir_server.alliance.sample.scenarios import (
    CHEST_PAIN,
    MATERNAL,
    ORDINARY,
    RECOVERING,
    STROKE,
    Diagnosis,
    State,
)
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

UP: tuple[State, ...] = (
    *(way.RETURNED, way.DOWN_REFERRED) * 8,
    way.DECLINED, way.CANCELLED, way.CANCELLED_BY_PATIENT, way.MISSED, way.DIED, way.LEFT, way.UNABLE,
    way.EXPIRED, way.REQUESTED, way.RECEIVED, way.AWAITING, way.IS_ACCEPTED, way.BED_RESERVED,
    way.IN_TRANSIT, way.ADMITTED, way.ON_HOLD, way.MISTAKE,
)  # fmt: skip
DOWN: tuple[State, ...] = (
    *(way.RETURNED,) * 6, way.DECLINED, way.EXPIRED, way.REQUESTED, way.IS_ACCEPTED, *(way.RETURNED,) * 4,
)  # fmt: skip
"""The first ones are the way back of those who came up and were referred down again."""
DIAGNOSES = (CHEST_PAIN, STROKE, MATERNAL, *ORDINARY[:4])


@dataclass(frozen=True, slots=True)
class Exchange:
    world: World
    senders: Sequence[Doctor]  # who sends up
    receive: Callable[[Doctor, Diagnosis], Doctor]  # who answers one of them
    returned: Callable[[Random], tuple[Doctor, Doctor]]  # who sends down, and to whom
    first_day: datetime
    last_day: datetime  # when what is under way began
    since: date  # of the network
    peoples: Sequence[str] = ("01",)
    chance: Random = field(init=False)
    register: Register = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chance", self.world.chance("referrals"))
        object.__setattr__(self, "register", Register(self.world, self.peoples))

    def resources(self) -> Iterator[Resource]:
        up = [self._up(number, state) for number, state in enumerate(UP, 1)]
        for one in up:
            yield from _opening(one)
        returning = [one for one in up if one.case.state is way.DOWN_REFERRED]
        followed: dict[str, Resource] = {}
        down: list[Referral] = []
        for number, state in enumerate(DOWN, 1):
            if number <= len(returning):
                before = returning[number - 1]
                down.append(self._back(number, state, before))
                followed[before.case.key] = down[-1].request
                yield from down[-1].papers
            else:
                down.append(self._down(number, state))
                yield from _opening(down[-1])
        for one in up + down:
            yield from self._following(one, followed.get(one.case.key))

    def _arrival(self, number: int, state: State) -> datetime:
        """Spread over the year; what is under way began on the last day."""
        if state.open:
            return self.last_day + timedelta(minutes=number)
        days = (self.last_day - self.first_day).days // (len(UP) + 20)
        return self.first_day + timedelta(days=days * number, minutes=37 * number % 480)

    def _up(self, number: int, state: State) -> Referral:
        diagnosis = DIAGNOSES[number % len(DIAGNOSES)]
        sender = self.chance.choice(self.senders)
        patient = self.register.resident(sender, expecting=diagnosis is MATERNAL)
        journey = Journey("up", sender, self.receive(sender, diagnosis), diagnosis)
        made = case(f"up-{number:03}", state, journey, patient, self._arrival(number, state), self.chance)
        agreed = consent(patient, sender.member, self.since)
        return referral(self.world, made, agreed, with_letter=number % 5 == 0)

    def _back(self, number: int, state: State, before: Referral) -> Referral:
        diagnosis = RECOVERING[number % len(RECOVERING)]
        journey = Journey("down", before.case.receiver, before.case.sender, diagnosis)
        made = way_on(f"down-{number:03}", before.case, before.request, state, journey, self.chance)
        return referral(self.world, made, before.consent)

    def _down(self, number: int, state: State) -> Referral:
        sender, receiver = self.returned(self.chance)
        patient = self.register.resident(receiver)
        journey = Journey("down", sender, receiver, RECOVERING[number % len(RECOVERING)])
        made = case(f"down-{number:03}", state, journey, patient, self._arrival(number, state), self.chance)
        return referral(self.world, made, consent(patient, receiver.member, self.since))

    def _following(self, found: Referral, followed: Resource | None) -> Iterator[Resource]:
        world = self.world
        written = task(world, found, followed)
        yield written
        sent = found.case.authored + timedelta(minutes=2)
        yield message(world, found, written, Message(1, "referral", "已上传检查结果，请查看。", sent))
        if found.case.state is way.AWAITING:
            later = sent + timedelta(minutes=15)
            asked = Message(2, "information-request", "请补充心电图和用药情况。", later, answer=True)
            yield message(world, found, written, asked)
        if found.case.diagnosis in (CHEST_PAIN, STROKE) and found.case.state.arrived:
            yield timeline(world, found, self.chance)


def _opening(found: Referral) -> Iterator[Resource]:
    yield found.case.patient
    if found.consent:
        yield found.consent
    yield from found.papers

"""The referrals of network B: 825 inpatients came up and 463 came down, and others that do not count.

A count that forgets one of the rules finds another number: there are referrals that never arrived, came to
outpatient departments, went across, were test data or mistakes, or arrived an instant outside the period.
"""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from fhir_server.alliance.sample import scenarios as way
from fhir_server.alliance.sample.cases import Direction
from fhir_server.alliance.sample.consents import consent
from fhir_server.alliance.sample.county import PEOPLES, SINCE, County
from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.elements import SHANGHAI
from fhir_server.alliance.sample.flow import Journey, People, Window, case, drawn, way_on
from fhir_server.alliance.sample.patients import Register
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.referrals import Referral, referral
from fhir_server.alliance.sample.scenarios import CHEST_PAIN, ORDINARY, RECOVERING, STROKE, Diagnosis, State
from fhir_server.alliance.sample.totals import CHEST_PAIN_CASES, STROKE_CASES
from fhir_server.alliance.systems import RESIDENT_NUMBER
from fhir_server.resource import Resource

PERIOD = Window(datetime(2018, 1, 1, tzinfo=SHANGHAI), datetime(2019, 7, 1, tzinfo=SHANGHAI))
_LAST = Window(PERIOD.end - timedelta(days=20), PERIOD.end - timedelta(days=12))
_BACK_IN_TIME = Window(PERIOD.start, PERIOD.end - timedelta(days=30))

# inpatients that arrived in the period: 825 and 463, with those at its very edges
_UP_CAME = (
    (way.RETURNED, 258), (way.RETURNED_WALKING, 70), (way.RETURNED_INTERIM, 30), (way.RETURNED_HELD, 12),
    (way.RETURNED_ADMITTED, 40), (way.RETURNED_ASKED, 25), (way.DOWN_REFERRED, 286), (way.DIED, 18),
    (way.LEFT, 21), (way.UNABLE_AFTER, 9), (way.ARRIVED, 6), (way.ADMITTED, 22), (way.READY, 8),
    (way.INTERIM, 5), (way.ON_HOLD, 3), (way.PASSED_ON, 2), (way.RETURNED_PASSED_ON, 2),
)  # fmt: skip
# further up, of those who were passed on: the first is not there yet
_UP_AGAIN = {way.PASSED_ON: way.BED_RESERVED, way.RETURNED_PASSED_ON: way.RETURNED}
_UP_STAYED_AWAY = (
    (way.RECEIVED, 4), (way.AWAITING, 3), (way.IS_ACCEPTED, 4), (way.BED_RESERVED, 3), (way.IN_TRANSIT, 2),
    (way.NO_SHOW, 2), (way.DECLINED, 34), (way.DECLINED_SCOPE, 9), (way.DECLINED_TWICE, 7),
    (way.CANCELLED, 18), (way.CANCELLED_EARLY, 6), (way.CANCELLED_BY_PATIENT, 15), (way.MISSED, 17),
    (way.UNABLE, 6), (way.EXPIRED, 20), (way.ABORTED, 4),
)  # fmt: skip
_DOWN_CAME_BACK = (
    (way.RETURNED_WALKING, 200), (way.RETURNED, 40), (way.RETURNED_ADMITTED, 28), (way.LEFT, 8),
    (way.DIED, 2), (way.UNABLE_AFTER, 2),
)  # fmt: skip
_DOWN_CAME = (
    (way.RETURNED_WALKING, 98), (way.RETURNED, 18), (way.RETURNED_ADMITTED, 12), (way.LEFT, 4), (way.DIED, 1),
    (way.UNABLE_AFTER, 2), (way.ADMITTED, 24), (way.ARRIVED, 8), (way.INTERIM, 7), (way.ON_HOLD, 5),
)  # fmt: skip
_DOWN_STAYED_AWAY_AGAIN = ((way.DECLINED, 3), (way.CANCELLED_BY_PATIENT, 2), (way.MISSED, 1))
_DOWN_STAYED_AWAY = (
    (way.DECLINED, 11), (way.CANCELLED, 8), (way.CANCELLED_BY_PATIENT, 7), (way.MISSED, 11), (way.EXPIRED, 8),
    (way.RECEIVED, 2), (way.IS_ACCEPTED, 3),
)  # fmt: skip

_START, _END = PERIOD.start, PERIOD.end
_SECOND = timedelta(seconds=1)
_INSIDE = {
    "up": (
        _START,
        _START + timedelta(minutes=20),
        (_START + timedelta(minutes=30)).astimezone(UTC),  # 2017-12-31T16:30:00Z
        _END - _SECOND,
        _END - timedelta(minutes=20),
        (_END - timedelta(minutes=40)).astimezone(UTC),  # 2019-06-30T15:20:00Z
    ),
    "down": (_START, _START + timedelta(minutes=50), _END - timedelta(minutes=50), _END - _SECOND),
}
_OUTSIDE = {
    "up": (
        _START - _SECOND,
        _START - timedelta(minutes=30),
        (_START - timedelta(minutes=1)).astimezone(UTC),
        _START - timedelta(days=40),
        _END,
        _END + timedelta(minutes=30),
        (_END + timedelta(hours=7, minutes=30)).astimezone(UTC),  # 2019-06-30T23:30:00Z: still June there
        _END + timedelta(days=3),
    ),
    "down": (_START - _SECOND, _START - timedelta(hours=3), _END, _END + timedelta(hours=3)),
}
_TEST, _MISTAKES, _ACROSS, _VISITS, _EMERGENCIES = 8, 6, 5, 60, 20
_DOWN_TEST, _DOWN_MISTAKES = 5, 4
_KINDS = {"again": 45, "twin": 12, "misnumbered": 12}
_NAMELESS = 8  # of those that came by the green channel
_ORDINARY = (
    sum(number for group in (_UP_CAME, _UP_STAYED_AWAY, _DOWN_CAME, _DOWN_STAYED_AWAY) for _, number in group)
    + sum(len(moments) for edge in (_INSIDE, _OUTSIDE) for moments in edge.values())
    + sum((_TEST, _MISTAKES, _ACROSS, _VISITS, _EMERGENCIES, _DOWN_TEST, _DOWN_MISTAKES))
    - (CHEST_PAIN_CASES + STROKE_CASES)
)
_TWICE = 15  # registered in two hospitals
_HANDED_OVER = 40  # of every so many that returned one was handed over to a doctor of the hospital
_LETTERS = 5  # every so many referrals have a letter


class Referrals:
    """All of them, made one after the other from one source of chance."""

    def __init__(self, found: County) -> None:
        self._county = found
        self._chance: Random = found.world.chance("referrals")
        register = Register(found.world, PEOPLES)
        of_people = found.world.chance("people")
        self._people = People(register, of_people, _KINDS, _ORDINARY)
        self._hurried = People(register, of_people, {"nameless": _NAMELESS}, CHEST_PAIN_CASES + STROKE_CASES)
        self._numbers: Counter[Direction] = Counter()
        self._returned = 0
        self.patients: list[Resource] = []
        self.consents: dict[str, Resource] = {}  # by the id of the patient
        self.referrals: list[Referral] = []
        self.followed: dict[str, Resource] = {}  # by the key of a case, the request of its way back
        self._up()
        self._back()
        self._down()
        for patient in self._chance.sample([one for one in self.patients if _is_known(one)], _TWICE):
            self.patients.append(register.twice(patient, found.staff.of(found.chinese)[1]))

    def _up(self) -> None:
        chance = self._chance
        green = [CHEST_PAIN] * CHEST_PAIN_CASES + [STROKE] * STROKE_CASES
        for state in drawn(_UP_CAME, chance):
            hurried = state in (way.RETURNED, way.DOWN_REFERRED) and len(green) > 0
            diagnosis = green.pop() if hurried else chance.choice(ORDINARY)
            journey = self._journey_to_county() if state.onward else self._journey_up(diagnosis)
            self._add(journey, state, self._arrival(state), hurried=hurried)
        self._on()
        for moment in _INSIDE["up"]:
            self._add(self._ordinary_up(), way.RETURNED, moment)
        for state in drawn(_UP_STAYED_AWAY, chance):
            self._add(self._ordinary_up(), state, self._arrival(state))
        for moment in _OUTSIDE["up"]:
            self._add(self._ordinary_up(), way.RETURNED, moment)
        for _ in range(_VISITS):
            self._add(replace(self._ordinary_up(), setting="O"), way.VISITED, PERIOD.moment(chance))
        for _ in range(_EMERGENCIES):
            hurt = replace(self._ordinary_up(), setting="E")
            self._add(hurt, way.RETURNED_WALKING, PERIOD.moment(chance))
        for _ in range(_ACROSS):
            self._add(self._journey_across(), way.RETURNED, PERIOD.moment(chance))
        for _ in range(_MISTAKES):
            self._add(self._ordinary_up(), way.MISTAKE, PERIOD.moment(chance))
        for _ in range(_TEST):
            self._add(replace(self._ordinary_up(), test=True), way.RETURNED, PERIOD.moment(chance))

    def _on(self) -> None:
        """Whom the county hospital passes on to one above it (T16)."""
        for before in [one for one in self.referrals if one.case.state.onward]:
            near = before.case.receiver
            above = self._chance.choice(self._above(near.member))
            journey = self._journey("up", near, above, before.case.diagnosis)
            state = _UP_AGAIN[before.case.state]
            found = way_on(self._key("up"), before.case, before.request, state, journey, self._chance)
            agreed = self.consents.get(found.patient["id"])
            self.referrals.append(referral(self._county.world, found, agreed))
            self.followed[before.case.key] = self.referrals[-1].request

    def _back(self) -> None:
        """Whom the upper hospital sends back; some of them do not come."""
        chance, world = self._chance, self._county.world
        states = drawn((*_DOWN_CAME_BACK, *_DOWN_STAYED_AWAY_AGAIN), chance)
        for before in [one for one in self.referrals if one.case.state is way.DOWN_REFERRED]:
            sender = before.case.sender
            if sender.member.tier == "village" and sender.member.parent:
                sender = self._anyone(sender.member.parent)
            journey = Journey("down", before.case.receiver, sender, chance.choice(RECOVERING))
            found = way_on(self._key("down"), before.case, before.request, states.pop(), journey, chance)
            agreed = self.consents.get(found.patient["id"])
            self.referrals.append(referral(world, found, agreed))
            self.followed[before.case.key] = self.referrals[-1].request

    def _down(self) -> None:
        chance = self._chance
        for state in drawn((*_DOWN_CAME, *_DOWN_STAYED_AWAY), chance):
            self._add(self._journey_down(), state, self._arrival(state))
        for moment in (*_INSIDE["down"], *_OUTSIDE["down"]):
            self._add(self._journey_down(), way.RETURNED, moment)
        for _ in range(_DOWN_MISTAKES):
            self._add(self._journey_down(), way.MISTAKE, PERIOD.moment(chance))
        for _ in range(_DOWN_TEST):
            self._add(replace(self._journey_down(), test=True), way.RETURNED, PERIOD.moment(chance))

    def _add(self, journey: Journey, state: State, arrival: datetime, *, hurried: bool = False) -> None:
        patient, known = (self._hurried if hurried else self._people).next(journey.sender)
        if not known:
            self.patients.append(patient)
            if "birthDate" in patient:  # who is not known has agreed to nothing
                self.consents[patient["id"]] = consent(patient, journey.sender.member, SINCE)
        key = self._key(journey.direction)
        found = case(key, state, journey, patient, arrival, self._chance)
        if state is way.RETURNED:
            self._returned += 1
            found = replace(found, handed_over=self._returned % _HANDED_OVER == 0)
        self.referrals.append(
            referral(
                self._county.world,
                found,
                self.consents.get(patient["id"]),
                with_letter=len(self.referrals) % _LETTERS == 0,
            )
        )

    def _key(self, direction: Direction) -> str:
        self._numbers[direction] += 1
        return f"{direction}-{self._numbers[direction]:04}"

    def _arrival(self, state: State) -> datetime:
        if state.open:
            return _LAST.moment(self._chance)
        return (_BACK_IN_TIME if state is way.DOWN_REFERRED or state.onward else PERIOD).moment(self._chance)

    def _ordinary_up(self) -> Journey:
        return self._journey_up(self._chance.choice(ORDINARY))

    def _journey_up(self, diagnosis: Diagnosis) -> Journey:
        """Three in five from the townships and villages, the others from the county on."""
        found, chance = self._county, self._chance
        if chance.random() < 0.6:
            sender = chance.choice(found.townships * 5 + found.villages)
            receiver = sender.parent
            if receiver and receiver.tier == "township":
                receiver = receiver.parent
            assert receiver is not None
            return self._journey("up", self._anyone(sender), receiver, diagnosis)
        sender = chance.choice([found.hospital] * 3 + [found.chinese])
        return self._journey(
            "up", found.staff.one(sender, diagnosis.specialty), chance.choice(self._above(sender)), diagnosis
        )

    def _journey_to_county(self) -> Journey:
        sender = self._chance.choice(self._county.townships)
        assert sender.parent is not None
        return self._journey("up", self._anyone(sender), sender.parent, self._chance.choice(ORDINARY))

    def _journey_across(self) -> Journey:
        found = self._county
        diagnosis = self._chance.choice(ORDINARY)
        sender = found.staff.one(found.chinese, diagnosis.specialty)
        return self._journey("horizontal", sender, found.hospital, diagnosis)

    def _journey_down(self) -> Journey:
        """One in four from above to the county, the others from the county to a township."""
        found, chance = self._county, self._chance
        diagnosis = chance.choice(RECOVERING)
        near = chance.choice([found.hospital] * 3 + [found.chinese])
        if chance.random() < 0.25:
            sender, receiver = chance.choice(self._above(near)), near
        else:
            sender, receiver = near, chance.choice([one for one in found.townships if one.parent is near])
        return self._journey("down", found.staff.one(sender, diagnosis.specialty), receiver, diagnosis)

    def _journey(
        self, direction: Direction, sender: Doctor, receiver: Member, diagnosis: Diagnosis
    ) -> Journey:
        answering = self._county.staff.one(receiver, diagnosis.specialty)
        return Journey(direction, sender, answering, diagnosis)

    def _above(self, hospital: Member) -> list[Member]:
        return self._county.above_of(hospital)

    def _anyone(self, member: Member) -> Doctor:
        return self._chance.choice(self._county.staff.of(member))


def _is_known(patient: Resource) -> bool:
    return any(found.get("system") == RESIDENT_NUMBER for found in patient["identifier"])

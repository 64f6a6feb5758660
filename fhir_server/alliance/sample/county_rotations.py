"""The postings of network B and what came of them: 96 experts posted, 125 doctors sent up to train.

As with the referrals, there are some that do not count: before and after the period, cancelled, booked, test
data and mistakes.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import cycle
from random import Random

from fhir_server.alliance.sample import totals
from fhir_server.alliance.sample.activities import CLINICS, COURSES, Session, activity
from fhir_server.alliance.sample.county import SINCE, County
from fhir_server.alliance.sample.county_referrals import PERIOD
from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.elements import at
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.rotations import Posting, Rotation, rotation
from fhir_server.resource import Resource

_FIRST, _LAST = PERIOD.start.date(), PERIOD.end.date() - timedelta(days=1)
_TEAMS = 5  # batches
_LONG = 12  # experts posted for more than six months
_AGAIN = 8  # experts posted for a second time
_FROM_ABOVE = 30  # of the experts who held sessions; the others come from the county's own hospitals
_SHORT_MODES = ("periodic", "sink-team", "flexible", "circuit", "special-envoy")
_OTHER_KINDS = (("surgery", 12), ("ward-round", 48), ("supervision", 10))
_CANCELLED, _MISSED, _BOOKED, _MISTAKES, _TEST = 14, 5, 4, 3, 4
_TRAINED_BEFORE, _TRAINED_AFTER, _POSTED_BEFORE = 6, 4, 5


class Rotations:
    def __init__(self, found: County) -> None:
        self._county = found
        self._chance = found.world.chance("rotations")
        self.rotations: list[Rotation] = []
        experts = self._experts()
        self.experts = [self._post(expert, number) for number, expert in enumerate(experts)]
        senders = [doctor for doctor in found.staff.of(*found.hospitals)[20:] if doctor not in experts]
        posted = self._chance.sample(senders, totals.POSTED - totals.EXPERTS + _POSTED_BEFORE)
        for number, doctor in enumerate(posted[_POSTED_BEFORE:]):
            self._post(doctor, number + totals.EXPERTS)
        for again in self._chance.sample(self.rotations, _AGAIN):
            self._add(again.posting.expert, again.host, "circuit", self._later(again.posting.end), 20)
        earlier = [
            self._add(doctor, self._host(doctor), "periodic", _FIRST - timedelta(days=90), 60)
            for doctor in posted[:_POSTED_BEFORE]
        ]
        # they stay a day over the edge
        self.before = self._add(posted[0], earlier[0].host, "periodic", _FIRST - timedelta(days=20), 21)
        self.after = self._add(posted[0], earlier[0].host, "periodic", PERIOD.end.date(), 60)
        self._train([one for one in found.staff.doctors if one not in (*experts, *posted)])

    def _experts(self) -> list[Doctor]:
        staff, found = self._county.staff, self._county
        above = [staff.of(member)[place] for place in range(5) for member in found.above]
        near = staff.of(found.hospital)[6:14] + staff.of(found.chinese)[5:8]
        return above[:_FROM_ABOVE] + near[: totals.EXPERTS - _FROM_ABOVE]

    def _host(self, doctor: Doctor) -> Member:
        """From above to the county, from the county to a township."""
        found = self._county
        if doctor.member in found.above:
            return found.chinese if doctor.member in found.above_of(found.chinese) else found.hospital
        return self._chance.choice([one for one in found.townships if one.parent is doctor.member])

    def _post(self, doctor: Doctor, number: int) -> Rotation:
        long = number < _LONG
        mode = "long-term-posting" if long else _SHORT_MODES[number % len(_SHORT_MODES)]
        days = 200 + 10 * number if long else self._chance.randrange(60, 150)
        room = (_LAST - _FIRST).days - days
        # one of them is there when the period begins, another when it ends
        start = _FIRST + timedelta(days={0: 0, 1: room}.get(number, self._chance.randrange(room)))
        return self._add(doctor, self._host(doctor), mode, start, days, number)

    def _later(self, end: date) -> date:
        return min(end + timedelta(days=3), _LAST - timedelta(days=21))

    def _add(
        self, doctor: Doctor, host: Member, mode: str, start: date, days: int, number: int = 0
    ) -> Rotation:
        agreements = self._county.agreements
        posting = Posting(
            doctor,
            host,
            mode,
            start,
            start + timedelta(days=days),
            batch=f"2018-{number // len(_SHORT_MODES) % _TEAMS + 1:02}" if mode == "sink-team" else None,
            planned=self._chance.randrange(4, 25),
            # what began before there were agreements rests on none
            agreement=None
            if start < SINCE
            else agreements.get(doctor.member.key) or agreements.get(host.key),
        )
        found = rotation(self._county.world, len(self.rotations) + 1, posting)
        self.rotations.append(found)
        return found

    def _train(self, doctors: list[Doctor]) -> None:
        """Doctors of the county, its townships and villages, to the hospitals above them."""
        found, chance = self._county, self._chance
        own = [doctor for doctor in doctors if doctor.member not in found.above]
        chosen = chance.sample(own, totals.OUTBOUND_TRAINEES + _TRAINED_BEFORE + _TRAINED_AFTER)
        for number, doctor in enumerate(chosen):
            days = chance.randrange(30, 150)
            start = _FIRST + timedelta(days=chance.randrange((_LAST - _FIRST).days - days))
            if number < _TRAINED_BEFORE:
                start = _FIRST - timedelta(days=days + 30)
            elif number < _TRAINED_BEFORE + _TRAINED_AFTER:
                start = _LAST + timedelta(days=number)
            self._add(doctor, self._school(doctor), "outbound-training", start, days)

    def _school(self, doctor: Doctor) -> Member:
        found = self._county
        if doctor.member in found.hospitals:
            return self._chance.choice(found.above_of(doctor.member))
        return found.hospital


def activities(found: County, posted: Rotations) -> Iterator[Resource]:
    """The sessions of the experts, each within its posting."""
    sessions = list(_sessions(found, posted))
    for number, session in enumerate(sessions, 1):
        yield activity(found.world, number, session)


def _sessions(found: County, posted: Rotations) -> Iterator[Session]:
    chance = found.world.chance("activities")
    experts = cycle(posted.experts)
    served = _parts(totals.SERVED, totals.SESSIONS, chance)
    # the first moment of the period is in it, and the last: three hours are held
    edges = {0: PERIOD.start, 1: PERIOD.end - timedelta(hours=3)}
    for number, people in enumerate(served):
        expert = next(experts)
        kind = CLINICS[number % 8 if number % 8 < len(CLINICS) else 0]
        yield Session(kind, expert, edges.get(number, _when(expert, chance)), people=people)
    # what is seldom is the county hospital's own: it may read all of its small numbers in the report
    own = cycle(one for one in posted.experts if found.hospital in (one.host, one.expert.member))
    for number, people in enumerate(_parts(totals.ATTENDANCES, totals.COURSES, chance)):
        expert = next(own)
        yield Session(COURSES[number % 5 % 2], expert, _when(expert, chance), people=people)
    teaching = (
        ("case-discussion", totals.CASE_DISCUSSIONS),
        ("consult", totals.CONSULTS),
        ("teaching-round", totals.TEACHING_ROUNDS),
        *_OTHER_KINDS,
    )
    for kind, times in teaching:
        for _ in range(times):
            expert = next(own)
            yield Session(kind, expert, _when(expert, chance))
    yield from _not_counted(posted, experts, chance)


def _not_counted(posted: Rotations, experts: Iterator[Rotation], chance: Random) -> Iterator[Session]:
    statuses = (
        ("cancelled", _CANCELLED), ("noshow", _MISSED), ("booked", _BOOKED), ("entered-in-error", _MISTAKES)
    )  # fmt: skip
    for status, times in statuses:
        for number in range(times):
            expert = next(experts)
            kind = (*CLINICS, *COURSES, "teaching-round")[number % 6]
            yield Session(kind, expert, _when(expert, chance), status, people=30)
    for number in range(_TEST):
        expert = next(experts)
        yield Session((*CLINICS, "lecture")[number], expert, _when(expert, chance), people=1000, test=True)
    # an instant before, and the first one after
    yield Session("free-clinic", posted.before, PERIOD.start - timedelta(minutes=30), people=100)
    yield Session("lecture", posted.before, PERIOD.start - timedelta(days=3), people=100)
    yield Session("outpatient", posted.after, PERIOD.end, people=100)
    yield Session("consult", posted.after, PERIOD.end + timedelta(hours=9))


def _when(expert: Rotation, chance: Random) -> datetime:
    posting = expert.posting
    day = posting.start + timedelta(days=chance.randrange(1, (posting.end - posting.start).days))
    return at(day, chance.choice((8, 9, 14)), 30)


def _parts(total: int, number: int, chance: Random) -> list[int]:
    """`number` of them, not alike, that make up `total`."""
    weights = [chance.randrange(50, 150) for _ in range(number)]
    found = [total * weight // sum(weights) for weight in weights]
    for place in range(total - sum(found)):
        found[place] += 1
    return found

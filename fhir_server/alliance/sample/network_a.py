"""Network A whole: every resource once, those that are referred to before those that refer to them.

Small enough for the first start of a server, and with something in every state, the open ones too.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from fhir_server.alliance.sample.activities import Session, activity
from fhir_server.alliance.sample.border import SINCE, Border, border
from fhir_server.alliance.sample.directory import Member
from fhir_server.alliance.sample.elements import at
from fhir_server.alliance.sample.exchange import Exchange
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.rotations import Posting, Rotation, rotation
from fhir_server.alliance.sample.services import Offer, departments, services
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

TODAY = date(2026, 11, 23)
"""The day of network A: sessions before it took place (or did not), later ones are booked."""
_FIRST_DAY = at(date(2026, 3, 2), 8, 40)
_LAST_DAY = at(date(2026, 11, 22), 8, 40)

_KINDS = (
    "outpatient", "free-clinic", "ward-round", "teaching-round", "surgery", "lecture", "case-discussion",
    "consult",
)  # fmt: skip
_MODES = {
    "long-term-posting": 30, "periodic": 12, "sink-team": 12, "flexible": 12, "secondment": 26, "circuit": 12,
}  # fmt: skip
"""Weeks."""


def resources(world: World) -> Iterator[Resource]:
    found = border(world)
    yield from _directory(found)
    posted = _rotations(found)
    for one in posted:
        yield one.role
    yield from _activities(found, posted)
    yield from _referrals(found)


def _directory(found: Border) -> Iterator[Resource]:
    yield from found.directory.jurisdictions()
    for member in found.directory.members:
        yield member.organization
        yield member.location
    yield from found.networks
    yield from found.affiliations
    yield from services(found.world, _offers(found))
    for doctor in found.staff.doctors:
        yield doctor.practitioner
        yield doctor.role


def _offers(found: Border) -> Iterator[tuple[Member, list[Offer]]]:
    lead = [
        Offer("chest-pain-center", "胸痛中心", "cardiology", "standard"),
        Offer("stroke-center", "脑卒中中心", "neurology", "demonstration"),
        *departments("orthopaedics", "obstetrics", "respiratory"),
        Offer("teleconsultation", "远程会诊中心", "general-practice"),
        Offer("education", "规范化培训基地", "general-practice"),
    ]
    yield found.lead, lead
    for hospital in found.hospitals[1:]:
        yield hospital, departments("cardiology", "neurology", "rehabilitation")
    for township in found.townships:
        yield township, [Offer("general-practice", "全科门诊", "general-practice")]


def _rotations(found: Border) -> list[Rotation]:
    """Experts of the lead hospital posted to other members, and doctors of townships sent up to train."""
    chance = found.world.chance("rotations")
    modes = list(_MODES)
    hosts = found.hospitals[1:] + found.townships
    postings: list[Posting] = []
    for number, expert in enumerate(found.staff.of(found.lead) * 2):
        mode = modes[number % len(modes)]
        batch = f"2026-{number % 3 + 1}" if mode == "sink-team" else None
        before = next((one for one in postings if one.expert is expert), None)
        postings.append(_posting(expert, chance.choice(hosts), mode, chance, batch, before))
    for learner in found.staff.of(*found.townships)[::3]:
        postings.append(_posting(learner, found.lead, "outbound-training", chance))
    return [rotation(found.world, number, posting) for number, posting in enumerate(postings, 1)]


def _posting(
    expert: Doctor,
    host: Member,
    mode: str,
    chance: Random,
    batch: str | None = None,
    before: Posting | None = None,
) -> Posting:
    """before: an earlier one of the same person, which is over first"""
    start = date(2026, 1, 5) + timedelta(weeks=chance.randrange(40))
    if before is not None:
        start = max(start, before.end + timedelta(days=1))
    end = start + timedelta(weeks=_MODES.get(mode, 12))
    return Posting(expert, host, mode, start, end, batch, planned=chance.randrange(4, 25))


def _activities(found: Border, posted: list[Rotation]) -> Iterator[Resource]:
    """Two sessions of each posting; trainees hold none."""
    chance = found.world.chance("activities")
    experts = [one for one in posted if one.posting.mode != "outbound-training"]
    days = [(one, day) for one in experts for day in (timedelta(days=2), timedelta(weeks=6))]
    for number, (expert, after) in enumerate(days, 1):
        kind = _KINDS[number % len(_KINDS)]
        day = expert.posting.start + after
        status = "booked" if day >= TODAY else "cancelled" if chance.randrange(12) == 0 else "fulfilled"
        start = at(day, chance.choice((8, 9, 14)), 30)
        people = chance.randrange(15, 60)
        yield activity(found.world, number, Session(kind, expert, start, status, people=people))


def _referrals(found: Border) -> Iterator[Resource]:
    lead = found.lead

    def down(chance: Random) -> tuple[Doctor, Doctor]:
        receiver = chance.choice(found.staff.of(*found.townships))
        return found.staff.of(receiver.member.parent or lead)[0], receiver

    yield from Exchange(
        found.world,
        [doctor for doctor in found.staff.doctors if doctor.member is not lead],
        lambda _, diagnosis: found.staff.one(lead, diagnosis.specialty),
        down,
        _FIRST_DAY,
        _LAST_DAY,
        SINCE,
    ).resources()

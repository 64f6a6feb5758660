"""Network B whole: every resource once, those that are referred to before those that refer to them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from fhir_server.alliance.sample import scenarios as way
from fhir_server.alliance.sample import totals
from fhir_server.alliance.sample.county import County, affiliations, county
from fhir_server.alliance.sample.county_referrals import PERIOD, Referrals
from fhir_server.alliance.sample.county_rotations import Rotations, activities
from fhir_server.alliance.sample.discussions import discussion, group
from fhir_server.alliance.sample.emergencies import alert, timeline
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.referrals import Referral, task
from fhir_server.alliance.sample.scenarios import ORDINARY
from fhir_server.alliance.sample.services import Offer, departments, service, services
from fhir_server.alliance.sample.specialties import SPECIALTIES
from fhir_server.alliance.sample.surgeries import Surgery, surgery
from fhir_server.alliance.sample.teleconsults import Consult, teleconsult
from fhir_server.alliance.sample.turns import hand_over, wish_to_cancel
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

_TECHNIQUES = (
    "腹腔镜胆囊切除术", "膝关节镜手术", "经皮肾镜碎石术", "静脉溶栓术", "冠状动脉造影术", "无痛胃肠镜检查",
    "血液透析", "肺功能检查",
)  # fmt: skip
_TECHNIQUES_BEFORE, _TECHNIQUES_AFTER, _TECHNIQUES_TEST = 4, 3, 2
_CONSULTS_DECLINED = 5
_ALERTED = 2  # every so many emergencies were announced
_SURGERIES = ("3", 37), ("4", 9)  # level, how many
_GROUPS = ("全科与慢病交流群", 214), ("护理交流群", 172)


def resources(world: World) -> Iterator[Resource]:
    found = county(world)
    yield from _directory(found)
    yield from _services(found)
    posted = Rotations(found)
    for rotation in posted.rotations:
        yield rotation.role
    yield from activities(found, posted)
    yield from _referrals(found)
    yield from _discussions(found)


def _directory(found: County) -> Iterator[Resource]:
    yield from found.directory.jurisdictions()
    for member in found.directory.members:
        yield member.organization
        yield member.location
    yield found.network
    yield from found.agreements.values()
    yield from affiliations(found)
    for doctor in found.staff.doctors:
        yield doctor.practitioner
        yield doctor.role


def _services(found: County) -> Iterator[Resource]:
    centres = [
        Offer("chest-pain-center", "胸痛中心", "cardiology", "basic"),
        Offer("stroke-center", "卒中中心", "neurology", "basic"),
    ]
    common = ("cardiology", "neurology", "orthopaedics", "respiratory")
    general = [Offer("general-practice", "全科门诊", "general-practice")]
    offers = [
        (found.hospital, [*centres, *departments(*common, "surgery", "gastroenterology", "endocrinology")]),
        (found.chinese, departments("rehabilitation", "orthopaedics", "neurology")),
        *((member, departments(*common)) for member in found.above),
        *((member, general) for member in found.townships),
    ]
    yield from services(found.world, offers)
    yield from _techniques(found)


def _techniques(found: County) -> Iterator[Resource]:
    """What the hospital has learnt, in the period and outside it."""
    chance = found.world.chance("techniques")
    days = (PERIOD.end - PERIOD.start).days
    first = PERIOD.start.date()
    since = [first + timedelta(days=chance.randrange(days)) for _ in range(totals.NEW_TECHNIQUES)]
    since[:2] = [first, first + timedelta(days=days - 1)]
    since += [first - timedelta(days=1 + 90 * number) for number in range(_TECHNIQUES_BEFORE)]
    since += [first + timedelta(days=days + 60 * number) for number in range(_TECHNIQUES_AFTER)]
    since += [first + timedelta(days=30)] * _TECHNIQUES_TEST
    for number, day in enumerate(since):
        member = found.chinese if number % 5 == 4 else found.hospital
        name = f"新技术：{_TECHNIQUES[number % len(_TECHNIQUES)]}（{number + 1}）"
        offer = Offer("department", name, chance.choice(list(SPECIALTIES)), new_since=day)
        test = number >= len(since) - _TECHNIQUES_TEST
        yield service(found.world, f"technique-{number + 1}", member, offer, test=test)


def _referrals(found: County) -> Iterator[Resource]:
    made = Referrals(found)
    yield from made.patients
    yield from made.consents.values()
    for referral in made.referrals:
        yield from referral.papers
    chance = found.world.chance("emergencies")
    emergencies = 0
    for referral in made.referrals:
        followed = made.followed.get(referral.case.key)
        written = task(found.world, referral, followed)
        yield written
        yield from _turns(found, referral, written)
        if referral.case.diagnosis.green_channel:
            emergencies += 1
            yield timeline(found.world, referral, chance)
            if emergencies % _ALERTED == 0:
                yield alert(found.world, referral, written)
    yield from _teleconsults(found, made)
    yield from _surgeries(found, made)


def _turns(found: County, referral: Referral, written: Resource) -> Iterator[Resource]:
    if referral.case.state is way.ABORTED:
        yield wish_to_cancel(found.world, referral, written, "accepted")
    elif referral.case.state is way.ARRIVED and referral.case.direction == "up":
        yield wish_to_cancel(found.world, referral, written, "rejected")
    if referral.case.handed_over:
        yield hand_over(found.world, referral, written)


def _teleconsults(found: County, made: Referrals) -> Iterator[Resource]:
    """Asked by the townships of the county, and by the county of the hospitals above it."""
    world, chance = found.world, found.world.chance("teleconsults")
    known = [patient for patient in made.patients if patient["active"] and "birthDate" in patient]
    patients = chance.sample(known, totals.TELECONSULTS + _CONSULTS_DECLINED)
    for number, patient in enumerate(patients, 1):
        diagnosis = chance.choice(ORDINARY)
        if number % 3:
            member = chance.choice(found.townships)
            asking, to = chance.choice(found.staff.of(member)), member.parent or found.hospital
        else:
            near = chance.choice(found.hospitals)
            asking, to = found.staff.one(near, diagnosis.specialty), chance.choice(found.above_of(near))
        consult = Consult(
            f"{number:03}",
            patient,
            diagnosis,
            asking,
            found.staff.one(to, diagnosis.specialty),
            _asked(chance),
            3 + number % 4 if number <= totals.TELECONSULTS else 0,
        )
        yield from teleconsult(world, consult, chance)


def _asked(chance: Random) -> datetime:
    """Early enough to be answered within the period."""
    return PERIOD.start + timedelta(minutes=chance.randrange(0, 760_000))


def _discussions(found: County) -> Iterator[Resource]:
    chance = found.world.chance("discussions")
    doctors = found.staff.of(found.chinese, *found.townships)
    own = found.staff.of(found.hospital)
    for number in range(1, totals.CASES_DISCUSSED + 1):
        speaker, *listeners = chance.sample(doctors, 6)
        if number % 2:  # the county hospital asks, or is asked first
            speaker = chance.choice(own)
        else:
            listeners[0] = chance.choice(own)
        solved = number <= totals.CASES_SOLVED
        yield from discussion(found.world, f"{number:03}", speaker, listeners, _asked(chance), solved=solved)
    for number, (name, size) in enumerate(_GROUPS, 1):
        yield group(found.world, f"{number}", f"溪州湾医共体{name}", found.hospital, size)


def _surgeries(found: County, made: Referrals) -> Iterator[Resource]:
    """By a few surgeons; one that was not done, or as a test, is no proof."""
    chance = found.world.chance("surgeries")
    *surgeons, other = found.staff.of(found.hospital)[: totals.SURGEONS_3 + 1]
    known = [patient for patient in made.patients if patient["active"]]

    def one(
        key: str, level: str, surgeon: Doctor, status: str = "completed", *, test: bool = False
    ) -> Resource:
        made = Surgery(key, level, surgeon, chance.choice(known), _asked(chance), status, test)
        return surgery(found.world, made)

    for level, times in _SURGERIES:
        able = surgeons[: totals.SURGEONS_4] if level == "4" else surgeons
        for number in range(times):
            yield one(f"{level}-{number + 1}", level, able[number % len(able)])
        yield one(f"{level}-not-done", level, other, "not-done")
        yield one(f"{level}-test", level, other, test=True)

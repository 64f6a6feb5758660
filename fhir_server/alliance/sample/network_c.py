"""Network C: five groups of a city, each led by one of its hospitals, with 14 experts posted for long.

The agreements have 7 to 19 parties; the counties are those of 430700.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import cycle
from random import Random

from fhir_server.alliance.sample.activities import Session, activity
from fhir_server.alliance.sample.agreements import Agreement, agreement
from fhir_server.alliance.sample.assessments import assessment
from fhir_server.alliance.sample.directory import Directory, Member, Site, Terms, Tier, affiliation
from fhir_server.alliance.sample.elements import at
from fhir_server.alliance.sample.exchange import Exchange
from fhir_server.alliance.sample.practitioners import Doctor, Staff, staff
from fhir_server.alliance.sample.regions import COUNTIES
from fhir_server.alliance.sample.rotations import Posting, Rotation, rotation
from fhir_server.alliance.sample.services import departments, services
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

SINCE = date(2018, 3, 20)
POSTED = 14
TRAINED = 64  # who attended the one course
_PARTIES = (7, 10, 13, 16, 19)  # of each agreement
_LEADS = ("沅畔医院", "柳叶洲医院", "德山湾医院", "桃林医院", "穿紫河医院")
_COUNTIES = ("430703", "430721", "430722", "430723", "430724", "430725", "430726", "430781")
_SITES: tuple[tuple[Tier, str, str], ...] = (
    ("township", "乡卫生院", "C220"), ("county", "中医医院", "A210"), ("township", "镇中心卫生院", "C210"),
    ("township", "镇卫生院", "C220"), ("county", "医院", "A100"),
)  # fmt: skip
_PLACES = [f"{first}{second}" for second in "溪洲坪湾港台" for first in "沅澧兰芷蒲菱荻桂柳枫"]
_MODES = ("tight", "loose", "specialty-alliance")
_FIRST_DAY, _LAST_DAY = at(date(2018, 4, 2), 9), at(date(2019, 3, 28), 9)


class Group:
    def __init__(self, directory: Directory, number: int, lead: Member, members: list[Member]) -> None:
        world = directory.world
        self.lead, self.members = lead, members
        name = f"{lead.site.name.removesuffix('医院')}示范医疗集团"
        self.network = directory.network(f"group-{number}", "city-group", name, lead)
        self.agreement = agreement(
            world,
            Agreement(f"group-{number}", "strategic-framework", (lead, *members), SINCE, date(2023, 3, 19)),
        )

    def affiliations(self) -> Iterator[Resource]:
        yield affiliation(self.network, self.lead, Terms("president", ["tight"], SINCE, (), self.agreement))
        for place, member in enumerate(self.members):
            governance = ("executive-council", "council", "member")[min(place // 2, 2)]
            mode = _MODES[place % len(_MODES)]
            yield affiliation(self.network, member, Terms(governance, [mode], SINCE, (), self.agreement))


def resources(world: World) -> Iterator[Resource]:
    directory = Directory(world)
    groups = list(_groups(directory))
    leads = [group.lead for group in groups]
    doctors = staff(world, [(member, 8 if member in leads else 2) for member in directory.members])
    yield from directory.jurisdictions()
    for member in directory.members:
        yield member.organization
        yield member.location
    for group in groups:
        yield group.network
        yield group.agreement
        yield from group.affiliations()
    yield from services(
        world, [(lead, departments("cardiology", "neurology", "orthopaedics")) for lead in leads]
    )
    for doctor in doctors.doctors:
        yield doctor.practitioner
        yield doctor.role
    yield from _rotations(world, groups, doctors)
    yield from _referrals(world, groups, doctors)


def _groups(directory: Directory) -> Iterator[Group]:
    """The hospitals of the city first, then each one's members, county by county."""
    city = COUNTIES["430702"]
    leads = [
        directory.member(Site(f"lead-{number}", name, city, "prefecture", "A100", "3-a", 1200))
        for number, name in enumerate(_LEADS, 1)
    ]
    counties, places = cycle(_COUNTIES), iter(_PLACES)
    for number, (lead, parties) in enumerate(zip(leads, _PARTIES, strict=True), 1):
        members = []
        for place in range(1, parties):
            tier, kind_name, kind = _SITES[place % len(_SITES)]
            name = next(places) + kind_name
            site = Site(f"group-{number}-{place}", name, COUNTIES[next(counties)], tier, kind)
            members.append(directory.member(site, lead))
        yield Group(directory, number, lead, members)


def _rotations(world: World, groups: list[Group], doctors: Staff) -> Iterator[Resource]:
    chance = world.chance("rotations")
    experts = [doctors.of(group.lead)[place] for place in range(3) for group in groups][:POSTED]
    posted = [_posted(world, number, groups, expert, chance) for number, expert in enumerate(experts, 1)]
    for number, one in enumerate(posted, 1):
        yield one.role
        yield assessment(world, number, one, one.posting.end, chance)
    number = 0
    for one in posted:
        for week in range(1, 13):
            number += 1
            day = one.posting.start + timedelta(weeks=week)
            kind = ("outpatient", "ward-round", "teaching-round")[week % 3]
            yield activity(world, number, Session(kind, one, at(day, 8, 30), people=chance.randrange(10, 50)))
    course = at(posted[0].posting.start + timedelta(days=30), 14, 30)
    yield activity(world, number + 1, Session("training", posted[0], course, people=TRAINED))


def _posted(world: World, number: int, groups: list[Group], expert: Doctor, chance: Random) -> Rotation:
    group = next(group for group in groups if group.lead is expert.member)
    start = SINCE + timedelta(days=chance.randrange(10, 150))
    return rotation(
        world,
        number,
        Posting(
            expert,
            chance.choice(group.members),
            "long-term-posting",
            start,
            start + timedelta(days=365),
            planned=40,
            agreement=group.agreement,
        ),
    )


def _referrals(world: World, groups: list[Group], doctors: Staff) -> Iterator[Resource]:
    members = [member for group in groups for member in group.members]

    def down(chance: Random) -> tuple[Doctor, Doctor]:
        receiver = chance.choice(doctors.of(*members))
        return doctors.of(receiver.member.parent or groups[0].lead)[0], receiver

    yield from Exchange(
        world,
        doctors.of(*members),
        lambda sender, diagnosis: doctors.one(sender.member.parent or groups[0].lead, diagnosis.specialty),
        down,
        _FIRST_DAY,
        _LAST_DAY,
        SINCE,
    ).resources()

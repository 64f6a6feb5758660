"""Network D: a provincial hospital and its branch in a county, 330822, with township centres in trusteeship.

Ten township centres: eight of them have specialties in trusteeship, eleven in all, two are run as a whole.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from fhir_server.alliance.sample.activities import Session, activity
from fhir_server.alliance.sample.agreements import Agreement, agreement
from fhir_server.alliance.sample.directory import Directory, Member, Site, Terms, affiliation
from fhir_server.alliance.sample.elements import at
from fhir_server.alliance.sample.exchange import Exchange
from fhir_server.alliance.sample.practitioners import Doctor, Staff, staff
from fhir_server.alliance.sample.regions import COUNTIES
from fhir_server.alliance.sample.rotations import Posting, rotation
from fhir_server.alliance.sample.services import Offer, departments, services
from fhir_server.alliance.sample.specialties import SPECIALTIES
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

SINCE = date(2017, 12, 1)
TEAMS = 5  # batches of experts sent down
_TOWNSHIPS = (
    "柚香镇", "芳村坳镇", "球溪镇", "白石坪镇", "招贤湾镇", "新桥坞乡", "同弓坪乡", "大桥湾乡", "金源坞镇",
    "宋畈坪乡",
)  # fmt: skip
_FULL = 2  # the first ones are run as a whole
_FIRST_DAY, _LAST_DAY = at(date(2018, 1, 8), 9), at(date(2018, 12, 27), 9)


def trusteeships() -> list[tuple[str, ...]]:
    """The specialties of each township centre that are in trusteeship: eleven over eight of them."""
    names = list(SPECIALTIES)[:11]
    double = [(names[place], names[place + 8]) for place in range(3)]
    return [(), (), *double, *((one,) for one in names[3:8])]


def resources(world: World) -> Iterator[Resource]:
    directory = Directory(world)
    county = COUNTIES["330822"]
    head = directory.member(Site("head", "钱潮医院", COUNTIES["330106"], "province", "A100", "3-a", 2400))
    branch = directory.member(Site("branch", "金川湾医院", county, "county", "A100", "2-a", 520), head)
    townships = [
        directory.member(Site(f"township-{number}", f"{name}卫生院", county, "township", "C220"), branch)
        for number, name in enumerate(_TOWNSHIPS, 1)
    ]
    network = directory.network("branch", "county-community", "常山县金川湾示范医共体", head)
    doctors = staff(world, [(head, 24), (branch, 24), *((member, 3) for member in townships)])
    yield from directory.jurisdictions()
    for member in directory.members:
        yield member.organization
        yield member.location
    yield network
    yield from _memberships(world, network, head, branch, townships)
    stations = [Offer("expert-workstation", "肝胆外科专家工作站", "surgery")]
    offered = departments("cardiology", "neurology", "orthopaedics", "respiratory")
    yield from services(world, [(head, offered), (branch, [*stations, *offered])])
    for doctor in doctors.doctors:
        yield doctor.practitioner
        yield doctor.role
    yield from _rotations(world, doctors, head, branch)
    yield from _referrals(world, doctors, branch, townships)


def _memberships(
    world: World, network: Resource, head: Member, branch: Member, townships: list[Member]
) -> Iterator[Resource]:
    until = date(2027, 11, 30)
    whole = agreement(world, Agreement("branch", "high-level-cooperation", (head, branch), SINCE, until))
    yield whole
    yield affiliation(network, head, Terms("lead", ["tight"], SINCE))
    terms = Terms("executive-council", ["branch", "full-trusteeship"], SINCE, (), whole)
    yield affiliation(network, branch, terms)
    for place, (member, specialties) in enumerate(zip(townships, trusteeships(), strict=True)):
        made = agreement(world, Agreement(member.key, "trusteeship", (branch, member), SINCE, until))
        yield made
        mode = "full-trusteeship" if place < _FULL else "specialty-trusteeship"
        named = [(code, SPECIALTIES[code]) for code in specialties]
        yield affiliation(network, member, Terms("member", [mode], SINCE, named, made))


def _rotations(world: World, doctors: Staff, head: Member, branch: Member) -> Iterator[Resource]:
    """A team of four goes down for each batch."""
    chance = world.chance("rotations")
    experts = doctors.of(head)
    number = sessions = 0
    for batch in range(TEAMS):
        start = SINCE + timedelta(weeks=6 + 10 * batch)
        for expert in experts[4 * batch : 4 * batch + 4]:
            number += 1
            end = start + timedelta(weeks=9)
            named = f"2018-{batch + 1:02}"
            one = rotation(world, number, Posting(expert, branch, "sink-team", start, end, named, planned=8))
            yield one.role
            for week, kind in enumerate(("outpatient", "ward-round", "surgery", "outpatient"), 1):
                sessions += 1
                when = at(start + timedelta(weeks=week), 8, 30)
                yield activity(world, sessions, Session(kind, one, when, people=chance.randrange(10, 45)))


def _referrals(world: World, doctors: Staff, branch: Member, townships: list[Member]) -> Iterator[Resource]:
    def down(chance: Random) -> tuple[Doctor, Doctor]:
        return doctors.of(branch)[0], chance.choice(doctors.of(*townships))

    yield from Exchange(
        world,
        doctors.of(branch, *townships),
        lambda sender, diagnosis: doctors.one(sender.member.parent or branch, diagnosis.specialty),
        down,
        _FIRST_DAY,
        _LAST_DAY,
        SINCE,
    ).resources()

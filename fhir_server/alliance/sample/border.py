"""Network A: twelve counties along a border of two provinces, a specialty alliance that one of them leads.

Each county is a community of its own besides: its hospital, township centres and village clinics.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from fhir_server.alliance.sample.directory import Directory, Member, Site, Terms, affiliation
from fhir_server.alliance.sample.practitioners import Staff, staff
from fhir_server.alliance.sample.regions import COUNTIES
from fhir_server.alliance.sample.specialties import SPECIALTIES
from fhir_server.alliance.sample.villages import villages
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

SINCE = date(2019, 5, 18)
_COMMUNITIES_SINCE = date(2020, 1, 1)

# the first one leads
_HOSPITALS = {
    "430181": "青岭医院",
    "430224": "云溪医院",
    "430281": "映瓷医院",
    "430626": "汨岚医院",
    "360321": "荷光医院",
    "360322": "栗禾医院",
    "360424": "宁岚医院",
    "360827": "松风医院",
    "360830": "禾光医院",
    "360881": "杜鹃医院",
    "360922": "百合医院",
    "360926": "竹韵医院",
}
_TOWNSHIPS = (
    "望云镇", "杉岭乡", "白鹭坪镇", "清溪坳乡", "桃源坳镇", "石鼓坪乡", "柳泉坪镇", "云台坳乡", "竹荫镇",
    "松涛乡", "荷风镇", "鹿鸣坪乡", "雁栖坪镇", "春晓乡", "稻香坳镇", "梅影乡", "月湖坪镇",
)  # fmt: skip
_OF_LEAD = 6  # township centres in the county of the lead hospital; one in the others


@dataclass(frozen=True, slots=True)
class Border:
    """Network A's directory."""

    world: World
    directory: Directory
    networks: list[Resource]  # the alliance first, then the communities
    affiliations: list[Resource]
    hospitals: list[Member]  # the lead first
    townships: list[Member]
    villages: list[Member]
    staff: Staff

    @property
    def lead(self) -> Member:
        return self.hospitals[0]


def border(world: World) -> Border:
    directory = Directory(world)
    hospitals = list(_hospitals(directory))
    townships = list(_townships(directory, hospitals))
    lead = hospitals[0]
    clinics = villages(directory, [(one, 4 if one.county is lead.county else 2) for one in townships])
    alliance = directory.network("border", "specialty", "湘赣边示范专科联盟", lead)
    communities = {
        hospital.key: directory.network(
            hospital.key, "county-community", f"{hospital.county.name}示范医共体", hospital
        )
        for hospital in hospitals
    }
    doctors = staff(
        world,
        [
            (lead, 18),
            *((member, 5) for member in hospitals[1:]),
            *((member, 2) for member in townships),
            *((member, 1) for member in clinics),
        ],
    )
    joined = [_in_alliance(alliance, hospital, lead) for hospital in hospitals]
    joined += _in_communities(communities, directory)
    networks = [alliance, *communities.values()]
    return Border(world, directory, networks, joined, hospitals, townships, clinics, doctors)


def _hospitals(directory: Directory) -> Iterator[Member]:
    lead: Member | None = None
    for division, name in _HOSPITALS.items():
        level, beds = ("3-a", 1000) if lead is None else ("2-a", 420)
        member = directory.member(
            Site(division, name, COUNTIES[division], "county", "A100", level, beds), lead
        )
        lead = lead or member
        yield member


def _townships(directory: Directory, hospitals: list[Member]) -> Iterator[Member]:
    names = iter(_TOWNSHIPS)
    for hospital in hospitals:
        for place in range(1, (_OF_LEAD if hospital is hospitals[0] else 1) + 1):
            site = Site(
                f"{hospital.key}-t{place}",
                f"{next(names)}中心卫生院",
                hospital.county,
                "township",
                "C210",
                beds=60,
            )
            yield directory.member(site, hospital)


def _in_alliance(alliance: Resource, hospital: Member, lead: Member) -> Resource:
    terms = Terms(
        "lead" if hospital is lead else "council",
        ["specialty-alliance"],
        SINCE,
        [("cardiology", SPECIALTIES["cardiology"])],
    )
    return affiliation(alliance, hospital, terms)


def _in_communities(communities: dict[str, Resource], directory: Directory) -> Iterator[Resource]:
    chance = directory.world.chance("modes")
    for member in directory.members:
        community = communities[member.county.division]
        modes = ["tight"]
        if member.tier == "township":
            modes = [chance.choice(("tight", "full-trusteeship", "paired-support"))]
        governance = "lead" if member.tier == "county" else "member"
        yield affiliation(community, member, Terms(governance, modes, _COMMUNITIES_SINCE))

"""Network B: a county community with the hospitals above it, and who works there.

Modelled on a county of Hunan's west, 433127: a county hospital with five hospitals above it and six township
centres, a hospital of Chinese medicine with two and two, and 72 village clinics.
"""

from dataclasses import dataclass
from datetime import date

from fhir_server.alliance.sample.agreements import Agreement, agreement
from fhir_server.alliance.sample.directory import Directory, Member, Site, Terms, Tier, affiliation
from fhir_server.alliance.sample.practitioners import Staff, staff
from fhir_server.alliance.sample.regions import COUNTIES
from fhir_server.alliance.sample.villages import villages
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

HOME = COUNTIES["433127"]
PEOPLES = ("15", "15", "15", "15", "06", "06", "01", "01")
"""Who lives there, roughly: Tujia, Miao, Han."""
SINCE = date(2017, 9, 1)

# with the county hospital; with the hospital of Chinese medicine
_Above = tuple[str, Tier, str, str, str, int]
_ABOVE: tuple[_Above, ...] = (
    ("430104", "province", "麓云医院", "A100", "3-a", 2600),
    ("430105", "province", "湘浦医院", "A100", "3-a", 2100),
    ("430111", "province", "圭塘医院", "A100", "3-a", 1500),
    ("433101", "prefecture", "峒河医院", "A100", "3-a", 1800),
    ("433101", "prefecture", "乾州湾医院", "A100", "3-b", 900),
)
_ABOVE_CHINESE: tuple[_Above, ...] = (
    ("430103", "province", "杏林洲中医医院", "A210", "3-a", 1200),
    ("433101", "prefecture", "德夯溪中医医院", "A210", "3-b", 600),
)
_TOWNSHIPS = (
    ("溪岚镇", "C210"), ("云盘坪乡", "C220"), ("石花坳镇", "C210"), ("竹溪坪乡", "C220"),
    ("茶香垭镇", "C220"), ("枫木坳乡", "C220"), ("猛溪坪镇", "C210"), ("白岩垭乡", "C220"),
)  # fmt: skip
_OF_CHINESE = 2  # the last two go with the hospital of Chinese medicine
_VILLAGES = 9  # for each township centre


@dataclass(frozen=True, slots=True)
class County:
    """Network B's directory."""

    world: World
    directory: Directory
    network: Resource
    hospital: Member
    chinese: Member  # the hospital of Chinese medicine
    above: list[Member]
    townships: list[Member]
    villages: list[Member]
    agreements: dict[str, Resource]  # by the key of the other member
    staff: Staff

    @property
    def hospitals(self) -> list[Member]:
        return [self.hospital, self.chinese]

    def above_of(self, hospital: Member) -> list[Member]:
        """The hospitals that one of the county's own works with."""
        return self.above[len(_ABOVE) :] if hospital is self.chinese else self.above[: len(_ABOVE)]


def county(world: World) -> County:
    directory = Directory(world)
    hospital = directory.member(Site("county", "溪州湾医院", HOME, "county", "A100", "2-a", 620, 540_000))
    chinese = directory.member(Site("chinese", "灵溪湾中医医院", HOME, "county", "A210", "2-a", 310))
    above = [
        directory.member(Site(f"above-{number}", name, COUNTIES[division], tier, kind, level, beds))
        for number, (division, tier, name, kind, level, beds) in enumerate((*_ABOVE, *_ABOVE_CHINESE), 1)
    ]
    townships = [
        directory.member(
            Site(f"township-{number}", f"{name}卫生院", HOME, "township", kind, beds=40, people=30_000),
            chinese if number > len(_TOWNSHIPS) - _OF_CHINESE else hospital,
        )
        for number, (name, kind) in enumerate(_TOWNSHIPS, 1)
    ]
    clinics = villages(directory, [(township, _VILLAGES) for township in townships])
    network = directory.network("county", "county-community", "永顺县溪州湾示范医共体", hospital)
    partners = [*above, *townships]
    agreements = {
        member.key: agreement(
            world,
            Agreement(
                member.key,
                "tight-cooperation" if member in townships else "high-level-cooperation",
                (_partner(member, hospital, chinese, above), member),
                SINCE,
                date(2022, 8, 31),
            ),
        )
        for member in partners
    }
    doctors = staff(
        world,
        [
            (hospital, 110),
            (chinese, 44),
            *((member, 9) for member in above),
            *((member, 8) for member in townships),
            *((member, 1) for member in clinics),
        ],
        PEOPLES,
    )
    return County(
        world, directory, network, hospital, chinese, above, townships, clinics, agreements, doctors
    )


def _partner(member: Member, hospital: Member, chinese: Member, above: list[Member]) -> Member:
    """The hospital of the county that works with a member."""
    if member.parent:
        return member.parent
    return chinese if member in above[len(_ABOVE) :] else hospital


def affiliations(found: County) -> list[Resource]:
    return [
        affiliation(
            found.network, member, Terms(*_place(found, member), SINCE, (), found.agreements.get(member.key))
        )
        for member in found.directory.members
    ]


def _place(found: County, member: Member) -> tuple[str, list[str]]:
    """Governance and modes."""
    if member is found.hospital:
        return "lead", ["tight"]
    if member is found.chinese:
        return "executive-council", ["tight"]
    if member in found.above:
        return "council", ["paired-support" if member.tier == "province" else "tele-collaboration"]
    return "member", ["tight"]

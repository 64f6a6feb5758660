"""The directory of a network: organisations with their sites, divisions, the network, who belongs to it how.

https://hl7.org/fhir/R4/organizationaffiliation.html; every hospital, township and village here is invented.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from fhir.resources.R4B.address import Address
from fhir.resources.R4B.contactpoint import ContactPoint
from fhir.resources.R4B.extension import Extension
from fhir.resources.R4B.location import Location, LocationPosition
from fhir.resources.R4B.organization import Organization
from fhir.resources.R4B.organizationaffiliation import OrganizationAffiliation

from fhir_server.alliance import systems
from fhir_server.alliance.identifiers import credit_code
from fhir_server.alliance.sample.dump import plain
from fhir_server.alliance.sample.elements import (
    code_extension,
    concept,
    extension,
    identifier,
    link,
    local,
    meta,
    period,
    reference,
)
from fhir_server.alliance.sample.regions import COUNTIES, PREFECTURES, PROVINCES, County
from fhir_server.alliance.sample.world import World
from fhir_server.resource import Resource

Tier = Literal["province", "prefecture", "county", "township", "village"]

_TIERS: dict[Tier, str] = {
    "province": "省级",
    "prefecture": "市（州）级",
    "county": "县级",
    "township": "乡镇级",
    "village": "村级",
}
# class of WS 218
_CLASSES = {
    "A100": "综合医院",
    "A210": "中医（综合）医院",
    "B100": "社区卫生服务中心",
    "C210": "中心卫生院",
    "C220": "乡卫生院",
    "D600": "村卫生室",
}
_LEVELS = {"3-a": "三级甲等", "3-b": "三级乙等", "2-a": "二级甲等", "2-b": "二级乙等"}


@dataclass(frozen=True, slots=True)
class Site:
    """A member before it is written down."""

    key: str  # "430181-t13": what its ids are made of
    name: str  # without the county in front
    county: County
    tier: Tier
    kind: str = "A100"  # WS 218
    level: str | None = None  # None: not graded
    beds: int | None = None
    people: int | None = None  # of its catchment


@dataclass(frozen=True, slots=True)
class Member:
    organization: Resource
    location: Resource
    site: Site
    code: str  # organisation code, GB 11714
    parent: "Member | None" = None  # who it refers up to; None: nobody in the network

    @property
    def county(self) -> County:
        return self.site.county

    @property
    def tier(self) -> Tier:
        return self.site.tier

    @property
    def key(self) -> str:
        return self.site.key


class Directory:
    """Makes the members of one network, one after the other."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.members: list[Member] = []

    def member(self, site: Site, parent: Member | None = None) -> Member:
        code = self.world.organization_code(len(self.members))
        organization = self._organization(site, code)
        found = Member(organization, self._location(site, organization), site, code, parent)
        self.members.append(found)
        return found

    def of(self, *tiers: Tier) -> list[Member]:
        return [member for member in self.members if member.tier in tiers]

    def _organization(self, site: Site, code: str) -> Resource:
        county = site.county
        return plain(
            Organization(
                id=self.world.id("organization", site.key),
                meta=meta("alliance-organization"),
                extension=list(_sizes(site)) or None,
                identifier=[
                    identifier(systems.CREDIT_CODE, credit_code(county.division, code)),
                    identifier(systems.ORGANIZATION_CODE, code),
                ],
                active=True,
                type=[
                    concept(systems.MCSD_TYPES, "facility", "Facility"),
                    local("organization-tier", site.tier, _TIERS[site.tier]),
                    concept(systems.WS218, site.kind, _CLASSES[site.kind]),
                    *([local("hospital-level", site.level, _LEVELS[site.level])] if site.level else ()),
                ],
                name=county.name + site.name,
                alias=[f"{site.name}（示例）"],
                telecom=[ContactPoint(system="phone", value=f"0700-0000{code[4:8]}", use="work")],
                address=[_address(county, site.name)],
            )
        )

    def _location(self, site: Site, organization: Resource) -> Resource:
        county = site.county
        position = LocationPosition(longitude=county.longitude, latitude=county.latitude)
        kind = ("HOSP", "Hospital") if site.kind < "B" else ("PC", "Primary care clinic")
        return plain(
            Location(
                id=self.world.id("location", site.key),
                meta=meta("alliance-location"),
                extension=[code_extension("division-code", county.division)],
                status="active",
                name=organization["name"],
                mode="instance",
                type=[
                    concept(systems.MCSD_TYPES, "facility", "Facility"),
                    concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", *kind),
                ],
                address=_address(county, site.name),
                physicalType=concept(systems.LOCATION_PHYSICAL_TYPE, "si", "Site"),
                position=position if site.kind < "B" else None,
                managingOrganization=reference(organization),
                partOf=link(f"Location/{self.world.id('division', county.division)}", county.name),
            )
        )

    def network(self, key: str, kind: str, name: str, lead: Member) -> Resource:
        """`kind`: a code of alliance-type."""
        title = _KINDS[kind]
        return plain(
            Organization(
                id=self.world.id("network", key),
                meta=meta("alliance-network"),
                extension=[extension("lead-organization", valueReference=reference(lead.organization))],
                identifier=[identifier(f"{systems.BASE}/NamingSystem/network", self.world.mark + key)],
                active=True,
                type=[
                    local("organization-type", "alliance", "医疗联合体"),
                    local("alliance-type", kind, title),
                ],
                name=name,
            )
        )

    def jurisdictions(self) -> Iterator[Resource]:
        """Of all members: provinces, prefectures, counties."""
        divisions = {member.county.division for member in self.members}
        for province in sorted({division[:2] for division in divisions}):
            yield self._jurisdiction(f"{province}0000", PROVINCES[province], None)
        for prefecture in sorted({division[:4] for division in divisions}):
            yield self._jurisdiction(f"{prefecture}00", PREFECTURES[prefecture], f"{prefecture[:2]}0000")
        for division in sorted(divisions):
            yield self._jurisdiction(division, COUNTIES[division].name, f"{division[:4]}00")

    def _jurisdiction(self, division: str, name: str, parent: str | None) -> Resource:
        return plain(
            Location(
                id=self.world.id("division", division),
                meta=meta("alliance-location"),
                extension=[code_extension("division-code", division)],
                identifier=[identifier(systems.DIVISION, division)],
                status="active",
                name=name,
                mode="instance",
                type=[concept(systems.MCSD_TYPES, "jurisdiction", "Jurisdiction")],
                physicalType=concept(systems.LOCATION_PHYSICAL_TYPE, "jdn", "Jurisdiction"),
                partOf=link(f"Location/{self.world.id('division', parent)}") if parent else None,
            )
        )


_KINDS = {
    "city-group": "城市医疗集团",
    "county-community": "县域医共体",
    "specialty": "专科联盟",
    "tele": "远程医疗协作网",
}


def _sizes(site: Site) -> Iterator[Extension]:
    if site.beds:
        yield extension("bed-count", valueUnsignedInt=site.beds)
    if site.people:
        yield extension("catchment-population", valueUnsignedInt=site.people)


def _address(county: County, site: str) -> Address:
    return Address(
        extension=[code_extension("division-code", county.division)],
        use="work",
        text=f"{county.province}{county.prefecture}{county.name}{site}",
        line=[site],
        city=county.prefecture,
        district=county.name,
        state=county.province,
        country="CN",
    )


GOVERNANCE = {
    "lead": "牵头单位",
    "president": "理事长单位",
    "executive-council": "常务理事单位",
    "council": "理事单位",
    "member": "成员单位",
}
MODES = {
    "tight": "紧密型",
    "loose": "松散型",
    "full-trusteeship": "全托管",
    "specialty-trusteeship": "专科托管",
    "specialty-alliance": "专科联盟协作",
    "paired-support": "对口支援",
    "branch": "分院",
    "tele-collaboration": "远程协作",
    "emergency-network": "急救网络",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """On which a member belongs to a network."""

    governance: str
    modes: Sequence[str]
    since: date
    specialties: Sequence[tuple[str, str]] = ()
    agreement: Resource | None = None


def affiliation(network: Resource, member: Member, terms: Terms) -> Resource:
    agreement = terms.agreement
    return plain(
        OrganizationAffiliation(
            id=f"{network['id']}-{member.key}",
            meta=meta("alliance-membership"),
            extension=[extension("agreement", valueReference=reference(agreement))] if agreement else None,
            active=True,
            period=period(terms.since),
            organization=reference(network),
            participatingOrganization=reference(member.organization),
            code=[
                local("governance-tier", terms.governance, GOVERNANCE[terms.governance]),
                *(local("cooperation-mode", mode, MODES[mode]) for mode in terms.modes),
            ],
            specialty=[local("specialty", *specialty) for specialty in terms.specialties] or None,
            location=[reference(member.location)],
        )
    )

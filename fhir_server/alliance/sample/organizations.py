"""The members: twelve county hospitals, their township centres and village clinics, and what binds them.

https://hl7.org/fhir/R4/organizationaffiliation.html; every hospital, township and village here is invented.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from random import Random
from typing import Literal

from fhir.resources.R4B.address import Address
from fhir.resources.R4B.codeableconcept import CodeableConcept
from fhir.resources.R4B.contactpoint import ContactPoint
from fhir.resources.R4B.location import Location, LocationPosition
from fhir.resources.R4B.organization import Organization
from fhir.resources.R4B.organizationaffiliation import OrganizationAffiliation
from fhir.resources.R4B.reference import Reference

from fhir_server.alliance import systems
from fhir_server.alliance.identifiers import credit_code, organization_check
from fhir_server.alliance.sample.elements import (
    concept,
    extension,
    identifier,
    local,
    meta,
    period,
    plain,
    reference,
)
from fhir_server.alliance.sample.regions import COUNTIES, LEAD, PREFECTURES, PROVINCES, County
from fhir_server.resource import Resource

Tier = Literal["county", "township", "village"]

HOSPITALS = {
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

TOWNSHIPS = (
    "望云镇", "杉岭乡", "白鹭坪镇", "清溪坳乡", "桃源坳镇", "石鼓坪乡", "柳泉坪镇", "云台坳乡", "竹荫镇",
    "松涛乡", "荷风镇", "鹿鸣坪乡", "雁栖坪镇", "春晓乡", "稻香坳镇", "梅影乡", "月湖坪镇",
)  # fmt: skip

VILLAGE_BEGINS = ("上", "下", "新", "东", "西", "南", "北", "中")
VILLAGE_ENDS = ("枫坪村", "塘湾村", "竹园村", "石坝村", "桐坡村", "莲池村")

_TIERS: dict[Tier, tuple[CodeableConcept, CodeableConcept, int]] = {
    # tier, class of WS 218, beds
    "county": (local("organization-tier", "county", "县级"), concept(systems.WS218, "A100", "综合医院"), 420),
    "township": (
        local("organization-tier", "township", "乡镇级"),
        concept(systems.WS218, "C220", "乡卫生院"),
        60,
    ),
    "village": (local("organization-tier", "village", "村级"), concept(systems.WS218, "D600", "村卫生室"), 0),
}


@dataclass(frozen=True, slots=True)
class Member:
    organization: Resource
    location: Resource
    county: County
    tier: Tier
    code: str  # organisation code, GB 11714
    parent: "Member | None"  # who it refers up to; None: the lead hospital of the network

    @property
    def key(self) -> str:
        """`430181-t1-v2`: what its ids are made of."""
        return str(self.organization["id"]).removeprefix("organization-")


@dataclass(frozen=True, slots=True)
class Membership:
    networks: list[Resource]  # organisations of type alliance
    jurisdictions: list[Resource]  # locations, provinces first
    members: list[Member]  # hospitals first, then township centres, then village clinics
    affiliations: list[Resource]

    def of(self, tier: Tier) -> list[Member]:
        return [member for member in self.members if member.tier == tier]


def membership() -> Membership:
    chance = Random("alliance/organizations")
    jurisdictions = list(_jurisdictions())
    within = {place["identifier"][0]["value"]: place for place in jurisdictions}
    codes = count(44881001)
    network = _network("border", "specialty", "湘赣边示范专科联盟", date(2019, 5, 18))
    lead = _member(LEAD, "county", HOSPITALS[LEAD.division], None, next(codes), within)
    hospitals = [lead] + [
        _member(county, "county", HOSPITALS[county.division], lead, next(codes), within)
        for county in COUNTIES[1:]
    ]
    townships = list(_townships(hospitals, codes, within))
    villages = list(_villages(townships, chance, codes, within))
    communities = {
        hospital.county.division: _network(
            hospital.county.division,
            "county-community",
            f"{hospital.county.name}示范医共体",
            date(2020, 1, 1),
        )
        for hospital in hospitals
    }
    affiliations = [_in_network(network, hospital) for hospital in hospitals]
    affiliations += [
        _in_community(communities[member.county.division], member, chance)
        for member in [*hospitals, *townships, *villages]
    ]
    members = hospitals + townships + villages
    return Membership([network, *communities.values()], jurisdictions, members, affiliations)


_KINDS = {"specialty": "专科联盟", "county-community": "县域医共体"}


def _network(name: str, kind: str, title: str, since: date) -> Resource:
    lead = f"organization-{name if name != 'border' else LEAD.division}"
    return plain(
        Organization(
            id=f"network-{name}",
            meta=meta(),
            extension=[
                extension("lead-organization", valueReference=Reference(reference=f"Organization/{lead}"))
            ],
            identifier=[identifier(f"{systems.BASE}/NamingSystem/network", f"{name}-{since.year}")],
            active=True,
            type=[
                local("organization-type", "alliance", "医疗联合体"),
                local("alliance-type", kind, _KINDS[kind]),
            ],
            name=title,
        )
    )


def _jurisdictions() -> Iterator[Resource]:
    for division, name in PROVINCES.items():
        yield _jurisdiction(f"{division}0000", name, None)
    for division, name in PREFECTURES.items():
        yield _jurisdiction(f"{division}00", name, f"{division[:2]}0000")
    for county in COUNTIES:
        yield _jurisdiction(county.division, county.name, f"{county.division[:4]}00")


def _jurisdiction(division: str, name: str, parent: str | None) -> Resource:
    return plain(
        Location(
            id=f"division-{division}",
            meta=meta(),
            identifier=[identifier(f"{systems.BASE}/NamingSystem/gbt2260", division)],
            status="active",
            name=name,
            mode="instance",
            type=[concept(systems.MCSD_TYPES, "jurisdiction", "Jurisdiction")],
            physicalType=concept(systems.LOCATION_PHYSICAL_TYPE, "jdn", "Jurisdiction"),
            partOf=Reference(reference=f"Location/division-{parent}") if parent else None,
        )
    )


def _townships(hospitals: list[Member], codes: "count[int]", within: dict[str, Resource]) -> Iterator[Member]:
    """Six for the lead hospital's county, one for each other county."""
    names = iter(TOWNSHIPS)
    for hospital in hospitals:
        for _ in range(6 if hospital.county is LEAD else 1):
            site = f"{next(names)}中心卫生院"
            yield _member(hospital.county, "township", site, hospital, next(codes), within)


def _villages(
    townships: list[Member], chance: Random, codes: "count[int]", within: dict[str, Resource]
) -> Iterator[Member]:
    """Four for each township of the lead hospital's county, two elsewhere."""
    for township in townships:
        begins = chance.sample(VILLAGE_BEGINS, 4)
        for begin in begins if township.county is LEAD else begins[:2]:
            site = f"{_town(township)}{begin}{chance.choice(VILLAGE_ENDS)}卫生室"
            yield _member(township.county, "village", site, township, next(codes), within)


def _town(township: Member) -> str:
    return str(township.organization["address"][0]["line"][0]).removesuffix("中心卫生院")


def _member(
    county: County, tier: Tier, site: str, parent: Member | None, number: int, within: dict[str, Resource]
) -> Member:
    code = f"{number}{organization_check(str(number))}"
    key = county.division if tier == "county" else f"{county.division}-{tier[0]}{number % 1000}"
    organization = _organization(key, county, tier, site, code)
    location = _location(key, county, tier, organization, within[county.division])
    return Member(organization, location, county, tier, code, parent)


def _address(county: County, site: str) -> Address:
    return Address(
        extension=[extension("division-code", valueCode=county.division)],
        use="work",
        text=f"{county.province}{county.prefecture}{county.name}{site}",
        line=[site],
        city=county.prefecture,
        district=county.name,
        state=county.province,
        country="CN",
    )


def _organization(key: str, county: County, tier: Tier, site: str, code: str) -> Resource:
    tier_type, ws218, beds = _TIERS[tier]
    if key == LEAD.division:
        beds, level = 1000, [local("hospital-level", "3-a", "三级甲等")]
    else:
        level = [local("hospital-level", "2-a", "二级甲等")] if tier == "county" else []
    return plain(
        Organization(
            id=f"organization-{key}",
            meta=meta(),
            extension=[extension("bed-count", valueUnsignedInt=beds)] if beds else None,
            identifier=[
                identifier(systems.CREDIT_CODE, credit_code(county.division, code)),
                identifier(systems.ORGANIZATION_CODE, code),
            ],
            active=True,
            type=[
                concept(systems.MCSD_TYPES, "facility", "Facility"),
                tier_type,
                ws218,
                *level,
            ],
            name=county.name + site,
            alias=[f"{site}（示例）"],
            telecom=[ContactPoint(system="phone", value=f"0731-0000{code[4:8]}", use="work")],
            address=[_address(county, site)],
        )
    )


def _location(key: str, county: County, tier: Tier, organization: Resource, division: Resource) -> Resource:
    position = LocationPosition(longitude=county.longitude, latitude=county.latitude)
    kind = ("HOSP", "Hospital") if tier == "county" else ("PC", "Primary care clinic")
    return plain(
        Location(
            id=f"location-{key}",
            meta=meta(),
            status="active",
            name=organization["name"],
            mode="instance",
            type=[
                concept(systems.MCSD_TYPES, "facility", "Facility"),
                concept("http://terminology.hl7.org/CodeSystem/v3-RoleCode", *kind),
            ],
            address=Address(**organization["address"][0]),
            physicalType=concept(systems.LOCATION_PHYSICAL_TYPE, "si", "Site"),
            position=position if tier == "county" else None,
            managingOrganization=reference(organization),
            partOf=reference(division),
        )
    )


def _in_network(network: Resource, hospital: Member) -> Resource:
    lead = hospital.county is LEAD
    governance = ("lead", "牵头单位") if lead else ("council", "理事单位")
    mode = ("specialty-alliance", "专科联盟")
    return _affiliation(network, hospital, governance, mode, date(2019, 5, 18), "cardiology")


_MODES = (("tight", "紧密型"), ("full-trusteeship", "全托管"), ("paired-support", "对口支援"))


def _in_community(community: Resource, member: Member, chance: Random) -> Resource:
    governance = ("lead", "牵头单位") if member.tier == "county" else ("member", "成员单位")
    mode = _MODES[0] if member.tier != "township" else chance.choice(_MODES)
    return _affiliation(community, member, governance, mode, date(2020, 1, 1), None)


def _affiliation(
    network: Resource,
    member: Member,
    governance: tuple[str, str],
    mode: tuple[str, str],
    since: date,
    specialty: str | None,
) -> Resource:
    return plain(
        OrganizationAffiliation(
            id=f"{network['id']}-{member.key}",
            meta=meta(),
            active=True,
            period=period(since),
            organization=reference(network),
            participatingOrganization=reference(member.organization),
            code=[local("governance-tier", *governance), local("cooperation-mode", *mode)],
            specialty=[local("specialty", specialty, "心血管内科")] if specialty else None,
            location=[reference(member.location)],
        )
    )

"""Village clinics: invented villages of a township."""

from collections.abc import Iterable

from fhir_server.alliance.sample.directory import Directory, Member, Site

_BEGINS = ("上", "下", "新", "东", "西", "南", "北", "中", "前", "后", "里", "外")
_ENDS = ("枫坪村", "塘湾村", "竹园村", "石坝村", "桐坡村", "莲池村", "茶园村", "井坎村", "岩桥村")


def villages(directory: Directory, numbers: Iterable[tuple[Member, int]]) -> list[Member]:
    """So many village clinics below each of the township centres."""
    chance = directory.world.chance("villages")
    found = []
    for township, number in numbers:
        town = township.site.name.removesuffix("卫生院").removesuffix("中心")
        for place, begin in enumerate(chance.sample(_BEGINS, number), 1):
            name = f"{town}{begin}{chance.choice(_ENDS)}卫生室"
            site = Site(f"{township.key}-v{place}", name, township.county, "village", "D600", people=1800)
            found.append(directory.member(site, township))
    return found

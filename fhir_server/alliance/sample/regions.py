"""Divisions of GB/T 2260 along the Hunan–Jiangxi border, and the counties' seats."""

from dataclasses import dataclass
from decimal import Decimal

PROVINCES = {"43": "湖南省", "36": "江西省"}

PREFECTURES = {
    "4301": "长沙市",
    "4302": "株洲市",
    "4306": "岳阳市",
    "3603": "萍乡市",
    "3604": "九江市",
    "3608": "吉安市",
    "3609": "宜春市",
}


@dataclass(frozen=True, slots=True)
class County:
    division: str
    name: str
    longitude: Decimal  # of the county seat, degrees, two decimals
    latitude: Decimal

    @property
    def province(self) -> str:
        return PROVINCES[self.division[:2]]

    @property
    def prefecture(self) -> str:
        return PREFECTURES[self.division[:4]]


LEAD = County("430181", "浏阳市", Decimal("113.64"), Decimal("28.16"))

COUNTIES = (
    LEAD,
    County("430224", "茶陵县", Decimal("113.54"), Decimal("26.78")),
    County("430281", "醴陵市", Decimal("113.50"), Decimal("27.65")),
    County("430626", "平江县", Decimal("113.58"), Decimal("28.70")),
    County("360321", "莲花县", Decimal("113.96"), Decimal("27.13")),
    County("360322", "上栗县", Decimal("113.80"), Decimal("27.88")),
    County("360424", "修水县", Decimal("114.55"), Decimal("29.03")),
    County("360827", "遂川县", Decimal("114.52"), Decimal("26.31")),
    County("360830", "永新县", Decimal("114.24"), Decimal("26.94")),
    County("360881", "井冈山市", Decimal("114.29"), Decimal("26.75")),
    County("360922", "万载县", Decimal("114.44"), Decimal("28.11")),
    County("360926", "铜鼓县", Decimal("114.37"), Decimal("28.52")),
)

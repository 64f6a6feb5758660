"""Divisions of GB/T 2260 that the networks lie in, and the counties' seats.

Codes and names are real: a code tells a system where its holder is, an invented one would be refused.
"""

from dataclasses import dataclass
from decimal import Decimal

PROVINCES = {"33": "浙江省", "36": "江西省", "43": "湖南省"}

PREFECTURES = {
    "3301": "杭州市",
    "3308": "衢州市",
    "3603": "萍乡市",
    "3604": "九江市",
    "3608": "吉安市",
    "3609": "宜春市",
    "4301": "长沙市",
    "4302": "株洲市",
    "4306": "岳阳市",
    "4307": "常德市",
    "4331": "湘西土家族苗族自治州",
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


def _county(division: str, name: str, longitude: str, latitude: str) -> County:
    return County(division, name, Decimal(longitude), Decimal(latitude))


_ALL = (
    _county("330106", "西湖区", "120.13", "30.26"),
    _county("330822", "常山县", "118.51", "28.90"),
    _county("360321", "莲花县", "113.96", "27.13"),
    _county("360322", "上栗县", "113.80", "27.88"),
    _county("360424", "修水县", "114.55", "29.03"),
    _county("360827", "遂川县", "114.52", "26.31"),
    _county("360830", "永新县", "114.24", "26.94"),
    _county("360881", "井冈山市", "114.29", "26.75"),
    _county("360922", "万载县", "114.44", "28.11"),
    _county("360926", "铜鼓县", "114.37", "28.52"),
    _county("430102", "芙蓉区", "113.03", "28.19"),
    _county("430103", "天心区", "112.99", "28.11"),
    _county("430104", "岳麓区", "112.93", "28.23"),
    _county("430105", "开福区", "112.99", "28.26"),
    _county("430111", "雨花区", "113.04", "28.14"),
    _county("430181", "浏阳市", "113.64", "28.16"),
    _county("430224", "茶陵县", "113.54", "26.78"),
    _county("430281", "醴陵市", "113.50", "27.65"),
    _county("430626", "平江县", "113.58", "28.70"),
    _county("430702", "武陵区", "111.69", "29.04"),
    _county("430703", "鼎城区", "111.68", "29.02"),
    _county("430721", "安乡县", "112.17", "29.41"),
    _county("430722", "汉寿县", "111.97", "28.91"),
    _county("430723", "澧县", "111.76", "29.63"),
    _county("430724", "临澧县", "111.65", "29.44"),
    _county("430725", "桃源县", "111.49", "28.90"),
    _county("430726", "石门县", "111.38", "29.58"),
    _county("430781", "津市市", "111.88", "29.61"),
    _county("433101", "吉首市", "109.70", "28.26"),
    _county("433127", "永顺县", "109.85", "29.00"),
)

COUNTIES = {county.division: county for county in _ALL}

"""https://hl7.org/fhir/R4/location.html#search"""

from decimal import Decimal

import pytest

from fhir_server.search.near import Area, areas, distance, parse, place_of
from fhir_server.store.algebra import SortKey
from tests.search.searching import Resource, compiled, fits, found, refused, rows


def location(latitude: str, longitude: str, id_: str = "1") -> Resource:
    position = {"latitude": Decimal(latitude), "longitude": Decimal(longitude)}
    return {"resourceType": "Location", "id": id_, "position": position}


MAANSHAN = location("31.6704", "118.5077", "maanshan")
NANJING = location("32.0603", "118.7969", "nanjing")  # 51 km
SHANGHAI = location("31.2304", "121.4737", "shanghai")  # 285 km


@pytest.mark.parametrize(
    "search",
    [
        "31.67|118.51", "31.67|118.51|1", "31.67|118.51|1|km", "31.67|118.51|1000|m",
        "31.67|118.51|0.6|[mi_i]",
        "31.67|118.51||m",
        "0|0|10|km,31.67|118.51|10|km", "31.6704|118.5077|0", "31.67|-241.49|1|km",
        "32.0603|118.7969|51.5|km", "-31.6704|-61.4923|20100|km", "31.67|118.51|5e2|m", " 31.67|118.51",
    ],
)  # fmt: skip
def test_near(search: str) -> None:
    assert fits(MAANSHAN, f"near={search}")


@pytest.mark.parametrize(
    "search",
    [
        "0|0|10|km",
        "31.67|118.51|100|m",
        "32.0603|118.7969",
        "32.0603|118.7969|51|km",
        "31.67|-118.51|1000|km",
    ],
)
def test_far(search: str) -> None:
    assert not fits(MAANSHAN, f"near={search}")


def test_across_the_antimeridian_and_the_poles() -> None:
    assert fits(location("0", "179.99"), "near=0|-179.99|3|km")
    assert not fits(location("0", "179.99"), "near=0|-179.99|2|km")
    assert fits(location("0", "180"), "near=0|-180|1|mm")
    assert fits(location("89.99", "0"), "near=89.99|180|3|km")
    assert fits(location("-90", "17"), "near=-90|-120|1|m")


def test_a_location_without_a_place_on_earth_is_never_near() -> None:
    nowhere = {"resourceType": "Location", "id": "1"}
    for lost in (nowhere, location("91", "0"), location("0", "361"), nowhere | {"position": {"latitude": 0}}):
        assert not rows(lost).positions
        assert not fits(lost, "near=0|0|30000|km")
        assert fits(lost, "near:missing=true") and not fits(lost, "near:missing=false")
    assert fits(MAANSHAN, "near:missing=false")


def test_longitudes_beyond_the_antimeridian() -> None:
    assert place_of({"latitude": 0, "longitude": 190}) == (0, -170)
    assert place_of({"latitude": 0, "longitude": -190}) == (0, 170)


@pytest.mark.parametrize(
    "value",
    [
        "31.67", "31.67|118.51|1|km|x", "a|b", "31.67|118.51|far", "31.67|118.51|-1|km", "31.67|118.51|1|mg",
        "31.67|118.51|1|miles", "91|0|1", "0|361|1", "|118.51", "31.67|", "", "1e99999|0", 
        "31.67|118.51|1|Cel",
    ],
)  # fmt: skip
def test_400_for_what_is_no_place(value: str) -> None:
    assert refused(f"Location?near={value}").issues[0].code == "value"


def test_no_modifier_but_missing() -> None:
    assert refused("Location?near:exact=31.67|118.51").issues[0].code == "not-supported"


def test_chains() -> None:
    role = {"resourceType": "PractitionerRole", "id": "r", "location": [{"reference": "Location/maanshan"}]}
    every = [MAANSHAN, NANJING, role]
    assert found(every, "PractitionerRole?location.near=31.67|118.51") == ["r"]
    assert found(every, "PractitionerRole?location.near=32.06|118.79") == []


def test_sorting_by_the_distance_from_what_is_near() -> None:
    search = compiled("Location?_sort=near,-name&near=31.67|118.51|300|km,0|0")
    assert search.sort[0] == SortKey(
        "distance", ("Location.position[special]",), places=((31.67, 118.51), (0.0, 0.0))
    )
    assert compiled("Location?near=31.67|118.51|300|km&_sort=-near").sort[0].descending
    assert [area.metres for area in search.areas] == [300_000, 10_000]


def test_a_distance_is_from_somewhere() -> None:
    assert "near=latitude|longitude" in refused("Location?_sort=near").issues[0].diagnostics
    lenient = "Location?_sort=near&near=nowhere"
    assert refused(lenient, strict=False).issues[0].code == "not-supported"


def test_what_cannot_be_read_is_left_out() -> None:
    assert areas([("near", "x"), ("name", "y"), ("near", "1|2"), ("near", "1|2,x")]) == (
        Area(1.0, 2.0, 10_000.0, "km"),
    )
    search = compiled("Location?near=1|2&near=x", strict=False)
    assert len(search.areas) == 1 and len(search.issues) == 1


def test_a_distance_longer_than_the_earth_is_round() -> None:
    assert parse("0|0|1e20|km").metres < 1e8
    assert fits(SHANGHAI, "near=-31|-58|1e20|km")


def test_how_far_a_hit_is() -> None:
    extension = distance(NANJING, [parse("31.6704|118.5077|100|km"), parse("0|0|1|m")])
    assert extension == {
        "url": "http://hl7.org/fhir/StructureDefinition/location-distance",
        "valueDistance": {
            "value": Decimal("51.2401"),
            "unit": "km",
            "system": "http://unitsofmeasure.org",
            "code": "km",
        },
    }
    in_metres = distance(MAANSHAN, [parse("31.6704|118.5077|100|m")])
    assert in_metres is not None and in_metres["valueDistance"]["value"] == 0
    assert distance({"resourceType": "Location"}, [parse("0|0")]) is None
    assert distance(MAANSHAN, []) is None

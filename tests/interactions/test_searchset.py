"""Entries of a searchset: https://hl7.org/fhir/R4/bundle.html#searchset"""

from decimal import Decimal
from typing import Any

import pytest

from tests.interactions.fhir import Fhir, patient
from tests.interactions.test_search import Bundle, matches, pages, put

DISTANCE = "http://hl7.org/fhir/StructureDefinition/location-distance"


def location(id_: str, latitude: float | None, longitude: float = 118.5, **more: Any) -> Bundle:
    found = {"resourceType": "Location", "id": id_, "name": id_} | more
    if latitude is None:
        return found
    return found | {"position": {"latitude": Decimal(str(latitude)), "longitude": Decimal(str(longitude))}}


def towns(fhir: Fhir) -> None:
    put(
        fhir,
        location("far", 33.67),
        location("nowhere", None),
        location("near", 31.7),
        location("here", 31.67),
        location("there", 32.67),
    )


def distances(bundle: Bundle) -> list[float]:
    found = []
    for entry in bundle["entry"]:
        (extension,) = entry["search"]["extension"]
        assert extension["url"] == DISTANCE and extension["valueDistance"]["unit"] == "km"
        found.append(float(extension["valueDistance"]["value"]))
    return found


def test_hits_of_near_say_how_far_they_are(fhir: Fhir) -> None:
    towns(fhir)
    bundle = fhir.read("Location?near=31.67|118.5|150|km&_sort=near")
    assert matches(bundle) == ["here", "near", "there"]
    assert distances(bundle) == pytest.approx([0, 3.3359, 111.1951])
    assert all(list(entry["search"]) == ["extension", "mode"] for entry in bundle["entry"])
    assert "extension" not in fhir.read("Location?name=near")["entry"][0]["search"]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_by_distance(fhir: Fhir, size: int) -> None:
    towns(fhir)
    for sort, expected in (
        ("near", ["here", "near", "there", "far"]),
        ("-near", ["far", "there", "near", "here"]),
    ):
        url = f"Location?near=31.67|118.5|300|km&_sort={sort}&_count={size}"
        assert [id_ for page in pages(fhir, url) for id_ in matches(page)] == expected


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("identifier", ["a", "c", "b", "d", "e"]),
        ("-identifier", ["b", "c", "a", "e", "d"]),
        ("identifier,-birthdate", ["a", "c", "b", "e", "d"]),
        ("phone", ["c", "a", "b", "d", "e"]),
        ("_profile,identifier", ["b", "a", "c", "d", "e"]),
        ("-birthdate,identifier", ["e", "a", "c", "b", "d"]),
    ],
)
def test_pages_by_every_kind_of_token(fhir: Fhir, sort: str, expected: list[str], size: int) -> None:
    """Those without a value come last in both directions, and each comes once."""
    values = {"a": ["100"], "b": ["250", "300"], "c": ["200"]}
    more: dict[str, Bundle] = {
        "b": {"meta": {"profile": ["http://x.org/p"]}},
        "c": {"telecom": [{"system": "phone", "value": "0555 1"}]},
        "e": {"birthDate": "2000"},
    }
    for id_ in "abcde":
        identifiers = [{"system": f"urn:{value}", "value": value} for value in values.get(id_, [])]
        found = patient(id=id_) | ({"identifier": identifiers} if identifiers else {}) | more.get(id_, {})
        put(fhir, found)
    url = f"Patient?_sort={sort}&_count={size}"
    assert [id_ for page in pages(fhir, url) for id_ in matches(page)] == expected


def test_sorting_over_several_types(fhir: Fhir) -> None:
    people = [
        {
            "resourceType": "Practitioner",
            "id": "p",
            "identifier": [{"value": "2"}],
            "name": [{"family": "B"}],
        },
        {"resourceType": "Patient", "id": "q", "identifier": [{"value": "1"}], "name": [{"family": "C"}]},
        {"resourceType": "Patient", "id": "r", "identifier": [{"value": "3"}], "name": [{"family": "A"}]},
    ]
    put(fhir, *people)
    for sort, expected in (
        ("identifier", ["q", "p", "r"]),
        ("family", ["r", "p", "q"]),
        ("-family", ["q", "p", "r"]),
        ("_id", ["p", "q", "r"]),
        ("-_lastUpdated", ["r", "q", "p"]),
    ):
        url = f"?_type=Patient,Practitioner&_sort={sort}&_count=2"
        assert [id_ for page in pages(fhir, url) for id_ in matches(page)] == expected, sort


def test_quantities_are_sorted_by_their_canonical_value(fhir: Fhir) -> None:
    def weight(id_: str, value: int, unit: str) -> Bundle:
        quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
        code = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
        return {
            "resourceType": "Observation", "id": id_, "status": "final", "code": code,
            "valueQuantity": quantity,
        }  # fmt: skip

    put(
        fhir, weight("kg", 3, "kg"), weight("g", 2999, "g"), weight("lb", 7, "[lb_av]"), weight("mg", 5, "mg")
    )
    assert matches(fhir.read("Observation?_sort=value-quantity")) == ["mg", "g", "kg", "lb"]
    assert matches(fhir.read("Observation?_sort=-value-quantity&_count=2")) == ["lb", "kg"]
    assert matches(fhir.read("Observation?value-quantity=gt3|http://unitsofmeasure.org|kg")) == ["lb"]

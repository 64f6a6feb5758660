"""https://hl7.org/fhir/R4/search.html#contained"""

from typing import Any

import pytest

from tests.interactions.fhir import BASE, Fhir, codes, patient
from tests.interactions.test_search import Bundle, entries, link, matches, pages, put
from tests.search.test_named_query import definition, parameter

LOINC = "http://loinc.org"


def medication(id_: str, code: str, **more: Any) -> Bundle:
    return {
        "resourceType": "Medication",
        "id": id_,
        "code": {"coding": [{"system": "urn:x", "code": code}]},
    } | more


def request(id_: str, reference: str, *contained: Bundle, subject: str = "Patient/1") -> Bundle:
    found: Bundle = {
        "resourceType": "MedicationRequest", "id": id_, "status": "active", "intent": "order",
        "medicationReference": {"reference": reference}, "subject": {"reference": subject},
    }  # fmt: skip
    if contained:
        found["contained"] = list(contained)
    if len(contained) > 1:  # the others must be referred to as well
        found["supportingInformation"] = [{"reference": f"#{each['id']}"} for each in contained[1:]]
    return found


def pharmacy(fhir: Fhir) -> None:
    batch = {"status": "inactive", "manufacturer": {"reference": "Organization/maker"}}
    put(
        fhir,
        {"resourceType": "Organization", "id": "maker", "name": "Maker"},
        medication("alone", "a", status="active"),
        request("one", "#m1", medication("m1", "a", **batch)),
        request("two", "#m1", medication("m1", "b"), medication("m2", "a", status="active")),
        request("far", "Medication/alone"),
        patient(id="1"),
    )


def urls(bundle: Bundle) -> list[str]:
    return [
        each["fullUrl"].removeprefix(f"{BASE}/")
        for each in bundle.get("entry", [])
        if each["search"]["mode"] == "match"
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("code=a", ["Medication/alone"]),
        ("code=a&_contained=false", ["Medication/alone"]),
        ("code=a&_contained=true", ["MedicationRequest/one", "MedicationRequest/two"]),
        ("code=urn:x|b&_contained=true", ["MedicationRequest/two"]),
        ("code=c&_contained=true", []),
        ("code=a&_contained=both", ["Medication/alone", "MedicationRequest/one", "MedicationRequest/two"]),
        ("code=a&status=active&_contained=true", ["MedicationRequest/two"]),
        ("code=b&status=active&_contained=true", []),  # it is another one that is active
        ("code=b&status:missing=true&_contained=true", ["MedicationRequest/two"]),
        ("code:not=a&_contained=true", ["MedicationRequest/two"]),
        ("manufacturer=Organization/maker&_contained=true", ["MedicationRequest/one"]),
        ("manufacturer.name=maker&_contained=true", ["MedicationRequest/one"]),
        ("manufacturer.name=other&_contained=true", []),
        ("_id=m2&_contained=true", ["MedicationRequest/two"]),
        ("_contained=true", ["MedicationRequest/one", "MedicationRequest/two"]),
        ("_contained=both", ["Medication/alone", "MedicationRequest/one", "MedicationRequest/two"]),
        ("_lastUpdated=gt2000&_contained=true", []),
        ("code=a&_contained=true&_sort=-_id", ["MedicationRequest/two", "MedicationRequest/one"]),
    ],
)
def test_containers(fhir: Fhir, query: str, found: list[str]) -> None:
    pharmacy(fhir)
    bundle = fhir.read(f"Medication?{query}")
    assert urls(bundle) == found
    assert bundle["total"] == len(found)
    assert fhir.read(f"Medication?{query}&_summary=count")["total"] == len(found)
    assert fhir.read(f"Medication?{query}&_containedType=container")["total"] == len(found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("code=a&_contained=true", ["MedicationRequest/one#m1", "MedicationRequest/two#m2"]),
        (
            "_contained=true",
            ["MedicationRequest/one#m1", "MedicationRequest/two#m1", "MedicationRequest/two#m2"],
        ),
        ("code=b&_contained=both", ["MedicationRequest/two#m1"]),
        (
            "code=a&_contained=both",
            ["Medication/alone", "MedicationRequest/one#m1", "MedicationRequest/two#m2"],
        ),
        ("manufacturer.name=maker&_contained=true", ["MedicationRequest/one#m1"]),
        ("code=c&_contained=true", []),
    ],
)
def test_contained_resources(fhir: Fhir, query: str, found: list[str]) -> None:
    pharmacy(fhir)
    bundle = fhir.read(f"Medication?{query}&_containedType=contained")
    assert urls(bundle) == found
    assert {name.partition("/")[0] for name in entries(bundle, "match")} <= {"Medication"}
    assert [id_ for id_ in matches(bundle)] == [url.rpartition("#")[2].rpartition("/")[2] for url in found]
    assert bundle["total"] == len(found)
    counted = fhir.read(f"Medication?{query}&_containedType=contained&_summary=count")
    assert counted["total"] == len(found)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_of_contained_resources(fhir: Fhir, size: int) -> None:
    pharmacy(fhir)
    url = f"Medication?_contained=both&_containedType=contained&_count={size}&_total=accurate"
    shown = list(pages(fhir, url))
    assert [name for page in shown for name in urls(page)] == [
        "Medication/alone", "MedicationRequest/one#m1", "MedicationRequest/two#m1",
        "MedicationRequest/two#m2",
    ]  # fmt: skip
    # what fits in one container is not cut apart
    assert all(len(urls(page)) <= max(size, 2) for page in shown)
    assert all(page["total"] == 4 for page in shown)
    assert "_containedType=contained" in (link(shown[0], "self") or "")


def test_parts_of_contained_resources(fhir: Fhir) -> None:
    pharmacy(fhir)
    query = "Medication?code=b&_contained=true&_containedType=contained"
    (entry,) = fhir.read(f"{query}&_elements=code")["entry"]
    assert set(entry["resource"]) == {"resourceType", "id", "meta", "code"}
    (entry,) = fhir.read(query)["entry"]
    assert entry["resource"] == medication("m1", "b")


def test_a_chain_goes_to_contained_resources_too(fhir: Fhir) -> None:
    """ "A chained condition will be evaluated inside contained resources"."""
    pharmacy(fhir)
    for query, found in (
        ("medication.code=a", ["one", "far"]),
        ("medication.code=b", ["two"]),
        ("medication:Medication.status=active", ["far"]),
        ("medication.manufacturer.name=maker", ["one"]),
        ("medication.code=a&status=active", ["one", "far"]),
    ):
        assert matches(fhir.read(f"MedicationRequest?{query}")) == found, query
    assert matches(fhir.read("Patient?_has:MedicationRequest:patient:medication.code=b")) == ["1"]


def test_an_update_takes_the_old_ones_out(fhir: Fhir) -> None:
    pharmacy(fhir)
    put(fhir, request("one", "#m1", medication("m1", "z")))
    assert urls(fhir.read("Medication?code=a&_contained=true")) == ["MedicationRequest/two"]
    assert urls(fhir.read("Medication?code=z&_contained=true")) == ["MedicationRequest/one"]
    fhir("DELETE", "MedicationRequest/one")
    assert urls(fhir.read("Medication?code=z&_contained=true")) == []


def test_contained_resources_of_several_types(fhir: Fhir) -> None:
    pharmacy(fhir)
    assert len(urls(fhir.read("?_type=Medication,Patient&_contained=true"))) == 2
    assert len(urls(fhir.read("?_contained=true&_containedType=contained"))) == 3
    assert urls(fhir.read("?_type=Organization,Patient&_contained=true")) == []


def test_a_query_that_has_a_name(fhir: Fhir) -> None:
    pharmacy(fhir)
    named = {"resource": ["Medication"], "parameter": [parameter("called")]}
    put(fhir, definition("code={called}", id="of", code="of", **named))
    put(fhir, definition("_text={called}", id="words", code="words", **named))
    assert urls(fhir.read("Medication?_query=of&called=b&_contained=true")) == ["MedicationRequest/two"]
    refused = fhir.refused("GET", "Medication?_query=words&called=b&_contained=true")
    assert codes(refused) == (400, "not-supported")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("Medication?_contained=yes", "value"),
        ("Medication?_containedType=both", "value"),
        ("Observation?component-code-value-quantity=1$2&_contained=true", "not-supported"),
        ("Medication?_has:MedicationRequest:medication:status=active&_contained=true", "not-supported"),
        ("Medication?code=a&_contained=true&_sort=code", "not-supported"),
        ("Patient/1/MedicationRequest?_contained=true", "not-supported"),
    ],
)
def test_400_for_what_contained_resources_cannot_be_asked(fhir: Fhir, url: str, code: str) -> None:
    assert codes(fhir.refused("GET", url)) == (400, code)


def test_resources_without_contained_ones_have_no_rows_of_them(fhir: Fhir) -> None:
    put(fhir, patient(id="1"))
    assert urls(fhir.read("Patient?_contained=true")) == []
    assert urls(fhir.read("Patient?_contained=both")) == ["Patient/1"]

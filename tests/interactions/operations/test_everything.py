"""https://hl7.org/fhir/R4/patient-operation-everything.html"""

from typing import Any

import pytest

from fhir_server.interactions.operations import OPERATIONS
from fhir_server.interactions.operations.parameters import parameters, part
from fhir_server.search.everything import CARE_DATES, DIRECTORY, OF_AN_ORGANIZATION
from tests.interactions.fhir import BASE, Fhir, codes, content, definitions, patient
from tests.interactions.test_access import HIDDEN, unhidden

Resource = dict[str, Any]


def to(reference: str) -> Resource:
    return {"reference": reference}


CODE = {"code": {"text": "x"}}
WORLD: tuple[Resource, ...] = (
    {"resourceType": "Organization", "id": "alliance", "name": "alliance"},
    {"resourceType": "Organization", "id": "hospital", "name": "h", "partOf": to("Organization/alliance")},
    {"resourceType": "Organization", "id": "ward", "name": "ward", "partOf": to("Organization/hospital")},
    {"resourceType": "Organization", "id": "elsewhere", "name": "elsewhere"},
    {"resourceType": "Practitioner", "id": "doctor"},
    {"resourceType": "Practitioner", "id": "stranger"},
    {"resourceType": "PractitionerRole", "id": "role", "practitioner": to("Practitioner/doctor"),
     "organization": to("Organization/hospital")},
    {"resourceType": "Location", "id": "room", "managingOrganization": to("Organization/ward")},
    {"resourceType": "Medication", "id": "pill"},
    {"resourceType": "Patient", "id": "p", "managingOrganization": to("Organization/hospital"),
     "birthDate": "1950-01-01", "link": [{"other": to("Patient/q"), "type": "seealso"}]},
    {"resourceType": "Patient", "id": "q"},
    {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"},
     "subject": to("Patient/p"), "period": {"start": "2026-01-10", "end": "2026-01-12"},
     "location": [{"location": to("Location/room")}], "diagnosis": [{"condition": to("Condition/c")}]},
    {"resourceType": "Condition", "id": "c", "subject": to("Patient/p"), "onsetDateTime": "2020"},
    {"resourceType": "Observation", "id": "o1", "status": "final", "subject": to("Patient/p"), **CODE,
     "encounter": to("Encounter/e1"), "effectiveDateTime": "2026-01-11",
     "performer": [to("PractitionerRole/role")]},
    {"resourceType": "Observation", "id": "o2", "status": "final", "subject": to("Patient/p"), **CODE},
    {"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
     "subject": to("Patient/p"), "medicationReference": to("Medication/pill"), "authoredOn": "2026-03-01"},
    # of another patient; that it is about this one makes it no part of this one's record
    {"resourceType": "Observation", "id": "other", "status": "final", "subject": to("Patient/q"), **CODE,
     "focus": [to("Patient/p")], "performer": [to("Practitioner/stranger")]},
)  # fmt: skip

RECORD = {
    "Patient/p", "Encounter/e1", "Condition/c", "Observation/o1", "Observation/o2", "MedicationRequest/m",
    "Organization/hospital", "Organization/alliance", "Organization/ward", "PractitionerRole/role",
    "Practitioner/doctor", "Location/room", "Medication/pill",
}  # fmt: skip


@pytest.fixture
def world(fhir: Fhir) -> Fhir:
    for resource in WORLD:
        fhir("PUT", f"{resource['resourceType']}/{resource['id']}", resource)
    return fhir


def names(bundle: Resource) -> list[str]:
    resources = [entry["resource"] for entry in bundle.get("entry", ())]
    return [f"{each['resourceType']}/{each['id']}" for each in resources]


def found(fhir: Fhir, url: str, **given: Any) -> set[str]:
    bundle = content(fhir("GET", url, **given))
    assert bundle["total"] == len(set(names(bundle))) == len(names(bundle))
    return set(names(bundle))


def test_the_record_of_a_patient_with_what_of_the_directory_it_refers_to(world: Fhir) -> None:
    # the ward is referred to by the room, which is itself only referred to
    assert found(world, "Patient/p/$everything") == RECORD
    # R4's compartment of a patient has the patients that link to it
    linked = {"Patient/p", "Organization/hospital", "Organization/alliance"}
    of_another = {"Patient/q", "Observation/other", "Practitioner/stranger"}
    assert found(world, "Patient/q/$everything") == of_another | linked


def test_the_entries(world: Fhir) -> None:
    bundle = world.read("Patient/p/$everything")
    assert bundle["type"] == "searchset"
    for entry in bundle["entry"]:
        resource = entry["resource"]
        assert entry["fullUrl"] == f"{BASE}/{resource['resourceType']}/{resource['id']}"
        assert entry["search"] == {"mode": "match"}
        assert resource == world.read(f"{resource['resourceType']}/{resource['id']}")


@pytest.mark.parametrize("count", [1, 2, 5, 50])
def test_pages_have_each_resource_once(world: Fhir, count: int) -> None:
    """Also what many of them refer to, and whatever is written meanwhile."""
    pages, url = [], f"Patient/p/$everything?_count={count}"
    while url:
        pages.append(world.read(url))
        following = {link["relation"]: link["url"] for link in pages[-1]["link"]}
        url = following.get("next", "").removeprefix(f"{BASE}/")
        world("PUT", "Observation/new", WORLD[-4] | {"id": "new", "note": [{"text": str(len(pages))}]})
        world("DELETE", "Observation/o1")
    assert sorted(name for page in pages for name in names(page)) == sorted(RECORD)
    assert all(len(names(page)) == count for page in pages[:-1])


def test_dates_of_care(world: Fhir) -> None:
    """They tell which members come; one without a date is not outside."""
    undated = {"Patient/p", "Observation/o2"}
    hospital = {"Organization/hospital", "Organization/alliance"}
    january = {"Encounter/e1", "Observation/o1"}
    with_them = {"Location/room", "PractitionerRole/role", "Practitioner/doctor", "Organization/ward"}
    spring = {"MedicationRequest/m", "Medication/pill"}
    everything = undated | hospital
    assert found(world, "Patient/p/$everything?start=2026-01-12&end=2026-02") == everything | january - {
        "Observation/o1"
    } | {"Location/room", "Organization/ward"}
    assert found(world, "Patient/p/$everything?end=2026-02-01") == everything | january | with_them | {
        "Condition/c"
    }
    assert found(world, "Patient/p/$everything?start=2026-03") == everything | spring


def test_since_and_type(world: Fhir) -> None:
    assert found(world, "Patient/p/$everything?_type=Observation,Practitioner") == {
        "Observation/o1",
        "Observation/o2",
        "Practitioner/doctor",
    }
    assert found(world, "Patient/p/$everything?_type=Slot") == set()
    since = world.read("Observation/o2")["meta"]["lastUpdated"]
    assert found(world, f"Patient/p/$everything?_since={since}") == {"Observation/o2", "MedicationRequest/m"}


def test_an_encounter_with_all_that_it_refers_to_itself(world: Fhir) -> None:
    assert found(world, "Encounter/e1/$everything") == {
        "Encounter/e1",
        "Observation/o1",
        "Patient/p",
        "Condition/c",
        "Location/room",
        "Organization/ward",
        "PractitionerRole/role",
        "Practitioner/doctor",
        "Organization/hospital",
    }


def test_the_directory_of_an_organization(world: Fhir) -> None:
    assert found(world, "Organization/hospital/$everything") == {
        "Organization/hospital",
        "Organization/ward",
        "Organization/alliance",
        "PractitionerRole/role",
        "Practitioner/doctor",
    }


def test_all_patients_with_the_directory(world: Fhir) -> None:
    everything = found(world, "Patient/$everything")
    assert everything >= RECORD | {"Patient/q", "Observation/other", "Organization/elsewhere"}
    assert found(world, "Patient/$everything?_type=Patient") == {"Patient/p", "Patient/q"}


def test_parameters_may_come_in_a_body(world: Fhir) -> None:
    body = parameters(part("_type", valueCode="Observation"), part("_count", valueInteger=1))
    page = content(world("POST", "Patient/p/$everything", body))
    links = {link["relation"]: link["url"].removeprefix(f"{BASE}/") for link in page["link"]}
    assert links["self"] == "Patient/p/$everything?_type=Observation&_count=1"
    assert names(page) + names(world.read(links["next"])) == ["Observation/o1", "Observation/o2"]


def test_G04_nothing_that_is_hidden_comes_or_leads_on(world: Fhir) -> None:
    world("PUT", "Observation/o1", WORLD[13] | {"meta": HIDDEN})
    world("PUT", "Location/room", WORLD[7] | {"meta": HIDDEN})
    expected = RECORD - {
        "Observation/o1",
        "PractitionerRole/role",
        "Practitioner/doctor",
        "Location/room",
        "Organization/ward",
    }
    assert found(world, "Patient/p/$everything", access=unhidden) == expected
    page = content(world("GET", "Patient/p/$everything?_count=3", access=unhidden))
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    error = world.refused("GET", following.removeprefix(f"{BASE}/"))
    assert codes(error) == (410, "not-found")
    world("PUT", "Patient/p", WORLD[9] | {"meta": HIDDEN})
    assert codes(world.refused("GET", "Patient/p/$everything", access=unhidden)) == (404, "not-found")


@pytest.mark.parametrize(
    ("url", "outcome"),
    [
        ("Patient/none/$everything", (404, "not-found")),
        ("Encounter/$everything", (404, "not-supported")),
        ("Observation/o1/$everything", (404, "not-supported")),
        ("Patient/p/$everything?since=2026", (400, "not-supported")),
        ("Encounter/e1/$everything?start=2026", (400, "not-supported")),
        ("Patient/p/$everything?start=yesterday", (400, "value")),
        ("Patient/p/$everything?_type=Observaton", (400, "value")),
        ("Patient/p/$everything?_count=many", (400, "value")),
        ("Patient/p/$everything?_cursor=AAAA", (400, "invalid")),
    ],
)
def test_refusals(world: Fhir, url: str, outcome: tuple[int, str]) -> None:
    assert codes(world.refused("GET", url)) == outcome


def test_410_for_a_patient_that_was_deleted(fhir: Fhir) -> None:
    fhir("PUT", "Patient/p", patient(id="p"))
    fhir("DELETE", "Patient/p")
    assert codes(fhir.refused("GET", "Patient/p/$everything")) == (410, "deleted")


def test_the_tables_name_parameters_that_there_are() -> None:
    defined = definitions()
    for table in (CARE_DATES, OF_AN_ORGANIZATION):
        kinds = {"date"} if table is CARE_DATES else {"reference"}
        for resource_type, found_codes in table.items():
            parameters_ = defined.search_parameters(resource_type)
            assert {parameters_[code].type for code in found_codes} == kinds
    compartment = defined.compartment("Patient")
    assert not [name for name in DIRECTORY if compartment.get(name)], "these belong to patients"
    assert set(CARE_DATES) <= {name for name, codes_ in compartment.items() if codes_}


def test_the_definitions_are_those_of_r4_where_it_has_them() -> None:
    operation = OPERATIONS["everything"]
    known = {each.url for each in definitions().operations}
    assert {operation.definition_of(each) for each in ("Patient", "Encounter")} <= known
    assert operation.definition_of("Organization") not in known

"""What a client may not see is as if it were not there; here that is what has the tag `hidden`."""

from typing import Any

import pytest

from fhir_server.interactions.request import Method
from fhir_server.search.compile import criteria
from fhir_server.store.algebra import Node, Not
from tests.interactions.fhir import (
    BASE,
    Fhir,
    content,
    definitions,
    entries_of,
    entry,
    identified,
    observation,
    patient,
    statuses,
)

HIDDEN = {"tag": [{"code": "hidden"}]}


def unhidden(resource_type: str) -> Node:
    return Not(criteria(definitions(), resource_type, "_tag=hidden", BASE))


@pytest.fixture
def world(fhir: Fhir) -> Fhir:
    """Of two patients, and of what belongs to each, one is hidden."""
    for id_, meta in (("a", {"tag": [{"code": "open"}]}), ("h", HIDDEN)):
        practitioner = {"reference": f"Practitioner/{id_}"}
        made = identified("1", id=id_, name=[{"family": id_}], meta=meta, generalPractitioner=[practitioner])
        fhir("PUT", f"Patient/{id_}", made)
        fhir("PUT", f"Practitioner/{id_}", {"resourceType": "Practitioner", "id": id_, "meta": meta})
        for owner in "ah":
            made = observation(f"Patient/{owner}", id=f"{id_}-{owner}", meta=meta, performer=[practitioner])
            fhir("PUT", f"Observation/{id_}-{owner}", made)
    return fhir


def found(fhir: Fhir, url: str, **given: Any) -> list[str]:
    entries = entries_of(fhir("GET", url, access=unhidden, **given))
    return sorted(f"{each['resource']['resourceType']}/{each['resource']['id']}" for each in entries)


def test_G05_hits_totals_and_counts(world: Fhir) -> None:
    assert found(world, "Patient") == ["Patient/a"]
    for url in ("Patient?_total=accurate", "Patient?_summary=count", "Patient?_count=0", "Patient"):
        assert content(world("GET", url, access=unhidden))["total"] == 1
    assert found(world, "Patient?_id=h") == []
    assert content(world("GET", "?_summary=count", access=unhidden))["total"] == 4
    assert found(world, "?_type=Patient,Practitioner") == ["Patient/a", "Practitioner/a"]


def test_G05_sorts_and_pages(world: Fhir) -> None:
    """A page is full of what is visible; what is hidden leaves no gap."""
    for sort in ("", "&_sort=name", "&_sort=-_lastUpdated", "&_sort=_id"):
        page = content(world("GET", f"Patient?_count=1{sort}", access=unhidden))
        assert len(page["entry"]) == 1
        assert "next" not in {link["relation"] for link in page["link"]}


def test_a_page_shows_nothing_that_was_hidden_since_the_first(fhir: Fhir) -> None:
    for id_ in "abc":
        fhir("PUT", f"Patient/{id_}", patient(id=id_))
    page = content(fhir("GET", "Patient?_count=1", access=unhidden))
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    fhir("PUT", "Patient/b", patient(id="b", meta=HIDDEN))
    fhir("PUT", "Patient/c", patient(id="c", active=False))
    page = content(fhir("GET", following.removeprefix(f"{BASE}/"), access=unhidden))
    assert [each["resource"]["id"] for each in page["entry"]] == ["c"]


def test_G03_chains_and_has(world: Fhir) -> None:
    assert found(world, "Observation?subject:Patient.name=a") == ["Observation/a-a"]
    assert found(world, "Observation?subject:Patient.name=h") == []
    assert found(world, "Observation?subject:Patient.name:missing=false") == ["Observation/a-a"]
    assert found(world, "Patient?_has:Observation:subject:_id=h-a") == []
    assert found(world, "Patient?_has:Observation:subject:_id=a-a") == ["Patient/a"]
    # through a hidden resource to one that is not
    assert found(world, "Practitioner?_has:Observation:performer:subject.name=h") == []
    through = "_has:Patient:general-practitioner:_has:Observation:subject:_id"
    assert found(world, f"Practitioner?{through}=h-a") == []
    assert found(world, f"Practitioner?{through}=a-a") == ["Practitioner/a"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("Patient?_include=Patient:general-practitioner", ["Patient/a", "Practitioner/a"]),
        ("Observation?_include=Observation:subject", ["Observation/a-a", "Observation/a-h", "Patient/a"]),
        ("Patient?_revinclude=Observation:subject", ["Observation/a-a", "Patient/a"]),
        (
            "Practitioner?_revinclude=Observation:performer&_include:iterate=Observation:subject",
            ["Observation/a-a", "Observation/a-h", "Patient/a", "Practitioner/a"],
        ),
        # what is hidden is no step on the way
        ("Observation?_id=a-h&_include=Observation:subject&_revinclude:iterate=Observation:subject",
         ["Observation/a-h"]),
    ],
)  # fmt: skip
def test_G04_includes(world: Fhir, url: str, expected: list[str]) -> None:
    assert found(world, url) == expected


def test_G04_what_is_hidden_takes_no_room_among_the_included(
    world: Fhir, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fhir_server.interactions import search
    from fhir_server.search.options import Options

    monkeypatch.setattr(search, "options_of", lambda _settings: Options(included=1))
    for url in ("Patient?_id=a&_revinclude=Observation:subject", "Observation?_include=Observation:subject"):
        bundle = content(world("GET", url, access=unhidden))
        assert [each["search"]["mode"] for each in bundle["entry"]].count("include") == 1
        assert "outcome" not in {each["search"]["mode"] for each in bundle["entry"]}


def test_G04_compartments(world: Fhir) -> None:
    assert found(world, "Patient/a/Observation") == ["Observation/a-a"]
    assert found(world, "Patient/a/*") == ["Observation/a-a", "Patient/a"]
    assert found(world, "Patient/h/*") == ["Observation/a-h"]


def test_G05_a_conditional_create_does_not_tell_of_what_is_hidden(fhir: Fhir) -> None:
    fhir("PUT", "Patient/h", identified("1", id="h", meta=HIDDEN))
    criteria_ = "identifier=http://example.org/mrn|1"
    made = fhir("POST", "Patient", identified("1"), if_none_exist=criteria_, access=unhidden)
    assert made.status == 201
    again = fhir("POST", "Patient", identified("1"), if_none_exist=criteria_, access=unhidden)
    assert (again.status, again.version) == (200, made.version)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_G05_conditional_changes_leave_what_is_hidden_alone(fhir: Fhir, method: Method) -> None:
    fhir("PUT", "Patient/h", identified("1", id="h", meta=HIDDEN))
    url = "Patient?identifier=http://example.org/mrn|1"
    if method == "PATCH":
        patch = {"resourceType": "Parameters"}
        assert fhir.refused("PATCH", url, patch, access=unhidden).status == 404
    else:
        given = identified("1") if method == "PUT" else None
        assert fhir(method, url, given, access=unhidden).status == (201 if method == "PUT" else 204)
    assert fhir.read("Patient/h")["meta"]["versionId"] == "1"


@pytest.mark.parametrize("type_", ["batch", "transaction"])
def test_G05_entries_of_bundles_see_no_more_than_their_client(fhir: Fhir, type_: str) -> None:
    fhir("PUT", "Patient/h", identified("1", id="h", meta=HIDDEN))
    url = "Patient?identifier=http://example.org/mrn|1"
    bundle = {
        "resourceType": "Bundle",
        "type": type_,
        "entry": [entry("DELETE", url), entry("GET", url), entry("GET", "Patient")],
    }
    answers = entries_of(fhir("POST", "", bundle, access=unhidden))
    assert statuses(answers) == ["204 No Content", "200 OK", "200 OK"]
    assert [answer["resource"]["total"] for answer in answers[1:]] == [0, 0]


def test_G05_a_conditional_reference_does_not_lead_to_what_is_hidden(fhir: Fhir) -> None:
    fhir("PUT", "Patient/h", identified("1", id="h", meta=HIDDEN))
    made = observation("Patient?identifier=http://example.org/mrn|1")
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry("POST", "Observation", made)]}
    assert fhir.refused("POST", "", bundle, access=unhidden).status == 412
    assert statuses(entries_of(fhir("POST", "", bundle))) == ["201 Created"]

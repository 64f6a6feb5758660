"""https://hl7.org/fhir/R4/http.html#search, https://hl7.org/fhir/R4/search.html"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from fhir_server.interactions.search import search
from fhir_server.resource import decode
from fhir_server.search.subset import SUBSETTED
from tests.interactions.fhir import BASE, Fhir, codes, content, observation, patient, request

Bundle = dict[str, Any]


def put(fhir: Fhir, *resources: Bundle) -> None:
    for resource in resources:
        fhir("PUT", f"{resource['resourceType']}/{resource['id']}", resource)


def people(fhir: Fhir, count: int) -> list[str]:
    ids = [f"p{number:03}" for number in range(count)]
    put(fhir, *(patient(id=id_, birthDate=f"20{int(id_[1:]) % 7:02}-01-01") for id_ in ids))
    return ids


def entries(bundle: Bundle, mode: str) -> list[str]:
    found = [each["resource"] for each in bundle.get("entry", []) if each["search"]["mode"] == mode]
    return [f"{each['resourceType']}/{each['id']}" for each in found]


def matches(bundle: Bundle) -> list[str]:
    return [name.partition("/")[2] for name in entries(bundle, "match")]


def outcomes(bundle: Bundle) -> list[Bundle]:
    return [
        issue
        for each in bundle.get("entry", [])
        if each["search"]["mode"] == "outcome"
        for issue in each["resource"]["issue"]
    ]


def link(bundle: Bundle, relation: str) -> str | None:
    urls = [each["url"] for each in bundle["link"] if each["relation"] == relation]
    return urls[0].removeprefix(BASE).removeprefix("/") if urls else None


def pages(fhir: Fhir, url: str) -> Iterator[Bundle]:
    following: str | None = url
    while following is not None:
        bundle = fhir.read(following)
        yield bundle
        following = link(bundle, "next")


def test_the_bundle_of_a_search(fhir: Fhir) -> None:
    put(fhir, patient(id="1", name=[{"family": "Eve"}]), patient(id="2", name=[{"family": "Bob"}]))
    bundle = fhir.read("Patient?name=eve")
    version = fhir("GET", "Patient/1").version
    assert version is not None
    (entry,) = bundle["entry"]
    assert (bundle["resourceType"], bundle["type"], bundle["total"]) == ("Bundle", "searchset", 1)
    assert entry == {
        "fullUrl": f"{BASE}/Patient/1",
        "resource": decode(version.body),
        "search": {"mode": "match"},
    }
    assert link(bundle, "self") == link(bundle, "first") == "Patient?name=eve"
    assert link(bundle, "next") is None


def test_the_bytes_of_a_hit_are_those_that_are_stored(fhir: Fhir) -> None:
    put(fhir, observation("Patient/1", id="1", valueQuantity={"value": 1}))
    version = fhir("GET", "Observation/1").version
    body = fhir("GET", "Observation").body
    assert version is not None and body is not None and version.body in body


def test_nothing_found_is_an_empty_bundle(fhir: Fhir) -> None:
    bundle = fhir.read("Patient?name=nobody")
    assert bundle["total"] == 0 and "entry" not in bundle


def test_deleted_resources_are_not_found(fhir: Fhir) -> None:
    put(fhir, patient(id="1", active=True))
    fhir("DELETE", "Patient/1")
    assert matches(fhir.read("Patient?active=true")) == []


def test_an_update_is_found_by_its_new_value_only(fhir: Fhir) -> None:
    put(fhir, patient(id="1", gender="male"))
    put(fhir, patient(id="1", gender="female"))
    assert matches(fhir.read("Patient?gender=female")) == ["1"]
    assert matches(fhir.read("Patient?gender=male")) == []


def test_head_and_post_answer_alike(fhir: Fhir) -> None:
    put(fhir, patient(id="1", active=True))
    parameters = [("active", "true")]
    posted = content(fhir("POST", "Patient/_search", parameters=parameters))
    assert posted["entry"] == fhir.read("Patient?active=true")["entry"]
    assert link(posted, "self") == "Patient?active=true"


def test_E01_strict_and_lenient(fhir: Fhir) -> None:
    put(fhir, patient(id="1", active=True), patient(id="2"))
    error = fhir.refused("GET", "Patient?actve=true")
    assert codes(error) == (400, "not-supported")
    assert "did you mean active?" in error.issues[0].diagnostics
    bundle = content(fhir("GET", "Patient?actve=true", strict=False))
    assert matches(bundle) == ["1", "2"]
    (issue,) = outcomes(bundle)
    assert issue["severity"] == "warning" and "did you mean active?" in issue["diagnostics"]
    assert link(bundle, "self") == "Patient"
    counted = content(fhir("GET", "Patient?actve=true&_summary=count", strict=False))
    assert counted["total"] == 2 and outcomes(counted)


def test_E05_count(fhir: Fhir) -> None:
    people(fhir, 3)
    none = fhir.read("Patient?_count=0")
    assert none["total"] == 3 and "entry" not in none and link(none, "next") is None
    assert fhir.read("Patient?_summary=count")["total"] == 3
    for value in ("-1", "abc"):
        assert codes(fhir.refused("GET", f"Patient?_count={value}")) == (400, "value")
    assert link(fhir.read("Patient?_count=1000000000"), "self") == "Patient?_count=1000"


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11])
@pytest.mark.parametrize("sort", ["", "&_sort=-birthdate", "&_sort=birthdate,-_id", "&_sort=gender"])
def test_the_union_of_the_pages_is_the_whole(fhir: Fhir, size: int, sort: str) -> None:
    ids = people(fhir, 10)
    found = [id_ for page in pages(fhir, f"Patient?_count={size}{sort}") for id_ in matches(page)]
    assert sorted(found) == ids
    assert found == matches(fhir.read(f"Patient?_count=100{sort}"))


def test_previous_and_first_lead_back(fhir: Fhir) -> None:
    people(fhir, 10)
    forward = [(page, matches(page)) for page in pages(fhir, "Patient?_count=3&_sort=birthdate")]
    assert [len(found) for _, found in forward] == [3, 3, 3, 1]
    back = []
    previous = link(forward[-1][0], "previous")
    while previous is not None:
        page = fhir.read(previous)
        back.append(matches(page))
        previous = link(page, "previous")
    assert back == [found for _, found in reversed(forward[:-1])]
    first = link(forward[-1][0], "first")
    assert first is not None and matches(fhir.read(first)) == forward[0][1]


def test_pages_stay_stable_under_writes(fhir: Fhir) -> None:
    ids = people(fhir, 6)
    first = fhir.read("Patient?_count=3&_sort=_id")
    put(fhir, patient(id="a-new-one-before"), patient(id="z-new-one-behind"))
    fhir("DELETE", f"Patient/{ids[0]}")
    following = link(first, "next")
    assert following is not None
    assert matches(fhir.read(following)) == ids[3:]


def test_a_cursor_survives_a_restart(fhir: Fhir) -> None:
    people(fhir, 3)
    fhir.context = replace(fhir.context, secret=b"kept by the operator")
    following = link(fhir.read("Patient?_count=2"), "next")
    fhir.context = replace(fhir.context, secret=b"kept by the operator")
    assert following is not None and matches(fhir.read(following)) == ["p002"]


def test_E16_a_cursor_that_was_edited_or_moved_is_refused(fhir: Fhir) -> None:
    people(fhir, 5)
    following = link(fhir.read("Patient?_count=2"), "next")
    assert following is not None
    cursor = dict(parse_qsl(urlsplit(following).query))["_cursor"]
    assert codes(fhir.refused("GET", following[:-1] + ("A" if following[-1] != "A" else "B"))) == (
        400,
        "invalid",
    )
    for url in ("Patient?_count=3", "Patient?_count=2&active=true", "Practitioner?_count=2", "Patient"):
        glue = "&" if "?" in url else "?"
        assert codes(fhir.refused("GET", f"{url}{glue}_cursor={cursor}")) == (400, "invalid")


def test_total(fhir: Fhir) -> None:
    people(fhir, 5)
    assert fhir.read("Patient?_count=2")["total"] == 5  # kept, not counted
    assert "total" not in fhir.read("Patient?_count=2&birthdate=gt1990")
    assert fhir.read("Patient?_count=5&birthdate=gt1990")["total"] == 5
    assert fhir.read("Patient?_count=2&birthdate=gt1990&_total=accurate")["total"] == 5
    assert fhir.read("Patient?_count=2&birthdate=gt1990&_total=estimate")["total"] == 5
    assert "total" not in fhir.read("Patient?_total=none")
    second = link(fhir.read("Patient?_count=2&birthdate=gt1990&_total=accurate"), "next")
    assert second is not None and fhir.read(second)["total"] == 5


def test_sort_puts_what_has_no_value_last(fhir: Fhir) -> None:
    put(fhir, patient(id="none"), patient(id="old", birthDate="1950"), patient(id="new", birthDate="2020"))
    assert matches(fhir.read("Patient?_sort=birthdate")) == ["old", "new", "none"]
    assert matches(fhir.read("Patient?_sort=-birthdate")) == ["new", "old", "none"]
    assert matches(fhir.read("Patient?_sort=-_lastUpdated")) == ["new", "old", "none"]


def test_sort_by_codes_goes_by_their_text(fhir: Fhir) -> None:
    def coded(id_: str, code: str, system: str) -> Bundle:
        return observation("Patient/1", id=id_, code={"coding": [{"system": system, "code": code}]})

    put(fhir, coded("1", "zebra", "urn:a"), coded("2", "apple", "urn:z"), coded("3", "mango", "urn:m"))
    put(fhir, patient(id="m", gender="male"), patient(id="f", gender="female"))
    assert matches(fhir.read("Observation?_sort=code")) == ["2", "3", "1"]
    assert matches(fhir.read("Observation?_sort=-code")) == ["1", "3", "2"]
    assert matches(fhir.read("Patient?_sort=gender")) == ["f", "m"]


def test_system_search(fhir: Fhir) -> None:
    put(fhir, patient(id="1", meta={"tag": [{"code": "x"}]}), observation("Patient/1", id="1"))
    put(fhir, {"resourceType": "Practitioner", "id": "3", "gender": "male"}, patient(id="4", gender="male"))
    assert sorted(entries(fhir.read("?_id=1"), "match")) == ["Observation/1", "Patient/1"]
    assert entries(fhir.read("?_tag=x"), "match") == ["Patient/1"]
    assert entries(fhir.read("?_type=Observation"), "match") == ["Observation/1"]
    both = fhir.read("?_type=Patient,Practitioner&gender=male&_sort=_id")
    assert entries(both, "match") == ["Practitioner/3", "Patient/4"]
    assert link(both, "self") == "?_type=Patient%2CPractitioner&gender=male&_sort=_id"
    assert codes(fhir.refused("GET", "?_type=Ptient")) == (400, "value")
    assert [len(matches(page)) for page in pages(fhir, "?_count=3")] == [3, 1]


def test_compartments(fhir: Fhir) -> None:
    put(
        fhir,
        patient(id="1"),
        patient(id="2"),
        observation("Patient/1", id="a"),
        observation("Patient/2", id="b"),
    )
    put(
        fhir,
        observation("Patient/1", id="c", status="amended"),
        {"resourceType": "Organization", "id": "1", "name": "x"},
    )
    assert matches(fhir.read("Patient/1/Observation")) == ["a", "c"]
    assert matches(fhir.read("Patient/1/Observation?status=amended")) == ["c"]
    everything = fhir.read("Patient/1/*")
    assert sorted(entries(everything, "match")) == ["Observation/a", "Observation/c", "Patient/1"]
    assert entries(fhir.read("Patient/1/*?_type=Observation&_count=1"), "match") == ["Observation/a"]
    assert [matches(page) for page in pages(fhir, "Patient/1/Observation?_count=1")] == [["a"], ["c"]]
    assert link(everything, "self") == "Patient/1/*"
    assert fhir.refused("GET", "Patient/1/Organization").status == 404
    assert fhir.refused("GET", "Patient/1/Nonsense").status == 404
    assert fhir.refused("GET", "Organization/1/Patient").status == 404
    assert codes(fhir.refused("GET", "Patient/1/Observation?nmae=x")) == (400, "not-supported")


def family(fhir: Fhir) -> None:
    put(
        fhir,
        {
            "resourceType": "Organization",
            "id": "o",
            "name": "Hospital",
            "partOf": {"reference": "Organization/a"},
        },
        {"resourceType": "Organization", "id": "a", "name": "Alliance"},
        patient(id="1", managingOrganization={"reference": "Organization/o"}),
        patient(id="2", managingOrganization={"reference": "Organization/o"}),
        patient(id="3", managingOrganization={"reference": "http://elsewhere.org/fhir/Organization/o"}),
        observation("Patient/1", id="x"),
        observation("Patient/1", id="y"),
        observation("Group/1", id="z"),
    )


@pytest.mark.parametrize(
    ("url", "matched", "included"),
    [
        ("Patient?_include=Patient:organization", ["1", "2", "3"], ["Organization/o"]),
        ("Patient?_include=Patient:organization:Organization&_id=1", ["1"], ["Organization/o"]),
        ("Patient?_include=Patient:organization:Patient&_id=1", ["1"], []),
        ("Patient?_include=Observation:patient&_id=1", ["1"], []),
        (
            "Patient?_include=Patient:organization&_include=Organization:partof&_id=1",
            ["1"],
            ["Organization/o"],
        ),
        (
            "Patient?_include=Patient:organization&_include:iterate=Organization:partof&_id=1",
            ["1"],
            ["Organization/a", "Organization/o"],
        ),
        ("Observation?_include=Observation:patient", ["x", "y", "z"], ["Patient/1"]),
        ("Patient?_revinclude=Observation:patient&_id=1", ["1"], ["Observation/x", "Observation/y"]),
        ("Patient?_revinclude=Observation:subject:Group&_id=1", ["1"], []),
        ("Patient?_revinclude=Observation:patient&_id=2", ["2"], []),
        (
            "Organization?_id=o&_revinclude=Patient:organization&_revinclude:iterate=Observation:subject",
            ["o"],
            ["Observation/x", "Observation/y", "Patient/1", "Patient/2"],
        ),
        ("Organization?_include=Organization:partof", ["o", "a"], []),  # each resource once
    ],
)
def test_includes(fhir: Fhir, url: str, matched: list[str], included: list[str]) -> None:
    family(fhir)
    bundle = fhir.read(url)
    assert matches(bundle) == matched
    assert sorted(entries(bundle, "include")) == included
    assert not outcomes(bundle)
    if "total" in bundle:
        assert bundle["total"] == len(matched)


def test_canonicals_are_included_by_their_url(fhir: Fhir) -> None:
    measure = {"resourceType": "Measure", "id": "m", "url": "http://x.org/Measure/m", "status": "active"}
    report = {
        "resourceType": "MeasureReport", "id": "r", "status": "complete", "type": "summary",
        "measure": "http://x.org/Measure/m|1.0", "period": {"start": "2026"},
    }  # fmt: skip
    put(fhir, measure, report)
    bundle = fhir.read("MeasureReport?_include=MeasureReport:measure")
    assert entries(bundle, "include") == ["Measure/m"]


def test_E06_includes_are_bounded_and_say_so(fhir: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    from fhir_server.interactions import search as interaction
    from fhir_server.search.options import Options

    monkeypatch.setattr(interaction, "options_of", lambda settings: Options(included=3))
    put(fhir, patient(id="1"), *(observation("Patient/1", id=f"o{number}") for number in range(4)))
    bundle = fhir.read("Patient?_revinclude=Observation:patient")
    assert len(entries(bundle, "include")) == 3
    (issue,) = outcomes(bundle)
    assert (issue["severity"], issue["code"]) == ("warning", "incomplete")
    fhir("DELETE", "Observation/o0")
    assert not outcomes(fhir.read("Patient?_revinclude=Observation:patient"))


def test_E07_rings_end_and_bring_each_resource_once(fhir: Fhir) -> None:
    def ring(id_: str, following: str) -> Bundle:
        return {
            "resourceType": "Organization",
            "id": id_,
            "name": id_,
            "partOf": {"reference": f"Organization/{following}"},
        }

    put(fhir, ring("a", "b"), ring("b", "c"), ring("c", "a"), ring("self", "self"))
    bundle = fhir.read("Organization?_id=a&_include:iterate=Organization:partof")
    assert entries(bundle, "include") == ["Organization/b", "Organization/c"]
    assert not outcomes(bundle)
    assert not entries(fhir.read("Organization?_id=self&_include:iterate=Organization:partof"), "include")
    put(fhir, *(ring(f"n{number}", f"n{number + 1}") for number in range(9)))
    deep = fhir.read("Organization?_id=n0&_include:iterate=Organization:partof")
    assert len(entries(deep, "include")) == 5
    assert [issue["code"] for issue in outcomes(deep)] == ["incomplete"]


def test_summary_and_elements(fhir: Fhir) -> None:
    family(fhir)
    (entry,) = fhir.read("Organization?_id=o&_elements=partOf")["entry"]
    assert set(entry["resource"]) == {"resourceType", "id", "meta", "partOf"}
    assert SUBSETTED in entry["resource"]["meta"]["tag"]
    bundle = fhir.read("Patient?_id=1&_elements=gender&_include=Patient:organization")
    assert bundle["entry"][1]["resource"]["name"] == "Hospital"
    put(fhir, patient(id="9", maritalStatus={"text": "m"}, active=True))
    (summary,) = fhir.read("Patient?_id=9&_summary=true")["entry"]
    assert "maritalStatus" not in summary["resource"] and summary["resource"]["active"] is True
    (whole,) = fhir.read("Patient?_id=9&_summary=false")["entry"]
    assert "tag" not in whole["resource"]["meta"]
    assert codes(fhir.refused("GET", "Patient?_elements=nmae")) == (400, "value")


def test_E14_chinese(fhir: Fhir) -> None:
    put(
        fhir,
        patient(id="1", name=[{"text": "张三"}]),
        patient(id="2", name=[{"family": "𠮷", "given": ["野"]}]),
    )
    assert matches(fhir.read("Patient?name=%E5%BC%A0")) == ["1"]
    assert matches(fhir.read("Patient?name=%F0%A0%AE%B7%E9%87%8E")) == ["2"]
    assert matches(fhir.read("Patient?name:contains=%E4%B8%89")) == ["1"]


def test_the_zone_of_dates_is_a_setting(fhir: Fhir) -> None:
    put(fhir, observation("Patient/1", id="1", effectiveDateTime="2013-01-13T17:00:00Z"))
    assert matches(fhir.read("Observation?date=2013-01-14")) == ["1"]
    fhir.settings(time_zone="UTC")
    assert matches(fhir.read("Observation?date=2013-01-14")) == []


def test_units_are_known_by_code_and_by_what_is_written(fhir: Fhir) -> None:
    milligrams = {"value": 5, "unit": "milligram", "code": "mg", "system": "http://unitsofmeasure.org"}
    put(fhir, observation("Patient/1", id="1", valueQuantity=milligrams))
    assert matches(fhir.read("Observation?value-quantity=5||milligram")) == ["1"]
    assert matches(fhir.read("Observation?value-quantity=5||mg")) == ["1"]
    assert matches(fhir.read("Observation?value-quantity=5||g")) == []


def test_a_type_that_is_none(fhir: Fhir) -> None:
    with pytest.raises(Exception, match="not a resource type"):
        fhir.run(search(fhir.context, request("GET", "Nonsense")))


def test_what_a_search_answers_is_a_bundle_that_others_can_read(fhir: Fhir) -> None:
    from fhir.resources.R4B.bundle import Bundle as Model

    family(fhir)
    for url in ("Patient?_include=Patient:organization&_count=2", "Organization?_summary=true", "?_count=3"):
        body = fhir("GET", url).body
        assert body is not None
        model = Model.model_validate_json(body)
        assert model.type == "searchset" and model.link and model.link[0].relation == "self"

"""Organization/[id]/$work-report: parameters, forms, and what nobody may read in them."""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest

from fhir_server.alliance.operations import OPERATIONS
from fhir_server.alliance.report.__main__ import PAGE, files, page
from fhir_server.alliance.report.definitions import canonical, definitions
from fhir_server.alliance.report.period import read_period
from fhir_server.alliance.report.sheet import COLUMNS
from fhir_server.alliance.report.table import MEASURES
from fhir_server.interactions.answer import body_of
from fhir_server.interactions.request import Request
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode
from tests.alliance.report.network import (
    COUNTY,
    NETWORK,
    TOWNSHIP,
    UPPER,
    VILLAGE,
    activity,
    directory,
    organization,
    request,
    rotation,
    store,
    task,
)
from tests.interactions.fhir import BASE, Fhir, codes, content, entry

URL = f"{NETWORK}/$work-report"
ARRIVED = {"submitted": "2018-03-01T08:00:00+08:00", "arrived": "2018-03-02T08:00:00+08:00"}


@pytest.fixture
def alliance(fhir: Fhir) -> Iterator[Fhir]:
    """Six referrals of the village, two of the township, one down; an expert with a session and a lecture."""
    fhir.context = replace(fhir.context, operations=OPERATIONS)
    tasks = [task(f"v{number}", ARRIVED, patient=f"Patient/p{number}") for number in range(6)]
    tasks += [task(f"t{number}", ARRIVED, by="role-township") for number in range(2)]
    down = task("down", ARRIVED, direction="down", by="role-county", owner=VILLAGE)
    requests = [request(f"sr-{each['id']}") for each in (*tasks, down)]
    acts = [
        rotation("rotation-wang", "wang"),
        activity("a", "outpatient", ["rotation-wang"], served=30),
        activity("b", "lecture", ["rotation-wang"], "2018-04-01T09:00:00+08:00", attended=40),
    ]
    store(fhir, *directory(), *tasks, down, *requests, *acts)
    yield fhir


def report_of(alliance: Fhir, measure: str, **given: Any) -> Resource:
    bundle = content(alliance("GET", f"{URL}?period=2018", **given))
    url = canonical(MEASURES[measure])
    found = [
        each["resource"]
        for each in bundle["entry"]
        if each["resource"].get("measure", "").startswith(f"{url}|")
    ]
    assert len(found) == 1
    return found[0]


def strata_of(report: Resource, stratifier: str) -> dict[str, int | None]:
    """None: hidden"""
    (found,) = (each for each in report["group"][0]["stratifier"] if each["id"] == stratifier)
    return {each["value"]["text"]: each["population"][0].get("count") for each in found["stratum"]}


# ---- json


def test_the_document_has_a_section_a_chapter_and_a_report_a_measure(alliance: Fhir) -> None:
    bundle = content(alliance("GET", f"{URL}?period=2018"))
    composition, subject, *reports = (each["resource"] for each in bundle["entry"])
    assert bundle["type"] == "document"
    assert subject["id"] == "network"
    assert composition["event"] == [{"period": {"start": "2018-01-01", "end": "2018-12-31"}}]
    assert {each["measure"].partition("|")[0] for each in reports} == {
        canonical(each) for each in MEASURES.values()
    }
    named = [each["reference"] for section in composition["section"] for each in section["entry"]]
    assert named == [each["fullUrl"] for each in bundle["entry"][2:]]
    assert all(each["reporter"]["reference"] == f"{BASE}/{NETWORK}" for each in reports)


def test_the_document_keeps_the_base_specification(alliance: Fhir) -> None:
    bundle = content(alliance("GET", f"{URL}?period=2018", organization=COUNTY))
    issues = alliance.context.validator.check(bundle)
    assert [each for each in issues if each.severity != "information"] == []
    assert content(alliance("POST", "Bundle", bundle))["type"] == "document"


def test_numbers_stand_in_group_and_strata(alliance: Fhir) -> None:
    found = report_of(alliance, "R-UP")
    assert found["group"][0]["population"][0]["count"] == 8
    assert strata_of(found, "month") == {"2018-03": 8}
    assert strata_of(found, "icd-chapter") == {"IX 循环系统疾病": 8}
    county = found["group"][0]["stratifier"][1]["stratum"][0]["value"]["coding"]
    assert county == [{"system": f"{BASE}/Organization", "code": "county"}]


def test_E10_26_small_cells_are_masked_for_others_and_shown_to_the_own_organisation(alliance: Fhir) -> None:
    nobody, village, county = (
        report_of(alliance, "R-UP", organization=each) for each in (None, VILLAGE, COUNTY)
    )
    assert strata_of(nobody, "from-member") == {VILLAGE: None, TOWNSHIP: None}
    assert strata_of(village, "from-member") == {VILLAGE: 6, TOWNSHIP: None}
    assert strata_of(county, "from-member") == {VILLAGE: 6, TOWNSHIP: 2}
    masked = nobody["group"][0]["stratifier"][0]["stratum"][0]["population"][0]["_count"]["extension"]
    assert masked[0]["valueCode"] == "masked"
    assert "count" not in report_of(alliance, "R-DOWN")["group"][0]["population"][0]
    assert report_of(alliance, "R-DOWN", organization=VILLAGE)["group"][0]["population"][0]["count"] == 1


# ---- csv


def rows(alliance: Fhir, **given: Any) -> list[dict[str, str]]:
    response = alliance("GET", f"{URL}?period=2018&format=csv", **given)
    assert response.media_type == "text/csv; charset=utf-8"
    text = (response.body or b"").decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_csv_has_every_measure_and_its_strata(alliance: Fhir) -> None:
    found = rows(alliance, organization=COUNTY)
    assert tuple(found[0]) == COLUMNS
    totals = {each["measure"]: each["value"] for each in found if not each["stratifier"]}
    assert totals.keys() == MEASURES.keys()
    wanted = {"R-UP": "8", "R-UP-PATIENTS": "7", "ROT-SERVED": "30", "EDU-ATTEND": "40", "ROT-EXPERTS": "1"}
    assert {each: totals[each] for each in wanted} == wanted
    months = [each["value"] for each in found if each["measure"] == "R-UP" and each["stratifier"] == "month"]
    assert months == ["8"]


def test_E10_26_csv_has_no_number_of_a_hidden_cell(alliance: Fhir) -> None:
    hidden = [each for each in rows(alliance) if each["hidden"] == "true"]
    assert hidden and all(each["value"] == each["cases"] == "" for each in hidden)


def test_a_name_is_no_formula_in_a_spreadsheet(alliance: Fhir) -> None:
    store(alliance, organization(VILLAGE, name='=HYPERLINK("http://evil")'))
    names = {each["名称"] for each in rows(alliance, organization=COUNTY)}
    assert '\'=HYPERLINK("http://evil")' in names


# ---- html


class Read(HTMLParser):
    """Names of the elements, and the addresses that a browser would follow by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if (
                name in ("src", "href", "xlink:href", "data") and not (value or "").startswith("#")
            ) or name.startswith("on"):
                self.fetched.append(f"{name}={value}")


def html(alliance: Fhir, **given: Any) -> str:
    response = alliance("GET", f"{URL}?period=2018&format=html", **given)
    assert response.media_type == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    return (response.body or b"").decode()


def test_the_page_is_whole_in_itself_and_nothing_runs_in_it(alliance: Fhir) -> None:
    found = html(alliance, organization=COUNTY)
    read = Read()
    read.feed(found)
    assert "script" not in read.tags and "link" not in read.tags and "img" not in read.tags
    assert read.fetched == []
    assert not re.search(r"url\((?!#)|@import", found)


def test_the_page_has_its_drawings(alliance: Fhir) -> None:
    found = html(alliance, organization=COUNTY)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", found)
    assert "向上转诊住院病人：机构层级流向" in captions
    assert {"双向转诊（按月）", "向上转诊（按专科）", "派出专家（按方式）", "讲座和培训（按月）"} <= set(
        captions
    )
    assert found.count("<svg") == len(captions)
    assert re.search(r"<text [^>]*>village|<text [^>]*>未标明", found)


def test_names_are_no_markup(alliance: Fhir) -> None:
    store(alliance, organization(NETWORK, name="<script>alert(1)</script>"))
    store(alliance, organization(VILLAGE, name="<img src=x onerror=alert(1)>"))
    found = html(alliance, organization=COUNTY)
    assert "<script" not in found and "<img" not in found


def test_E10_26_a_hidden_number_is_in_no_drawing(alliance: Fhir) -> None:
    # the only down-referral is the village's and the county's
    assert "向下转诊住院病人：机构层级流向" not in html(alliance)
    assert "向下转诊住院病人：机构层级流向" in html(alliance, organization=VILLAGE)


# ---- parameters


def test_in_a_batch_what_is_no_fhir_is_a_binary(alliance: Fhir) -> None:
    (answer,) = alliance.batch(entry("GET", f"{URL}?period=2018&format=csv"))
    assert answer["resource"]["resourceType"] == "Binary"
    assert answer["resource"]["contentType"] == "text/csv; charset=utf-8"
    response = alliance("GET", f"{URL}?period=2018&format=csv")
    assert decode(body_of(Request("GET"), response) or b"") == answer["resource"]


def test_members_narrow_the_report(alliance: Fhir) -> None:
    def up(url: str, body: Resource | None = None) -> int:
        bundle = content(alliance("POST" if body else "GET", url, body, organization=COUNTY))
        reports = (each["resource"] for each in bundle["entry"])
        name = f"{canonical(MEASURES['R-UP'])}|"
        (found,) = (each for each in reports if each.get("measure", "").startswith(name))
        count: int = found["group"][0]["population"][0]["count"]
        return count

    assert up(f"{URL}?period=2018&members={TOWNSHIP}") == 2
    assert up(f"{URL}?period=2018&members={TOWNSHIP},{VILLAGE}") == 8
    assert up(f"{URL}?period=2018&members={BASE}/{UPPER}") == 0
    given = [
        {"name": "period", "valuePeriod": {"start": "2018-01-01", "end": "2018-12-31"}},
        {"name": "members", "valueReference": {"reference": VILLAGE}},
    ]
    assert up(URL, {"resourceType": "Parameters", "parameter": given}) == 6


@pytest.mark.parametrize(
    ("query", "answered"),
    [
        ("", (400, "required")),
        ("start=2018", (400, "required")),
        ("start=2018&end=2018", (400, "value")),
        ("start=2018&end=2019&period=2018", (400, "value")),
        ("period=2018-13", (400, "value")),
        ("period=last-year", (400, "value")),
        ("period=2018&format=pdf", (400, "value")),
        ("period=2018&members=Organization/outside", (400, "value")),
        ("period=2018&members=Patient/1", (400, "value")),
        ("period=2018&year=2018", (400, "not-supported")),
    ],
)
def test_what_cannot_be_reported_on_is_refused(alliance: Fhir, query: str, answered: tuple[int, str]) -> None:
    assert codes(alliance.refused("GET", f"{URL}?{query}")) == answered


def test_a_department_has_no_report_of_its_own(alliance: Fhir) -> None:
    ward = {"resourceType": "Organization", "id": "ward", "name": "w", "partOf": {"reference": COUNTY}}
    store(alliance, ward)
    error = alliance.refused("GET", "Organization/ward/$work-report?period=2018")
    assert codes(error) == (422, "business-rule")
    assert COUNTY in error.issues[0].diagnostics


def test_an_organisation_that_is_not_there(alliance: Fhir) -> None:
    assert codes(alliance.refused("GET", "Organization/nobody/$work-report?period=2018")) == (
        404,
        "not-found",
    )


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        (("2018-01-01", "2019-07-01", None), "2018-01-01", "2019-06-30"),
        ((None, None, "2018"), "2018-01-01", "2018-12-31"),
        ((None, None, "2018-02"), "2018-02-01", "2018-02-28"),
        ((None, None, {"start": "2018-01-01", "end": "2019-06-30"}), "2018-01-01", "2019-06-30"),
        (
            ("2018-01-01T00:00:00Z", "2018-01-02", None),
            "2018-01-01T08:00:00.000+08:00",
            "2018-01-01T23:59:59.999+08:00",
        ),
    ],
)
def test_periods(given: tuple[Any, Any, Any], start: str, end: str) -> None:
    assert read_period(*given).as_fhir() == {"start": start, "end": end}


def test_a_period_ends_after_it_begins() -> None:
    with pytest.raises(FhirError):
        read_period("2018-01-01", "2018-01-01", None)


# ---- what is made from the table


def test_every_measure_is_defined_and_keeps_the_base_specification(fhir: Fhir) -> None:
    for each in definitions():
        assert fhir.context.validator.check(each) == [], each["id"]


def test_profiles_have_the_measures_as_they_are() -> None:
    """`python -m fhir_server.alliance.report` writes them."""
    for path, expected in files().items():
        assert path.exists() and path.read_bytes() == expected, path.name
    there = {path.name for path in next(iter(files())).parent.glob("Measure-*.json")}
    assert there == {path.name for path in files()}


def test_the_page_of_measures_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text
    assert all(f"| `{each}` |" in text for each in MEASURES)

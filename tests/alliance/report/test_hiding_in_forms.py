"""E.10 test 26: what a report hides cannot be worked out of it, in JSON, CSV and HTML alike."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.alliance.report import charts, report
from fhir_server.alliance.report.definitions import canonical
from fhir_server.alliance.report.document import document
from fhir_server.alliance.report.figures import Figure, figure
from fhir_server.alliance.report.hiding import TOTAL, Name
from fhir_server.alliance.report.measure import STRATIFIERS, Event
from fhir_server.alliance.report.page import page
from fhir_server.alliance.report.period import read_period
from fhir_server.alliance.report.report import Labels, Report
from fhir_server.alliance.report.sheet import sheet
from fhir_server.alliance.report.table import CHAPTERS, MEASURES
from fhir_server.resource import Resource
from tests.alliance.report.attack import bounded, rows, solved

ORGANIZATIONS = [f"Organization/{name}" for name in "abcde"]
TIERS = dict(zip(ORGANIZATIONS, ("county", "county", "township", "township", "province"), strict=True))
SPECIALTIES = ("cardiology", "neurology", "surgery")
MONTH_US = 31 * 24 * 3600 * 1_000_000
BEGIN_US = 1_514_736_000 * 1_000_000  # 2018-01-01T00:00:00+08:00
UNKNOWN = "未标明"  # what all events are in a stratifier that they say nothing of
DRAWN = ("R-UP", "R-DOWN", "ROT-SESSIONS")


class Words:
    """A directory in which each organization is called as it is."""

    def name(self, organization: str) -> str:
        return organization

    def resource(self, _: str) -> Resource | None:
        return None


LABELS = Labels(Words(), {name: {} for name in (*report._SYSTEMS.values(), *report._MODES)})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Way:
    origin: str
    destination: str
    month: int
    specialty: str


WAYS = st.dictionaries(
    st.builds(
        Way, st.sampled_from(ORGANIZATIONS), st.sampled_from(ORGANIZATIONS), st.integers(0, 3),
        st.sampled_from(SPECIALTIES),
    ).filter(lambda way: way.origin != way.destination),
    st.integers(1, 9),
    max_size=9,
)  # fmt: skip
ASKING = st.sampled_from((None, *ORGANIZATIONS[:3]))


def tier(member: str | None) -> str:
    return "-" if member is None else TIERS[member]


def counted(id_: str, ways: dict[Way, int], asking: str | None) -> Figure:
    events = [
        Event(
            BEGIN_US + way.month * MONTH_US, way.origin, way.destination, strata={"specialty": way.specialty}
        )
        for way, number in ways.items()
        for _ in range(number)
    ]
    return figure(MEASURES[id_], events, tier, asking)


def made(drawn: dict[str, dict[Way, int]], asking: str | None) -> Report:
    chapters = tuple(
        (chapter, tuple(counted(each.id, drawn.get(each.id, {}), asking) for each in chapter.measures))
        for chapter in CHAPTERS
    )
    return Report(
        ORGANIZATIONS[0], "a", read_period(None, None, "2018"), 0, len(ORGANIZATIONS), LABELS, chapters
    )


# ---- what stands in each form, by measure


def in_json(found: Report) -> dict[str, dict[Name, int | None]]:
    reports = {each["resource"].get("measure"): each["resource"] for each in document(found, "")["entry"]}
    ids = {f"{canonical(each)}|": each.id for each in MEASURES.values()}
    told: dict[str, dict[Name, int | None]] = {}
    for measure, resource in reports.items():
        id_ = next((ids[url] for url in ids if measure and measure.startswith(url)), None)
        if id_ is None:
            continue
        (group,) = resource["group"]
        told[id_] = {TOTAL: _count(group)}
        for stratifier in group.get("stratifier", ()):
            for stratum in stratifier["stratum"]:
                told[id_][stratifier["id"], stratum["value"]["text"]] = _count(stratum)
    return told


def _count(found: Resource) -> int | None:
    (population,) = found["population"]
    assert ("count" in population) != ("_count" in population)
    assert "measureScore" not in found or "count" in population
    count: int | None = population.get("count")
    return count


def in_csv(found: Report) -> dict[str, dict[Name, int | None]]:
    told: dict[str, dict[Name, int | None]] = {}
    for row in csv.DictReader(StringIO(sheet(found).removeprefix("\ufeff"))):
        hidden = row["hidden"] == "true"
        assert hidden == (row["value"] == "") == (row["cases"] == "")
        cells = told.setdefault(row["measure"], {})
        cells[row["stratifier"], row["名称"]] = None if hidden else int(row["value"])
    return told


class _Tables(HTMLParser):
    """Rows of the tables: totals with the id of their measure, strata under a heading."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.summary = ""
        self._in_summary = False
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_summary = tag == "summary"
        if tag == "tr":
            self.rows.append([self.summary])
        elif tag in ("td", "th"):
            self._in_cell = True
            self.rows[-1].append("")
        elif tag == "summary":
            self.summary = ""

    def handle_endtag(self, tag: str) -> None:
        self._in_summary = False
        if tag in ("td", "th"):
            self._in_cell = False
        elif tag == "details":
            self.summary = ""

    def handle_data(self, data: str) -> None:
        if self._in_summary:
            self.summary += data
        elif self._in_cell:
            self.rows[-1][-1] += data


def in_html(found: Report) -> dict[str, dict[Name, int | None]]:
    parser = _Tables()
    parser.feed(page(found))
    named = {each.chinese: each.id for each in MEASURES.values()}
    headings = {chinese: code for code, (chinese, _) in STRATIFIERS.items()}
    told: dict[str, dict[Name, int | None]] = {}
    heading = ""
    for summary, *cells in parser.rows:
        if not summary:
            told[cells[0].rpartition(" · ")[2]] = {TOTAL: _number(cells[1].split()[0])}
        elif len(cells) == 1:
            heading = headings[cells[0]]
        else:
            told[named[summary.removesuffix("：分类")]][heading, cells[0]] = _number(cells[1])
    return told


def _number(text: str) -> int | None:
    return None if text == "*" else int(re.sub(",", "", text.replace("–", "0")))


@dataclass
class Drawings:
    numbers: list[tuple[str, float | None]]


@pytest.fixture(scope="module")
def drawings() -> Iterator[Drawings]:
    """The numbers that are drawn, in place of drawings."""
    found = Drawings([])

    def flows(values: dict[tuple[str, str], float], *_: Any) -> str:
        found.numbers += [(" → ".join(way), value) for way, value in values.items()]
        return ""

    def columns(labels: list[str], series: dict[str, list[float | None]], _: str) -> str:
        found.numbers += [
            (label, value) for values in series.values() for label, value in zip(labels, values, strict=True)
        ]
        return ""

    def bars(values: dict[str, float], _: str) -> str:
        found.numbers += list(values.items())
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "flows", flows)
        patch.setattr(charts, "columns", columns)
        patch.setattr(charts, "rows", bars)
        yield found


FORMS = {"json": in_json, "csv": in_csv, "html": in_html}


def own_cases(ways: dict[Way, int], asking: str | None) -> dict[Name, int]:
    """What the asking organisation knows of its own, by the cell it is in."""
    found: Counter[Name] = Counter()
    for way, number in ways.items():
        if asking in (way.origin, way.destination):
            for name in names_of(way):
                found[name] += number
    return found


def names_of(way: Way) -> list[Name]:
    month = f"2018-{way.month + 1:02}"
    return [
        TOTAL, ("from-member", way.origin), ("to-member", way.destination), ("month", month),
        ("tier-pair", f"{TIERS[way.origin]} → {TIERS[way.destination]}"), ("specialty", way.specialty),
    ]  # fmt: skip


def readable(cells: Mapping[Name, int | None]) -> dict[Name, int | None]:
    """With tier pairs as the attack names them."""
    return {(one, other.replace(" → ", ">")): value for (one, other), value in cells.items()}


@pytest.mark.parametrize("form", FORMS)
@given(drawn=st.fixed_dictionaries({each: WAYS for each in DRAWN}), asking=ASKING)
@settings(max_examples=120, deadline=None)
def test_E10_26_nothing_hidden_can_be_worked_out(
    drawings: Drawings, form: str, drawn: dict[str, dict[Way, int]], asking: str | None
) -> None:
    told = FORMS[form](made(drawn, asking))
    for id_, ways in drawn.items():
        cells = readable(told[id_])
        known = readable(own_cases(ways, asking))
        own = {name: known.get(TOTAL if name[1] == UNKNOWN else name) or 0 for name in cells}
        equations = rows(cells, TIERS)
        if cells[TOTAL] is not None:
            assert solved(equations) == set()
            assert bounded(equations, own) == set()
        for name, value in cells.items():
            others = (value or 0) - own[name]
            assert value is None or others == 0 or others >= 5, name


def test_E10_26_bounds_do_not_give_a_number_away(drawings: Drawings) -> None:
    """No equation has one unknown here, but as each is 1 at least, sums leave one value for six of them."""
    a, b, c, d = ORGANIZATIONS[:4]
    went = {(b, a): 1, (a, b): 7, (a, d): 5, (c, b): 5}
    ways = {Way(one, other, 0, "surgery"): number for (one, other), number in went.items()}
    cells = readable(in_csv(made({"R-UP": ways}, None))["R-UP"])
    assert bounded(rows(cells, TIERS), {}) == set()


@given(drawn=st.fixed_dictionaries({each: WAYS for each in DRAWN}), asking=ASKING)
@settings(max_examples=60, deadline=None)
def test_E10_26_the_forms_say_the_same(
    drawings: Drawings, drawn: dict[str, dict[Way, int]], asking: str | None
) -> None:
    found = made(drawn, asking)
    assert in_csv(found) == in_html(found) == in_json(found)
    for id_, ways in drawn.items():
        cells = in_csv(found)[id_]
        expected = Counter(
            name for way, number in ways.items() for name in names_of(way) for _ in range(number)
        )
        known = ("", "from-member", "to-member", "tier-pair", "month", "specialty")
        assert {name: value for name, value in cells.items() if value and name[0] in known} == {
            name: value for name, value in expected.items() if cells.get(name) is not None
        }


@given(drawn=st.fixed_dictionaries({each: WAYS for each in DRAWN}), asking=ASKING)
@settings(max_examples=60, deadline=None)
def test_E10_26_no_drawing_has_a_number_that_the_tables_hide(
    drawings: Drawings, drawn: dict[str, dict[Way, int]], asking: str | None
) -> None:
    found = made(drawn, asking)
    drawings.numbers.clear()
    told = in_html(found)
    shown = {
        (name[1], value) for cells in told.values() for name, value in cells.items() if value is not None
    }
    for label, value in drawings.numbers:
        assert value in (None, 0) or (label, value) in shown

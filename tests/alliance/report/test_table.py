"""The table of measures is whole: every one has its words, its resource, and its examples."""

import re

import pytest

from fhir_server.alliance.report.measure import STRATIFIERS
from fhir_server.alliance.report.table import CHAPTERS, MEASURES
from fhir_server.definitions.registry import load
from tests.alliance.report.test_activities import ROWS
from tests.alliance.report.test_referrals import COUNTED


def test_every_measure_has_one_example_that_counts_and_one_that_does_not() -> None:
    assert COUNTED.keys() | ROWS.keys() == MEASURES.keys()
    assert not COUNTED.keys() & ROWS.keys()
    assert all(passed_over for _, _, passed_over in ROWS.values())


def test_ids_are_given_once() -> None:
    assert len(MEASURES) == sum(len(chapter.measures) for chapter in CHAPTERS)


@pytest.mark.parametrize("id_", MEASURES)
def test_a_measure_says_what_it_is(id_: str) -> None:
    measure = MEASURES[id_]
    assert re.fullmatch(r"[A-Z]+(-[A-Z0-9]+)+", id_)
    assert re.search(r"[\u4e00-\u9fff]", measure.chinese) and measure.english.isascii()
    assert measure.resource in load().resource_types
    assert measure.criterion and measure.sums
    assert set(measure.stratifiers) <= STRATIFIERS.keys()
    assert (measure.unit == "分钟") == (measure.statistic == "median")
    assert measure.unit != "名" or measure.statistic == "distinct"


@pytest.mark.parametrize(
    "named",
    [  # every measure that the specification names by its id
        "R-UP",
        "R-DOWN",
        "ROT-EXPERTS",
        "ROT-SESSIONS",
        "ROT-SERVED",
        "EDU-COURSES",
        "EDU-ATTEND",
        "ROT-OUT-TRAIN",
        "ROT-DOWN-POSTED",
        "ROT-LONGTERM",
        "ACT-CASE",
        "ACT-CONSULT",
        "ACT-ROUND",
        "CAP-NEWTECH",
        "CAP-SURGEON-3",
        "CAP-SURGEON-4",
        "MEM-BY-MODE",
        "GRN-CASES",
        "COM-SOLVED",
        "GRP-SIZE",
        "EVT-ATTEND",
        "STA-POPULATION",
        "STA-BEDS",
        "ROT-BATCH",
    ],
)
def test_every_measure_that_is_asked_for_is_there(named: str) -> None:
    assert named in MEASURES

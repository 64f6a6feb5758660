"""Tables of cases for dates, numbers and quantities: by the server and by the reference search.

https://hl7.org/fhir/R4/search.html#prefix
"""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.search.reference import Refused
from tests.search.reference.compare import differences, pages
from tests.search.reference.ranges import PREFIXES
from tests.search.reference.search import Question, search
from tests.search.reference.worlds import Searched, held

CASES = Path(__file__).parents[2] / "cases" / "search"
DATES: dict[str, Any] = json.loads((CASES / "dates.json").read_text())
QUANTITIES: dict[str, Any] = json.loads((CASES / "quantities.json").read_text())

Found = set[str]
"""ids"""


def found(searched: Searched, path: str, name: str, value: str) -> Found:
    """What both find; they have to find the same."""
    question = Question(path, ((name, value), ("_count", "1000")))
    assert differences(searched, question)[0] == []
    return {id_ for _, id_ in search(searched.world, question).hits}


class Held:
    """Resources made for values, each once; their ids tell which."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, Any]] = {}

    def add(self, resource_type: str, value: object, **elements: Any) -> None:
        self.resources[key(value)] = {"resourceType": resource_type, "id": key(value)} | elements


def key(value: object) -> str:
    """An id for a value."""
    return json.dumps(value).encode().hex()[-60:]


def dated(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"effectiveDateTime": value}
        case {"event": _} | {"repeat": _}:
            return {"effectiveTiming": value}
        case _:
            return {"effectivePeriod": value}


@pytest.fixture(scope="module")
def dates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    made = Held()
    groups = [each for row in DATES["rows"] for each in row.values() if isinstance(each, list)]
    groups += [row[name] for row in DATES["approximately"] for name in ("finds", "not")]
    for value in (each for group in groups for each in group):
        made.add("Observation", value, **dated(value))
    yield from opened(tmp_path_factory, made)


def opened(factory: pytest.TempPathFactory, made: Held) -> Iterator[Searched]:
    with (
        asyncio.Runner() as runner,
        held("cases", list(made.resources.values()), factory.mktemp("cases"), runner) as searched,
    ):
        yield searched


@pytest.mark.parametrize("row", DATES["rows"], ids=lambda row: row["search"])
def test_E09_E10_dates_by_prefix_and_precision(dates: Searched, row: dict[str, Any]) -> None:
    for prefix in (*PREFIXES[:-1], ""):
        got = found(dates, "Observation", "date", f"{prefix}{row['search']}")
        for relation, prefixes in DATES["relations"].items():
            for value in row.get(relation, ()):
                expected = (prefix or "eq") in prefixes.split()
                assert (key(value) in got) is expected, (prefix, row["search"], relation, value)


@pytest.mark.parametrize("row", DATES["approximately"], ids=lambda row: row["search"])
def test_E09_dates_that_are_about_right(dates: Searched, row: dict[str, Any]) -> None:
    got = found(dates, "Observation", "date", f"ap{row['search']}")
    assert got.issuperset(map(key, row["finds"]))
    assert got.isdisjoint(map(key, row["not"]))


@pytest.mark.parametrize("value", DATES["refused"])
def test_E11_what_is_no_date_is_refused(dates: Searched, value: str) -> None:
    refused(dates, "Observation", "date", value)


def refused(searched: Searched, path: str, name: str, value: str) -> None:
    question = Question(path, ((name, value),))
    assert differences(searched, question) == ([], "refused")
    with pytest.raises(Refused):
        search(searched.world, question)


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searched]:
    made = Held()
    groups = (each for row in QUANTITIES["rows"] for each in row.values() if isinstance(each, list))
    for value in (each for group in groups for each in group):
        number = Decimal(value)
        made.add("RiskAssessment", ["number", value], prediction=[{"probabilityDecimal": number}])
        made.add("Observation", ["quantity", value], valueQuantity={"value": number})
    for row in QUANTITIES["comparators"]:
        quantity = {"value": Decimal(row["value"]), "comparator": row["comparator"]}
        made.add("Observation", ["comparator", row["value"], row["comparator"]], valueQuantity=quantity)
    for name, quantity in QUANTITIES["held"].items():
        made.add("Observation", name, valueQuantity=quantity | {"value": Decimal(quantity["value"])})
    yield from opened(tmp_path_factory, made)


PARAMETERS = {"number": ("RiskAssessment", "probability"), "quantity": ("Observation", "value-quantity")}


@pytest.mark.parametrize("kind", PARAMETERS)
@pytest.mark.parametrize("row", QUANTITIES["rows"], ids=lambda row: row["search"])
def test_E12_numbers_by_prefix_and_precision(numbers: Searched, row: dict[str, Any], kind: str) -> None:
    for prefix in (*PREFIXES, ""):
        got = found(numbers, *PARAMETERS[kind], f"{prefix}{row['search']}")
        for relation, prefixes in QUANTITIES["relations"].items():
            for value in row.get(relation, ()):
                expected = (prefix or "eq") in prefixes.split()
                assert (key([kind, value]) in got) is expected, (prefix, row["search"], relation, value)


@pytest.mark.parametrize("row", QUANTITIES["comparators"], ids=lambda row: row["comparator"] + row["value"])
def test_E12_comparators_of_quantities(numbers: Searched, row: dict[str, Any]) -> None:
    wanted = key(["comparator", row["value"], row["comparator"]])
    finding = {
        prefix
        for prefix in PREFIXES
        if wanted in found(numbers, *PARAMETERS["quantity"], f"{prefix}{row['search']}")
    }
    assert finding == set(row["prefixes"].split())


@pytest.mark.parametrize("row", QUANTITIES["units"], ids=lambda row: row["search"])
def test_units_of_quantities(numbers: Searched, row: dict[str, Any]) -> None:
    got = found(numbers, *PARAMETERS["quantity"], row["search"])
    assert got.issuperset(map(key, row["finds"]))
    assert got.isdisjoint(map(key, row["not"]))


@pytest.mark.parametrize("value", QUANTITIES["refused"])
def test_E12_what_is_no_number_is_refused(numbers: Searched, value: str) -> None:
    refused(numbers, *PARAMETERS["quantity"], value)


def test_pages_end(dates: Searched) -> None:
    """The tables are read in one page; one that is cut would hide what is wrongly found."""
    found = dates.runner.run(pages(dates.context, Question("Observation", (("_count", "1000"),))))
    assert len(found) == 1 and len(found[0].hits) == len(dates.world.resources)

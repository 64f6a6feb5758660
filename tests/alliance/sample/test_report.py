"""The work report of network B prints exactly the fixed totals (acceptance test 26 of the alliance)."""

import asyncio
import csv
from collections.abc import Awaitable, Callable, Collection, Iterable
from io import StringIO
from pathlib import Path

import pytest

from fhir_server.alliance.sample import totals
from fhir_server.alliance.sample.load import load_sample
from fhir_server.alliance.sample.world import World
from fhir_server.app import OpenContext, Parts
from fhir_server.config import Settings
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import Request
from fhir_server.resource import Resource, content
from fhir_server.store.protocol import Content, Transaction
from tests.alliance.sample.networks import network

# no measure looks at them
LEFT_OUT = ("Patient", "Consent", "Composition", "Encounter", "Contract")

PRINTED = {
    "R-UP": totals.UP_ARRIVALS,
    "R-DOWN": totals.DOWN_ARRIVALS,
    "GRN-CASES": totals.CHEST_PAIN_CASES + totals.STROKE_CASES,
    "TEL-CASES": totals.TELECONSULTS,
    "ROT-EXPERTS": totals.EXPERTS,
    "ROT-SESSIONS": totals.SESSIONS,
    "ROT-SERVED": totals.SERVED,
    "EDU-COURSES": totals.COURSES,
    "EDU-ATTEND": totals.ATTENDANCES,
    "ACT-CASE": totals.CASE_DISCUSSIONS,
    "ACT-CONSULT": totals.CONSULTS,
    "ACT-ROUND": totals.TEACHING_ROUNDS,
    "ROT-OUT-TRAIN": totals.OUTBOUND_TRAINEES,
    "ROT-DOWN-POSTED": totals.POSTED,
    "ROT-LONGTERM": totals.LONG_TERM_POSTED,
    "ROT-BATCH": totals.BATCHES,
    "CAP-NEWTECH": totals.NEW_TECHNIQUES,
    "CAP-SURGEON-3": totals.SURGEONS_3,
    "CAP-SURGEON-4": totals.SURGEONS_4,
    "COM-CASES": totals.CASES_DISCUSSED,
    "COM-SOLVED": totals.CASES_SOLVED,
    "GRP-SIZE": totals.GROUP_MEMBERS,
    "MEM-BY-MODE": 89,
}


async def put(opened: OpenContext, resources: Iterable[Resource]) -> None:
    """Without the checks of a load, which have tests of their own."""
    rows = opened.context.indexer.rows

    async def work(transaction: Transaction) -> None:
        for one in resources:
            found = Content(one["resourceType"], one["id"], content(one), rows(one))
            await transaction.put(found, method="PUT")

    await opened.context.store.transaction(work)


Printed = list[dict[str, str]]
"""The rows of the table."""


async def printed(opened: OpenContext, mark: str) -> Printed:
    """For the county hospital that leads, which may see all of its own small numbers."""
    request = Request(
        "GET",
        resource_type="Organization",
        id=f"network-{mark}-county",
        operation="work-report",
        parameters=[("start", "2018-01-01"), ("end", "2019-07-01"), ("format", "csv")],
        organization=f"Organization/organization-{mark}-county",
    )
    response = await perform(opened.context, request)
    return list(csv.DictReader(StringIO((response.body or b"").decode("utf-8-sig"))))


def report(data: Path, fill: Callable[[OpenContext], Awaitable[object]], mark: str = "b") -> Printed:
    async def run() -> Printed:
        opened = await Parts(Settings(data=str(data))).open_context()
        try:
            await fill(opened)
            return await printed(opened, mark)
        finally:
            await opened.close()

    return asyncio.run(run())


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    found = [one for one in network("B") if one["resourceType"] not in LEFT_OUT]
    return report(tmp_path_factory.mktemp("report"), lambda opened: put(opened, found))


def wholes(rows: Printed, measures: Collection[str] = PRINTED) -> dict[str, str]:
    return {
        row["measure"]: row["value"] for row in rows if not row["stratifier"] and row["measure"] in measures
    }


def test_the_report_prints_the_totals(rows: Printed) -> None:
    assert wholes(rows) == {name: str(number) for name, number in PRINTED.items()}


@pytest.mark.parametrize(
    ("measure", "stratifier"), [("R-UP", "month"), ("R-UP", "from-member"), ("R-DOWN", "to-member")]
)
def test_strata_make_up_the_whole(rows: Printed, measure: str, stratifier: str) -> None:
    strata = [row for row in rows if row["measure"] == measure and row["stratifier"] == stratifier]
    hidden = [row for row in strata if row["hidden"] == "true"]
    shown = sum(int(row["value"]) for row in strata if row["hidden"] == "false")
    assert len(strata) >= 10
    assert shown + len(hidden) <= PRINTED[measure] <= shown + 4 * len(hidden)


def test_months_are_those_of_china(rows: Printed) -> None:
    months = [row["stratum"] for row in rows if row["measure"] == "R-UP" and row["stratifier"] == "month"]
    assert (min(months), max(months), len(months)) == ("2018-01", "2019-06", 18)


def test_stages_stand_beside_each_other(rows: Printed) -> None:
    """The numbers beside each other: who was sent, taken, came, and was done with."""
    values = {measure: int(number) for measure, number in wholes(rows, STAGES).items()}
    assert values["R-UP-SUBMITTED"] > values["R-UP-ACCEPTED"] > values["R-UP"] > values["R-UP-COMPLETED"]
    assert values["R-UP-PATIENTS"] < values["R-UP"]
    assert values["R-UP-OTHER"] == 80


STAGES = ("R-UP", *(f"R-UP-{one}" for one in ("SUBMITTED", "ACCEPTED", "COMPLETED", "PATIENTS", "OTHER")))


@pytest.mark.long
@pytest.mark.parametrize(("seed", "mark"), [(1, "b"), (2, "b2")])
def test_a_network_that_was_loaded_reports_the_same(tmp_path: Path, seed: int, mark: str) -> None:
    found = report(tmp_path, lambda opened: load_sample(opened.context, World("B", seed)), mark)
    assert wholes(found) == {name: str(number) for name, number in PRINTED.items()}

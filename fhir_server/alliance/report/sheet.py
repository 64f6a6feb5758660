"""The report as a table of comma-separated values, which spreadsheets open as it is."""

import csv
from collections.abc import Iterator
from io import StringIO

from fhir_server.alliance.report.figures import Cell, Figure
from fhir_server.alliance.report.measure import STRATIFIERS
from fhir_server.alliance.report.report import Report

COLUMNS = ("measure", "指标", "unit", "stratifier", "分类", "stratum", "名称", "value", "cases", "hidden")
_BOM = "\ufeff"  # without it Excel takes UTF-8 for the code page of the machine
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet(report: Report) -> str:
    """Of every measure the whole, then its strata. A hidden number has neither value nor cases."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for figure in report.figures:
        for row in _rows(report, figure):
            writer.writerow([_harmless(each) for each in row])
    return _BOM + out.getvalue()


def _rows(report: Report, figure: Figure) -> Iterator[list[str]]:
    measure = figure.measure
    about = [measure.id, measure.chinese, measure.unit]
    yield [*about, "", "", "", "", *_numbers(figure.total)]
    for stratifier, cells in figure.strata.items():
        for stratum, cell in cells.items():
            label = report.labels.of(stratifier, stratum)
            yield [*about, stratifier, STRATIFIERS[stratifier][0], stratum, label, *_numbers(cell)]


def _numbers(cell: Cell) -> list[str]:
    return ["", "", "true"] if cell.hidden else [f"{cell.value:g}" if cell.value % 1 else f"{cell.value:.0f}",
                                                 str(cell.cases), "false"]  # fmt: skip


def _harmless(text: str) -> str:
    """A text that a spreadsheet would take for a formula begins with an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) and text != "-" else text

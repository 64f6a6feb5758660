"""One row per sentence of the specification: tests/cases/fhirpath/*.json, a file per section.

A row has `on` (the file of an official example), `expression`, and `result` or a part of the `error`; where
the npm package fhirpath answers otherwise, `npm` and `because` say what and why.
"""

import json
from typing import Any

import pytest

from fhir_server.fhirpath import parse, print_expression
from tests.fhirpath.answers import answer, example, untyped_answer
from tests.fhirpath.oracle.ask import CASES

ROWS = [
    pytest.param(row, id=f"{file.stem}: {row['expression']}")
    for file in sorted(CASES.glob("[0-9ef]*.json"))
    for row in json.loads(file.read_text())
]


def check(row: dict[str, Any], found: list[Any] | str) -> None:
    if "error" in row:
        assert isinstance(found, str)
        assert row["error"] in found
    else:
        assert found == row["result"]


@pytest.mark.parametrize("row", ROWS)
def test_a_sentence_of_the_specification(row: dict[str, Any]) -> None:
    each = example(row["on"])
    check(row, answer(row["expression"], each))
    # without static types
    check(row, untyped_answer(row["expression"], each))
    if "result" in row:
        check(row, answer(print_expression(parse(row["expression"])), each))

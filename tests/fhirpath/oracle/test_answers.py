"""The files of answers are what the npm package fhirpath says; needs Node.js 20 or newer."""

import json
import lzma
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.fhirpath.answers import example
from tests.fhirpath.oracle.ask import (
    CASES,
    CONSTRAINT_ANSWERS,
    PACKAGE,
    SEARCH_ANSWERS,
    ask,
    constraint_answers,
    lenient,
    search_answers,
)
from tests.fhirpath.oracle.engines import expressions, kept_answers, of_npm

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js is missing: FHIRPath was NOT compared with the npm package fhirpath")
    folder = tmp_path_factory.mktemp("fhirpath")
    command = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def test_search_expressions(folder: Path) -> None:
    kept = [json.loads(line) for line in lzma.decompress(SEARCH_ANSWERS.read_bytes()).splitlines()]
    assert list(search_answers(folder)) == kept


def test_constraints(folder: Path) -> None:
    assert constraint_answers(folder) == json.loads(CONSTRAINT_ANSWERS.read_text())


def test_sections(folder: Path) -> None:
    """A row without `npm` has the package's answer; one with it has that other answer still."""
    rows = [row for file in sorted(CASES.glob("[0-9ef]*.json")) for row in json.loads(file.read_text())]
    by_file: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("npm") != "not asked":
            by_file.setdefault(row["on"], []).append(row)
    asked = [
        (example(file), [((), None, row["expression"], 0) for row in several])
        for file, several in by_file.items()
    ]
    plain = [(json.loads(json.dumps(each, default=float)), questions) for each, questions in asked]
    wrong = [
        (row["expression"], answer)
        for several, answers in zip(by_file.values(), ask(folder, plain), strict=True)
        for row, answer in zip(several, answers, strict=True)
        if not agrees(row, answer)
    ]
    assert wrong == []


def agrees(row: dict[str, Any], answer: Any) -> bool:
    failed = isinstance(answer, dict)
    match row.get("npm"):
        case None:
            return failed if "error" in row else bool(answer == row["result"])
        case "fails":
            return failed
        case "other":
            return not failed
        case other:
            return bool(answer == other)


def test_lenient() -> None:
    assert lenient("(Observation.value as Quantity).unit") == "Observation.value.ofType(Quantity).unit"


def test_engines(folder: Path) -> None:
    """The package's part of engines.jsonl.xz; the Java engine's is asked again by hand (engines.py)."""
    rows = kept_answers()
    texts = [row["expression"] for row in rows]
    assert texts == expressions()
    assert of_npm(texts, folder) == [row["npm"] for row in rows]

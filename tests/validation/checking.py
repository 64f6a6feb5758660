"""The validator of the core definitions, shared by the tests of this folder."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fhir_server.definitions.registry import Definitions, load
from fhir_server.resource import decode
from fhir_server.validation.structure import Validator

CASES = Path(__file__).parents[1] / "cases" / "validation"


@cache
def definitions() -> Definitions:
    return load()


@cache
def validator() -> Validator:
    return Validator(definitions())


def cases() -> Iterator[tuple[str, str, Any, list[list[str]]]]:
    """(rule, name, data, issues as [code, expression, diagnostics]) of every row under `cases/validation`."""
    for path in sorted(CASES.glob("*.json")):
        for case in decode(path.read_bytes())["tests"]:
            yield path.stem, case["name"], case["data"], case["issues"]


def refused_examples() -> dict[str, dict[str, Any]]:
    """The official examples that break the specification: by file, the reason and the issues."""
    found: dict[str, dict[str, Any]] = json.loads((CASES / "official" / "refused.json").read_text())
    return found


def patient(**changes: Any) -> dict[str, Any]:
    return {"resourceType": "Patient"} | changes


def codes(resource: dict[str, Any]) -> list[tuple[str, str | None]]:
    """(code, expression) of the issues of a resource."""
    return [(issue.code, issue.expression) for issue in validator().check(resource)]

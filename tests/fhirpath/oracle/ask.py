"""Asks the npm package fhirpath, another implementation, and keeps its answers as files that tests read.

    python -m tests.fhirpath.oracle.ask FOLDER

FOLDER has `fhirpath@5` installed by npm. Writes search_expressions.jsonl.xz and constraints.json in
tests/cases/fhirpath. Without them being asked again, answers and engine are compared by
../test_search_expressions.py and ../test_constraints.py.
"""

import json
import lzma
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from fhir_server.definitions.registry import Definitions, load
from fhir_server.fhirpath import FhirPathError, ast, parse, print_expression
from tests.examples import official_examples
from tests.fhirpath.elements import Found, elements

PACKAGE = "fhirpath@5.2.2"
CASES = Path(__file__).parents[2] / "cases" / "fhirpath"
SEARCH_ANSWERS = CASES / "search_expressions.jsonl.xz"
CONSTRAINT_ANSWERS = CASES / "constraints.json"
SIZE_LIMIT = 300_000  # bytes of an example; the four larger ones would be half of the time

Question = tuple[tuple[str | int, ...], str | None, str, int]
"""(keys that lead to where it starts, its type or None for the resource, expression, keys to its resource)"""


@cache
def definitions() -> Definitions:
    return load()


def examples() -> list[tuple[str, dict[str, Any]]]:
    """(file, resource), decoded as JavaScript does: numbers are floats."""
    return [(file, json.loads(text)) for file, text in official_examples() if len(text) < SIZE_LIMIT]


def ask(folder: Path, rows: Iterable[tuple[dict[str, Any], list[Question]]]) -> list[list[Any]]:
    """For each question the list of values, or {"error"}."""
    lines = (json.dumps({"resource": resource, "questions": questions}) for resource, questions in rows)
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("answer.mjs")), str(folder)],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return [
        [answer.get("values", answer) for answer in json.loads(line)] for line in done.stdout.splitlines()
    ]


@cache
def lenient(text: str) -> str:
    """The expression with ofType() for `as`, which the package refuses on several items."""
    try:
        return print_expression(_lenient(parse(text)))
    except FhirPathError:
        return text


def _lenient(node: ast.Node) -> ast.Node:
    changed: dict[str, Any] = {}
    for each in fields(node):
        match getattr(node, each.name):
            case ast.TypeSpecifier():
                pass
            case ast.Node() as child:
                changed[each.name] = _lenient(child)
            case tuple() as several:
                changed[each.name] = tuple(map(_lenient, several))
    node = replace(node, **changed)
    if not isinstance(node, ast.As):
        return node
    namespace = None if node.type.namespace is None else ast.Path(None, node.type.namespace)
    return ast.Function(node.operand, "ofType", (ast.Path(namespace, node.type.name),))


def search_expressions(resource_type: str) -> list[str]:
    found = definitions().search_parameters(resource_type).values()
    return sorted({each.expression for each in found if each.expression is not None})


def search_answers(folder: Path) -> Iterator[dict[str, Any]]:
    """{"file", "answers": {expression: values, where there are any}}"""
    rows = [(file, resource, search_expressions(resource["resourceType"])) for file, resource in examples()]
    questions = [
        (resource, [((), None, lenient(expression), 0) for expression in expressions])
        for _, resource, expressions in rows
    ]
    for (file, _, expressions), answers in zip(rows, ask(folder, questions), strict=True):
        asked = zip(expressions, answers, strict=True)
        yield {"file": file, "answers": {expression: answer for expression, answer in asked if answer}}


def constraint_questions(resource: dict[str, Any]) -> Iterator[tuple[Found, str, Question]]:
    """(element, key, question) of every constraint of every element, but those on narratives."""
    for found in elements(definitions(), resource):
        for constraint in found.constraints:
            if constraint.expression != "htmlChecks()":
                base = found.type if found.keys else None
                inner = found.inner
                yield found, constraint.key, (found.keys, base, lenient(constraint.expression), inner)


def constraint_answers(folder: Path) -> dict[str, Any]:
    """How many were asked, and those whose answer is not true: [file, path, key, answer]."""
    rows = [(file, resource, list(constraint_questions(resource))) for file, resource in examples()]
    asked = ask(
        folder, ((resource, [question for _, _, question in questions]) for _, resource, questions in rows)
    )
    not_true = [
        [file, path(found), key, answer]
        for (file, _, questions), answers in zip(rows, asked, strict=True)
        for (found, key, _), answer in zip(questions, answers, strict=True)
        if answer != [True]
    ]
    return {"asked": sum(len(questions) for _, _, questions in rows), "not_true": not_true}


def path(found: Found) -> str:
    """`/entry/0/resource`, the JSON pointer of an element."""
    return "".join(f"/{key}" for key in found.keys)


def write(folder: Path) -> None:
    lines = (json.dumps(row, separators=(",", ":")) for row in search_answers(folder))
    SEARCH_ANSWERS.write_bytes(lzma.compress("\n".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME))
    answers = constraint_answers(folder)
    rows = ",\n".join("    " + json.dumps(row) for row in answers["not_true"])
    CONSTRAINT_ANSWERS.write_text(f'{{"asked": {answers["asked"]}, "not_true": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    write(Path(sys.argv[1]))

"""Asks two other engines the same questions on values of all System types, and keeps what they say.

    python -m tests.fhirpath.oracle.engines FOLDER COMMAND

FOLDER has `fhirpath@5` installed by npm. COMMAND answers, for a file with a JSON object a line
(`{"resource", "expression"}`), a line `{"results": [text…]}` or `{"error"}` each by HL7's Java engine for R4.
Writes engines.jsonl.xz in tests/cases/fhirpath; ../test_engines.py compares.
"""

import json
import lzma
import re
import subprocess
import sys
import tempfile
from decimal import Decimal, InvalidOperation
from pathlib import Path
from random import Random
from typing import Any

from tests.fhirpath.answers import example
from tests.fhirpath.oracle.ask import CASES, ask

ANSWERS = CASES / "engines.jsonl.xz"
ON = "Patient-example.json"

LITERALS = (
    "0", "1", "-1", "2", "2147483647", "1.0", "1.587", "-1.587", "0.0034", "-0.0034", "120.50", "100.00",
    "0.0", "''", "'abc'", "'ABC'", "' a b '", "'1'", "'-1'", "'1.5'", "'true'", "'T'", "'no'", "'2014-01'",
    "'2014-05-06T10:30:00Z'", "'10:30'", r"'1 \'mg\''", "'4 days'", "'a,b,,c'", "'<b>&\"'", "true", "false",
    "@2014", "@2014-05", "@2014-05-06", "@2012-02-29", "@2014T", "@2014-05T", "@2014-05-06T",
    "@2014-05-06T10", "@2014-05-06T10:30", "@2014-05-06T10:30:15", "@2014-05-06T10:30:15.123",
    "@2014-05-06T10:30:15Z", "@2014-05-06T10:30:15.5+08:00", "@T10", "@T10:30", "@T10:30:15",
    "@T10:30:15.123", "{}",
    "1 'mg'", "0.001 'g'", "4.5 'kg'", "1 'wk'", "7 'd'", "2 weeks", "1 year", "12 months", "37.5 'Cel'",
    "5 'cm'", "0.05 'm'", "4 days", "1 'tablets'", "5L", "-5L", "3000000000L", "9223372036854775807L",
)  # fmt: skip
FUNCTIONS = (
    *(f"{to}{name}()"
      for name in ("String", "Integer", "Decimal", "Boolean", "Date", "DateTime", "Time", "Quantity")
      for to in ("to", "convertsTo")),
    "abs()", "ceiling()", "floor()", "truncate()", "round()", "round(1)", "sqrt()", "ln()", "exp()", "log(2)",
    "power(2)", "precision()", "lowBoundary()", "highBoundary()", "lowBoundary(2)", "highBoundary(6)",
    "length()", "upper()", "lower()", "toChars().count()", "trim()", "not()", "type().name", "exists()",
    "count()", "is(System.String)", "is(System.Decimal)", "is(System.Quantity)", "split(',').count()",
    "encode('base64')", "escape('html')", "indexOf('a')", "matches('^a')", "substring(1)", "startsWith('a')",
    "contains('b')", "toLong()", "convertsToLong()", "is(System.Long)", "sum()", "min()", "max()", "avg()",
    "comparable(1 'g')", "toQuantity('g')", "matches('^A', 'i')",
)  # fmt: skip
OPERATORS = (
    "+", "-", "*", "/", "div", "mod", "&", "=", "!=", "~", "!~", "<", "<=", ">", ">=",
    "and", "or", "xor", "implies", "|",
)  # fmt: skip
PAIRS = 1500


def expressions() -> list[str]:
    """Each function on each literal, and operators between literals drawn at random."""
    found = [f"({literal}).{function}" for literal in LITERALS for function in FUNCTIONS]
    random = Random(7)
    for _ in range(PAIRS):
        one, other = random.choice(LITERALS), random.choice(LITERALS)
        found.append(f"({one}) {random.choice(OPERATORS)} ({other})")
    return list(dict.fromkeys(found))


_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) '?([^' ]+?)'?")
_SINGULAR = {"weeks": "week", "days": "day", "years": "year", "months": "month"}
ERROR = "error"


def comparable(value: Any) -> str:
    """One spelling for values that the engines print each in their own way."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return f"{comparable(value['value'])} {value.get('code') or value.get('unit')}"
        case int() | float() | Decimal():
            return _number(Decimal(str(value)))
    text = str(value)
    if _NUMBER.fullmatch(text):
        return _number(Decimal(text))
    if found := _QUANTITY.fullmatch(text):
        return f"{_number(Decimal(found[1]))} {_SINGULAR.get(found[2], found[2])}"
    return text.removeprefix("@").removeprefix("T")


def _number(number: Decimal) -> str:
    try:
        number = number.quantize(Decimal("1e-8"))
    except InvalidOperation:
        return f"{number:e}"
    return f"{number.normalize():f}"


def of_npm(texts: list[str], folder: Path) -> list[list[str] | str]:
    patient = json.loads(json.dumps(example(ON), default=float))
    (found,) = ask(folder, [(patient, [((), None, text, 0) for text in texts])])
    return [ERROR if isinstance(each, dict) else _comparable(each) for each in found]


def _of_java(texts: list[str], command: str) -> list[list[str] | str]:
    patient = json.loads(json.dumps(example(ON), default=float))
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps({"resource": patient, "expression": text}) + "\n" for text in texts)
        file.flush()
        done = subprocess.run([*command.split(), file.name], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [ERROR if "error" in line else _comparable(line["results"]) for line in lines]


def _comparable(values: list[Any]) -> list[str]:
    return [comparable(value) for value in values if value is not None]


def answers(folder: Path, command: str) -> list[dict[str, Any]]:
    texts = expressions()
    both = zip(texts, of_npm(texts, folder), _of_java(texts, command), strict=True)
    return [{"expression": text, "npm": npm, "java": java} for text, npm, java in both]


def kept_answers() -> list[dict[str, Any]]:
    return [json.loads(line) for line in lzma.decompress(ANSWERS.read_bytes()).splitlines()]


if __name__ == "__main__":
    rows = answers(Path(sys.argv[1]), sys.argv[2])
    ANSWERS.write_bytes(lzma.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    sys.stdout.write(f"{len(rows)} expressions\n")

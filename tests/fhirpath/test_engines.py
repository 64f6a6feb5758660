"""What two other engines answer, HL7's for R4 in Java and the npm package fhirpath, and where we differ.

A difference stands in `DIFFERENCES` with what decides it; one that does not is an error.
"""

import re
from collections import Counter
from functools import cache
from typing import Any

from fhir_server.fhirpath import FhirPathError
from tests.fhirpath.answers import compiled, example
from tests.fhirpath.oracle.engines import ERROR, ON, comparable, kept_answers

Answer = list[str] | str

QUANTITY = r"\([\d.]+ ('\S+'|weeks|days|years?|months)\)"
MOMENT = r"\(@\S+\)"
NUMBER = r"\(-?[\d.]+\)"
TEXT = r"\('.*'\)"

ANY = r".*"
OPERAND = rf"(?:{QUANTITY}|{MOMENT}|{NUMBER}|{TEXT}|\(true\)|\(false\)|\(\{{\}}\))"
NOT_TEXT = rf"(?:{QUANTITY}|{MOMENT}|{NUMBER}|\(true\)|\(false\))"
NOT_NUMBER = rf"(?:{MOMENT}|{TEXT}|\(true\)|\(false\))"
OF_NUMBERS = r"\.(abs|ceiling|floor|truncate|round|sqrt|ln|exp|log|power)\(\d?\)"
OF_TEXTS = (
    r"\.(length|upper|lower|trim|toChars|split|encode|escape|indexOf|matches|substring|startsWith|contains)"
    r"\(.*"
)
OPERATOR = r"(\+|-|\*|/|div|mod|=|!=|~|!~|<|<=|>|>=|\|)"

# functions of trial use whose meaning the engines do not share
SINCE = re.compile(r"\dL\)|\.(sum|avg|comparable)\(|\.toQuantity\('g'\)")

# N1: https://hl7.org/fhirpath/N1/; STU: https://hl7.org/fhirpath/
DIFFERENCES: tuple[tuple[str, str, str], ...] = (
    # (engine, expression, what decides)
    ("java", rf"{ANY}\.(toDate|toDateTime|toTime)\(\)", "N1 5.5: the engine for R4 does not have them"),
    ("java", rf"{NOT_TEXT}{OF_TEXTS}", "N1 5.6: the input is a String; N1 4.1: else it is an error"),
    ("java", rf"{TEXT}\.(upper|lower|exists)\(\)", "N1 4.1: the empty string is a value"),
    ("java", rf"{TEXT}\.escape\('html'\)", "HTML: an apostrophe is escaped as a character reference"),
    ("java", rf"{NOT_NUMBER}{OF_NUMBERS}", "N1 5.7: the input is a number; N1 4.1: else it is an error"),
    (
        "java",
        rf"{QUANTITY}{OF_NUMBERS}",
        "STU 5.7: a Quantity keeps its unit; to a root or logarithm it is no number",
    ),
    ("java", rf"\(\{{\}}\)(?:{OF_NUMBERS}|\.precision\(\))", "N1 5.7: empty for an empty input"),
    ("java", r"\(-0\.0034\)\.truncate\(\)", "there is no negative zero"),
    (
        "both",
        rf"{NUMBER}\.(exp|power)\(2?\)",
        "N1 5.7: empty where the result cannot be represented (28 digits)",
    ),
    (
        "java",
        rf"{ANY}\.precision\(\)",
        "STU: digits of a Decimal, and digits that are there; others are an error",
    ),
    ("npm", rf"{ANY}\.precision\(\)", "STU 5.9: the package does not have it"),
    (
        "java",
        rf"{MOMENT}\.(low|high)Boundary\(.?\)",
        "STU: a precision that the type does not have is empty; hours",
    ),
    (
        "java",
        r"\((0\.0|-0\.0034)\)\.(low|high)Boundary\(.?\)",
        "STU: half of the last digit; the low one is lower",
    ),
    ("npm", rf"(?:{TEXT}|\(true\)|\(false\))\.(low|high)Boundary\(.?\)", "HL7's engine is empty here too"),
    (
        "npm",
        rf"{QUANTITY}\.(low|high)Boundary\(.?\)",
        "STU: the input may be a Quantity; the package has none",
    ),
    (
        "npm",
        rf"{MOMENT}\.(low|high)Boundary\(\)",
        "STU: without an offset it may be of any, +14:00 to -12:00",
    ),
    ("java", rf"{ANY}\.is\(System\.(Decimal|Quantity)\)", "N1 6.3: a literal is of the System type"),
    ("java", rf"{NUMBER}\.type\(\)\.name", "N1 10: the System types are called Integer and Decimal"),
    ("java", rf"{MOMENT}\.type\(\)\.name", "N1 4.1.6: with a T it is a DateTime"),
    (
        "java",
        rf"{MOMENT}\.(toString|convertsToString)\(\)",
        "N1 5.5: every DateTime has a text, as precise as it is",
    ),
    ("java", rf"(?:{MOMENT}|\('true'\))\.to(Integer|Decimal)\(\)", "N1 5.5: not among what converts"),
    ("java", rf"{TEXT}\.(toBoolean|convertsToBoolean)\(\)", "N1 5.5: '1', 'T', 'no' are among the texts"),
    ("java", r"\((true|false)\)\.toQuantity\(\)", "N1 5.5: true is 1.0 '1'"),
    ("java", r"\('4 days'\)\.toQuantity\(\)", "N1 5.5: a calendar duration stays one"),
    ("java", r"\(\{\}\)\.convertsTo\w+\(\)", "N1 5.5: empty for an empty input"),
    ("npm", rf"{MOMENT}\.toDateTime\(\)", "N1 4.1.6: the text of a DateTime has a T"),
    (
        "npm",
        rf"{TEXT}\.(toDate|convertsToDate)\(\)",
        "N1 5.5: a text that is a DateTime converts to its Date",
    ),
    (
        "java",
        rf"{OPERAND} {OPERATOR} {QUANTITY}",
        "N1 6: units compare, add and multiply; else an error or empty",
    ),
    (
        "java",
        rf"{QUANTITY} {OPERATOR} {OPERAND}",
        "N1 6: units compare, add and multiply; else an error or empty",
    ),
    (
        "java",
        rf"{MOMENT} {OPERATOR} {OPERAND}",
        "N1 6.1, 6.2: other precisions are empty; the text keeps them",
    ),
    (
        "java",
        rf"{OPERAND} {OPERATOR} {MOMENT}",
        "N1 6.1, 6.2: other precisions are empty; the text keeps them",
    ),
    ("java", r"\('1'\) = \(1\)", "N1 6.1: a number and a text are not equal"),
    (
        "npm",
        rf"{OPERAND} (\+|-|\*|/) {OPERAND}",
        "N1 6.6: operands of other types are an error; units multiply",
    ),
    ("npm", rf"{NUMBER} (=|!=) {MOMENT}", "N1 6.1: a number and a date are not equal"),
    ("npm", rf"{QUANTITY} (=|!=) {QUANTITY}", "N1 6.1: a mass and a duration are not equal"),
    ("npm", rf"{OPERAND} (div|mod) {OPERAND}", "N1 6.6: empty for an empty operand"),
    ("java", r"\(2147483647\) \+ \(1\)", "N1 6.6: an overflow is empty"),
    ("java", r"\(-1\.587\) / \(1\.0\)", "N1 6.6: the quotient is exact where it can be"),
    ("java", r"\('true'\) !~ \(true\)|\(1\) ~ \('1'\)", "N1 6.1: a text is of another type"),
    ("npm", rf"{NUMBER} = {QUANTITY}", "N1 6.1: they compare as Quantities, which are not equal"),
    ("java", rf"{ANY}\dL\){ANY}", "STU 4.1: the type Long; the engine for R4 does not have it"),
    ("npm", rf"{ANY}\dL\){ANY}", "STU 5.5: a Long converts to Decimal and Quantity, and has 64 bits"),
    ("java", rf"{ANY}\.(toLong|convertsToLong)\(\)", "STU 5.5: the engine for R4 does not have them"),
    ("java", rf"{ANY}\.(sum|min|max|avg)\(\)", "STU 7: the engine for R4 does not have them"),
    ("npm", rf"{ANY}\.(sum|avg)\(\)", "STU 7: of numbers and Quantities, with whatever unit"),
    ("npm", r"\((true|false)\)\.(min|max)\(\)", "STU 7: a Boolean has no order"),
    ("java", rf"{ANY}\.toQuantity\('g'\)", "N1 5.5: the unit is an argument"),
    ("npm", rf"{ANY}\.toQuantity\('g'\)", "STU 5.5: what has no unit takes the one that is given"),
    ("both", rf"{ANY}\.comparable\(1 'g'\)", "STU 6.2: empty where either is no Quantity"),
    ("java", rf"{ANY}\.matches\('\^A', 'i'\)", "STU 5.6: the engine for R4 does not have flags"),
)


def ours(text: str) -> Answer:
    try:
        found = compiled(text, "Patient").evaluate(example(ON))
    except FhirPathError:
        return ERROR
    return [comparable(value) for value in found]


@cache
def rows() -> list[tuple[dict[str, Any], Answer]]:
    return [(row, ours(row["expression"])) for row in kept_answers()]


def explained(engine: str, text: str) -> bool:
    return any(each in (engine, "both") and re.fullmatch(pattern, text) for each, pattern, _ in DIFFERENCES)


def test_no_difference_without_a_reason() -> None:
    differences = [
        f"{engine}: {row['expression']} is {found}, there {row[engine]}"
        for row, found in rows()
        for engine in ("npm", "java")
        if found != row[engine] and not explained(engine, row["expression"])
    ]
    assert differences == []


def test_no_reason_without_a_difference() -> None:
    differing = [
        (engine, row["expression"])
        for row, found in rows()
        for engine in ("npm", "java")
        if found != row[engine]
    ]
    for engine, pattern, _ in DIFFERENCES:
        assert any(engine in (each, "both") and re.fullmatch(pattern, text) for each, text in differing), (
            pattern
        )


def test_most_answers_are_those_of_both() -> None:
    agreed = Counter((found == row["npm"], found == row["java"]) for row, found in rows())
    assert agreed[True, True] > 3100
    of_both = [found == row["npm"] for row, found in rows() if not SINCE.search(row["expression"])]
    assert sum(of_both) > 0.94 * len(of_both)

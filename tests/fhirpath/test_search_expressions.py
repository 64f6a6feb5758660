"""All expressions of R4's search parameters over the official examples, against the npm package fhirpath."""

import json
import lzma

from fhir_server.fhirpath import FhirPathError
from tests.fhirpath.answers import answer, compiled, example
from tests.fhirpath.oracle.ask import SEARCH_ANSWERS, definitions, search_expressions

# JavaScript's numbers make 1E-245 and 1E-22 one value
NOT_COMPARED = {"Observation-decimal.json"}
# the package cannot unite quantities of which one has a comparator
FAILS_THERE = {"Observation-decimal.json", "Observation-f205.json"}


def test_every_search_expression_agrees_with_another_implementation() -> None:
    wrong = []
    rows = [json.loads(line) for line in lzma.decompress(SEARCH_ANSWERS.read_bytes()).splitlines()]
    for row in rows:
        if row["file"] in NOT_COMPARED:
            continue
        each = example(row["file"])
        for expression in search_expressions(each["resourceType"]):
            wanted = row["answers"].get(expression, [])
            if isinstance(wanted, dict):
                assert row["file"] in FAILS_THERE
            elif (found := answer(expression, each)) != wanted:
                wrong.append((row["file"], expression, found, wanted))
    assert wrong == []
    assert len(rows) > 700
    assert sum(len(row["answers"]) for row in rows) > 6000


def test_types_of_the_values_are_types_that_the_parameter_can_index() -> None:
    """What is typed as T is evaluated as the same values, and T is a type of FHIR."""
    for line in lzma.decompress(SEARCH_ANSWERS.read_bytes()).splitlines()[::20]:
        row = json.loads(line)
        each = example(row["file"])
        for text in row["answers"]:
            expression = compiled(text, each["resourceType"])
            typed = expression.typed(each)
            assert [value for _, value in typed] == expression.evaluate(each)
            assert all(definitions().has_type(type_) for type_, _ in typed)


def test_every_expression_compiles_for_each_of_its_types() -> None:
    failed = []
    for resource_type in sorted(definitions().resource_types):
        for expression in search_expressions(resource_type):
            try:
                compiled(expression, resource_type)
            except FhirPathError as error:
                failed.append((resource_type, expression, str(error)))
    assert failed == []

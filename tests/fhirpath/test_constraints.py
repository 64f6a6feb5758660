"""All constraints of the base types over the official examples, against the npm package fhirpath."""

import json
from typing import Any

from fhir_server.fhirpath import FhirPathError, Scope
from tests.fhirpath.answers import compiled, example
from tests.fhirpath.elements import elements
from tests.fhirpath.oracle.ask import CONSTRAINT_ANSWERS, constraint_questions, definitions, examples, path

# (file, key) -> why the package's answer is not ours
DIFFERENT = {
    # a bug of the package: a decimal cannot be the item at which it starts ("getDecimal is not a function")
    ("RiskAssessment-cardiac.json", "ras-1"),
    ("RiskAssessment-genetic.json", "ras-1"),
    ("RiskAssessment-population.json", "ras-1"),
    ("RiskAssessment-prognosis.json", "ras-1"),
    ("RiskAssessment-riskexample.json", "ras-1"),
}


def answer(expression: str, type_: str, value: Any, scope: Scope) -> list[Any]:
    found = compiled(expression, type_).truth(value, scope)
    return [] if found is None else [found]


def test_every_constraint_agrees_with_another_implementation() -> None:
    kept = json.loads(CONSTRAINT_ANSWERS.read_text())
    asked, not_true = 0, []
    for file, _ in examples():
        each = example(file)
        for found, key, question in constraint_questions(each):
            asked += 1
            ours = answer(question[2], found.type, found.value, Scope(found.resource, each))
            if (file, key) in DIFFERENT:
                assert ours == [True]
            elif ours != [True]:
                not_true.append([file, path(found), key, ours])
    assert asked == kept["asked"]
    assert not_true == [row for row in kept["not_true"] if (row[0], row[2]) not in DIFFERENT]


def test_every_constraint_of_every_type_compiles() -> None:
    names = [
        *sorted(definitions().resource_types),
        "Quantity",
        "Age",
        "Timing",
        "Dosage",
        "ElementDefinition",
    ]
    failed, texts = [], set()
    for name in names:
        for constraint in definitions().type(name).constraints:
            texts.add(constraint.expression)
            try:
                compiled(constraint.expression, name)
            except FhirPathError as error:
                failed.append((name, constraint.key, str(error)))
    assert failed == []
    assert len(texts) > 40


def test_narratives_that_the_official_validator_refuses_are_the_ones_that_fail() -> None:
    failed = []
    for file, _ in examples():
        for found in elements(definitions(), example(file)):
            for constraint in found.constraints:
                if constraint.key == "txt-2" and answer(
                    constraint.expression, found.type, found.value, Scope(found.resource)
                ) != [True]:
                    failed.append(file)
    assert failed == [
        "ActivityDefinition-blood-tubes-supply.json",
        "ActivityDefinition-heart-valve-replacement.json",
        "EventDefinition-example.json",
        "Questionnaire-zika-virus-exposure-assessment.json",
    ]

"""Each rule by its rows under `cases/validation`, and what holds of every check."""

import time
from typing import Any

import pytest

from fhir_server.resource import encode
from fhir_server.validation.structure import _WARNED_WITHIN, ISSUES_LIMIT
from tests.validation.checking import cases, codes, definitions, patient, validator

CASES = list(cases())


@pytest.mark.parametrize(
    ("data", "issues"),
    [pytest.param(data, issues, id=f"{rule}: {name}") for rule, name, data, issues in CASES],
)
def test_a_rule(data: dict[str, Any], issues: list[list[str]]) -> None:
    before = encode(data)
    found = validator().check(data)
    assert [[issue.code, issue.expression, issue.diagnostics] for issue in found] == issues
    assert {issue.severity for issue in found} <= {"error"}
    assert encode(data) == before  # a check never mutates


def test_the_rules_have_rows_that_pass_and_rows_that_fail() -> None:
    for rule in {rule for rule, *_ in CASES}:
        assert {bool(issues) for name, _, _, issues in CASES if name == rule} == {True, False}


def test_expressions_start_where_the_resource_stands() -> None:
    at = "Bundle.entry[3].resource"
    (issue,) = validator().check(patient(name=[{"famly": "x"}]), at)
    assert issue.expression == f"{at}.name[0]"
    assert issue.diagnostics.startswith(f"{at}.name[0]: ")


def test_a_check_does_not_stop_at_the_first_issue() -> None:
    assert codes(patient(active="yes", birthDate="2024-02-30", gender="f", nmae=[])) == [
        ("value", "Patient.active"),
        ("value", "Patient.birthDate"),
        ("code-invalid", "Patient.gender"),
        ("structure", "Patient"),
    ]


def test_a_million_mistakes_are_counted_out_quickly() -> None:
    started = time.process_time()
    found = validator().check(patient(**{f"nam{number}": 1 for number in range(200_000)}))
    assert time.process_time() - started < 1
    assert len(found) == ISSUES_LIMIT + 1
    assert [issue.severity for issue in found[-2:]] == ["error", "information"]
    assert found[-1].code == "incomplete"


def test_a_long_value_is_not_echoed_whole() -> None:
    (issue,) = validator().check(patient(birthDate="9" * 1_000_000))
    assert len(issue.diagnostics) < 300


def test_warnings_are_told_in_a_review_only() -> None:
    assert validator().check(patient(active=True)) == []
    (issue,) = validator().review(patient(active=True))
    assert (issue.severity, issue.message, issue.expression) == ("warning", "constraint-dom-6", "Patient")
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "urn:x:1", "resource": patient(active=True)}],
    }
    assert [issue.expression for issue in validator().review(bundle)] == ["Bundle.entry[0].resource"]


def test_a_review_tells_errors_with_the_warnings() -> None:
    found = validator().review(patient(gender="x"))
    assert [(issue.severity, issue.code) for issue in found] == [
        ("error", "code-invalid"),
        ("warning", "invariant"),
    ]


def test_warnings_stand_at_the_resource_or_are_looked_for_below() -> None:
    """Of all types; a new release may have others."""
    below = set()
    for name in definitions().resource_types:
        pending, seen = [name], {name}
        while pending:
            described = definitions().type(pending.pop())
            for element in described.elements.values():
                if any(one.severity == "warning" for one in element.constraints):
                    below.add(name)
                for type_ in set(element.types) - seen:
                    seen.add(type_)
                    found = definitions().type(type_)
                    if found.kind != "resource":
                        pending.append(type_)
                        if any(one.severity == "warning" for one in found.constraints):
                            below.add(name)
    assert below == _WARNED_WITHIN

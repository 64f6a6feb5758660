"""Issues, and which status each error has."""

import json
from typing import Any

import pytest

from fhir_server import outcome
from fhir_server.definitions.registry import load
from fhir_server.outcome import ISSUE_CODES, FhirError, Issue, operation_outcome
from fhir_server.validation.structure import Validator

ISSUE_TYPES = load().codes("http://hl7.org/fhir/ValueSet/issue-type")


def test_issue_codes_are_those_of_fhir() -> None:
    assert ISSUE_TYPES is not None
    assert set(ISSUE_CODES) == {code for _, code in ISSUE_TYPES}


@pytest.mark.parametrize(
    ("name", "arguments", "status", "code"),
    [
        ("invalid", ("x",), 400, "invalid"),
        ("malformed", ("x",), 400, "structure"),
        ("bad_value", ("x",), 400, "value"),
        ("missing", ("x",), 400, "required"),
        ("not_supported", ("x",), 400, "not-supported"),
        ("too_costly", ("x",), 400, "too-costly"),
        ("unknown_definition", ("x",), 400, "not-found"),
        ("unknown_type", ("x",), 404, "not-supported"),
        ("not_found", ("x",), 404, "not-found"),
        ("gone", ("x",), 410, "deleted"),
        ("page_gone", ("x",), 410, "not-found"),
        ("method_not_allowed", ("x", ("GET", "PUT")), 405, "not-supported"),
        ("not_acceptable", ("x",), 406, "not-supported"),
        ("unsupported_media_type", ("x",), 415, "not-supported"),
        ("version_conflict", ("x",), 412, "conflict"),
        ("multiple_matches", ("x",), 412, "multiple-matches"),
        ("no_match", ("x",), 412, "not-found"),
        ("edit_conflict", ("x",), 409, "conflict"),
        ("business_rule", ("x",), 422, "business-rule"),
        ("forbidden", ("x",), 403, "forbidden"),
        ("too_long", ("x",), 413, "too-long"),
        ("too_many", ("x",), 413, "too-costly"),
        ("uri_too_long", ("x",), 414, "too-long"),
        ("headers_too_large", ("x",), 431, "too-long"),
        ("lock_unavailable", ("x",), 503, "lock-error"),
        ("store_unavailable", ("x",), 503, "no-store"),
        ("remote_away", ("x",), 503, "transient"),
        ("overloaded", ("x",), 503, "transient"),
    ],
)
def test_an_error_has_its_status_and_code(
    name: str, arguments: tuple[Any, ...], status: int, code: str
) -> None:
    error: FhirError = getattr(outcome, name)(*arguments)
    assert (error.status, [issue.code for issue in error.issues]) == (status, [code])
    assert str(error) == "x"


def test_errors_that_pass_say_when_to_come_back() -> None:
    assert outcome.lock_unavailable("x").headers == {"Retry-After": "1"}
    assert outcome.store_unavailable("x", retry_after_s=30).headers == {"Retry-After": "30"}
    assert outcome.method_not_allowed("x", ("GET", "PUT")).headers == {"Allow": "GET, PUT"}


def test_an_internal_error_tells_its_trace_id_and_nothing_else() -> None:
    (issue,) = outcome.internal("4f2a").issues
    assert (issue.severity, issue.code, issue.diagnostics) == ("fatal", "exception", "internal error 4f2a")


@pytest.mark.parametrize(("build", "status"), [(outcome.refused, 400), (outcome.unprocessable, 422)])
def test_all_issues_of_a_resource_are_told_at_once(build: Any, status: int) -> None:
    issues = [Issue("error", "value", "a", "Patient.birthDate"), Issue("warning", "required", "b")]
    error = build(issues)
    assert error.status == status
    assert list(error.issues) == issues


def test_an_outcome_is_a_valid_resource() -> None:
    found = operation_outcome(
        [Issue("error", "value", "a", "Patient.birthDate"), Issue("fatal", "exception", "b")]
    )
    assert found == {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "value", "diagnostics": "a", "expression": ["Patient.birthDate"]},
            {"severity": "fatal", "code": "exception", "diagnostics": "b"},
        ],
    }
    assert Validator(load()).check(found) == []
    assert json.loads(json.dumps(found)) == found

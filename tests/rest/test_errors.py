import json
import re

import pytest

from fhir_server.outcome import FhirError, Issue
from tests.rest.calling import Performed, ask

SECRET = "SELECT name FROM patient WHERE name = '张三'"


def test_every_issue_of_an_error_is_in_the_outcome() -> None:
    error = FhirError(
        422, Issue("error", "invariant", "one", "Patient.name"), Issue("warning", "value", "two")
    )
    answer = ask("GET", "/fhir/Patient/1", perform=Performed(error))
    assert answer.status == 422
    assert answer.json == {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "error", "code": "invariant", "diagnostics": "one", "expression": ["Patient.name"]},
            {"severity": "warning", "code": "value", "diagnostics": "two"},
        ],
    }


def test_G14_an_internal_error_tells_a_random_id_and_nothing_else() -> None:
    answers = [ask("GET", "/fhir/Patient/1", perform=Performed(KeyError(SECRET))) for _ in range(2)]
    for answer in answers:
        assert (answer.status, answer.code) == (500, "exception")
        assert re.fullmatch(r"internal error [0-9a-f]{16}", answer.diagnostics)
        assert answer.json["issue"][0].keys() == {"severity", "code", "diagnostics"}
    assert answers[0].diagnostics != answers[1].diagnostics


def test_G14_the_log_has_the_frames_under_that_id_and_no_text_of_the_error() -> None:
    lines: list[bytes] = []
    answer = ask("GET", "/fhir/Patient/secret-id", perform=Performed(KeyError(SECRET)), log=lines)
    failed, answered = (json.loads(line) for line in b"".join(lines).splitlines())
    assert failed["trace"] == answer.diagnostics.removeprefix("internal error ")
    assert failed["id"] == answered["id"] == answer.headers["x-request-id"]
    assert (failed["level"], failed["error"]) == ("error", "KeyError")
    assert any(frame.endswith(" __call__") for frame in failed["frames"])
    assert "SELECT" not in b"".join(lines).decode() and "secret-id" not in b"".join(lines).decode()


@pytest.mark.parametrize(
    "error", [RecursionError(), MemoryError(), OSError(28, SECRET), UnicodeError(SECRET)]
)
def test_G14_whatever_is_raised_is_a_500_with_an_outcome(error: Exception) -> None:
    answer = ask("GET", "/fhir/Patient/1", perform=Performed(error))
    assert (answer.status, answer.code) == (500, "exception")
    assert SECRET.encode() not in answer.body


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "OPTIONS", "get", "\x1b[31m" + "A" * 100])
def test_I05_a_method_without_meaning_is_405(method: str) -> None:
    answer = ask(method, "/fhir/Patient/1")
    assert (answer.status, answer.code) == (405, "not-supported")
    assert "GET" in answer.headers["allow"]
    assert b"\x1b" not in answer.body


def test_I05_a_method_override_is_ignored() -> None:
    performed = Performed()
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}
    ask("GET", "/fhir/Patient/1?_method=DELETE", headers, perform=performed)
    assert performed.requests[0].method == "GET"

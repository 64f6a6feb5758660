"""Issues, and the errors that end a request.

https://hl7.org/fhir/R4/operationoutcome.html, https://hl7.org/fhir/R4/http.html#Status-Codes

Validation *returns* `Issue`s. Interactions *raise* `FhirError`, built only by the named functions here, so
that the HTTP status and the issue code of an error stand in this one file.
"""

from typing import Any, Literal, NamedTuple, get_args

Severity = Literal["fatal", "error", "warning", "information"]
IssueCode = Literal[
    "invalid", "structure", "required", "value", "invariant",
    "security", "login", "unknown", "expired", "forbidden", "suppressed",
    "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
    "code-invalid", "extension", "too-costly", "business-rule", "conflict",
    "transient", "lock-error", "no-store", "exception", "timeout", "incomplete", "throttled",
    "informational",
]  # fmt: skip
ISSUE_CODES: tuple[str, ...] = get_args(IssueCode)


class Issue(NamedTuple):
    severity: Severity
    code: IssueCode
    diagnostics: str
    expression: str | None = None  # a FHIRPath that the client can run; None: the request as a whole
    message: str | None = None  # the rule that says so, stable for tests; None: it has no name
    line: int | None = None  # in the text that was checked, from 1; None: it was no text
    column: int | None = None  # likewise

    def standing(self, line: int, column: int) -> "Issue":
        """The same issue, found at this place of a text."""
        return Issue(*self[:5], line, column)


_EXTENSION = "http://hl7.org/fhir/StructureDefinition/operationoutcome-"


class FhirError(Exception):
    """Ends a request with `status` and an OperationOutcome of `issues`."""

    def __init__(self, status: int, *issues: Issue, headers: dict[str, str] | None = None) -> None:
        super().__init__("; ".join(issue.diagnostics for issue in issues))
        self.status = status
        self.issues = issues
        self.headers = headers or {}


class DefinitionError(Exception):
    """Our own data is wrong: a profile, a map or a search parameter; names canonical and element."""


def operation_outcome(issues: tuple[Issue, ...] | list[Issue]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in issues]}


def _issue(issue: Issue) -> dict[str, Any]:
    severity, code, diagnostics, expression, message, line, column = issue
    # message id, line and column: https://hl7.org/fhir/extensions/extension-registry.html
    extensions: list[dict[str, Any]] = []
    if message is not None:
        extensions.append({"url": f"{_EXTENSION}message-id", "valueString": message})
    if line is not None:
        extensions.append({"url": f"{_EXTENSION}issue-line", "valueInteger": line})
    if column is not None:
        extensions.append({"url": f"{_EXTENSION}issue-col", "valueInteger": column})
    found: dict[str, Any] = {"extension": extensions} if extensions else {}
    found |= {"severity": severity, "code": code, "diagnostics": diagnostics}
    if expression is not None:
        found["expression"] = [expression]
    return found


def _error(
    status: int, code: IssueCode, text: str, at: str | None = None, headers: dict[str, str] | None = None
) -> FhirError:
    return FhirError(status, Issue("error", code, text, at), headers=headers)


def refused(issues: list[Issue]) -> FhirError:
    """400 for a resource that breaks the base specification: all its issues at once."""
    return FhirError(400, *issues)


def unprocessable(issues: list[Issue]) -> FhirError:
    """422 for a resource that breaks a profile or a business rule: all its issues at once."""
    return FhirError(422, *issues)


def invalid(text: str, at: str | None = None) -> FhirError:
    return _error(400, "invalid", text, at)


def malformed(text: str, at: str | None = None) -> FhirError:
    """The bytes are not what the format allows."""
    return _error(400, "structure", text, at)


def bad_value(text: str, at: str | None = None) -> FhirError:
    return _error(400, "value", text, at)


def missing(text: str, at: str | None = None) -> FhirError:
    return _error(400, "required", text, at)


def not_supported(text: str, at: str | None = None) -> FhirError:
    """A parameter, modifier or feature that this server does not have."""
    return _error(400, "not-supported", text, at)


def unknown_definition(text: str) -> FhirError:
    """A parameter names a value set, code system or code that is not here."""
    return _error(400, "not-found", text)


def unknown_type(text: str) -> FhirError:
    return _error(404, "not-supported", text)


def not_found(text: str) -> FhirError:
    return _error(404, "not-found", text)


def gone(text: str) -> FhirError:
    return _error(410, "deleted", text)


def page_gone(text: str) -> FhirError:
    """A page of a search that was there once, and can be shown no more as it was."""
    return _error(410, "not-found", text)


def method_not_allowed(text: str, allowed: tuple[str, ...]) -> FhirError:
    return _error(405, "not-supported", text, headers={"Allow": ", ".join(allowed)})


def not_acceptable(text: str) -> FhirError:
    return _error(406, "not-supported", text)


def unsupported_media_type(text: str) -> FhirError:
    return _error(415, "not-supported", text)


def version_conflict(text: str) -> FhirError:
    return _error(412, "conflict", text)


def precondition_required(text: str) -> FhirError:
    """428: the resource is only changed under If-Match (RFC 6585)."""
    return _error(428, "required", text)


def multiple_matches(text: str, at: str | None = None) -> FhirError:
    return _error(412, "multiple-matches", text, at)


def no_match(text: str, at: str | None = None) -> FhirError:
    """A conditional reference that finds nothing."""
    return _error(412, "not-found", text, at)


def edit_conflict(text: str) -> FhirError:
    """409: the request lost a race, or what it changes is in a state that forbids it."""
    return _error(409, "conflict", text)


def business_rule(text: str, at: str | None = None) -> FhirError:
    return _error(422, "business-rule", text, at)


def unsafe(text: str) -> FhirError:
    """422 for a file that tries to reach outside of what it may touch."""
    return _error(422, "security", text)


def exhausting(text: str) -> FhirError:
    """422 for a file that unpacks to more than the server will hold, an expression that runs too long."""
    return _error(422, "too-costly", text)


def forbidden(text: str) -> FhirError:
    return _error(403, "forbidden", text)


def too_long(text: str) -> FhirError:
    return _error(413, "too-long", text)


def too_many(text: str) -> FhirError:
    """413 for a body whose parts are too many, though its bytes are not."""
    return _error(413, "too-costly", text)


def uri_too_long(text: str) -> FhirError:
    return _error(414, "too-long", text)


def headers_too_large(text: str) -> FhirError:
    return _error(431, "too-long", text)


def timed_out(text: str) -> FhirError:
    return _error(408, "timeout", text)


def too_costly(text: str) -> FhirError:
    return _error(400, "too-costly", text)


def lock_unavailable(text: str, retry_after_s: int = 1) -> FhirError:
    return _error(503, "lock-error", text, headers={"Retry-After": str(retry_after_s)})


def store_unavailable(text: str, retry_after_s: int = 5) -> FhirError:
    """The store cannot write (disk full, read-only, I/O error): nothing of the request was kept."""
    return _error(503, "no-store", text, headers={"Retry-After": str(retry_after_s)})


def remote_away(text: str, retry_after_s: int = 10) -> FhirError:
    """Another server that this one needs for an answer does not answer; names it."""
    return _error(503, "transient", text, headers={"Retry-After": str(retry_after_s)})


def overloaded(text: str, retry_after_s: int = 1) -> FhirError:
    return _error(503, "transient", text, headers={"Retry-After": str(retry_after_s)})


def internal(trace_id: str) -> FhirError:
    """500: the trace id and nothing else; what happened stands in the log under that id."""
    return FhirError(500, Issue("fatal", "exception", f"internal error {trace_id}"))

"""The entries of a batch or transaction as requests.

https://hl7.org/fhir/R4/http.html#transaction, https://hl7.org/fhir/R4/bundle.html
"""

import re
from typing import Any, NamedTuple

from fhir_server.interactions.context import Context
from fhir_server.interactions.names import require_id, require_type
from fhir_server.interactions.request import Request
from fhir_server.interactions.table import Shape, shape_of
from fhir_server.interactions.url import parse_url
from fhir_server.outcome import FhirError, Issue, invalid, malformed, missing, not_supported, too_many
from fhir_server.resource import Resource

_ERRORS = frozenset(("fatal", "error"))
_NUMBER = re.compile(r"Bundle\.entry\[(\d+)\]")
READS = 3
_WRITES: dict[str, tuple[int, frozenset[Shape]]] = {
    "DELETE": (0, frozenset(("type", "instance"))),
    "POST": (1, frozenset(("type",))),
    "PUT": (2, frozenset(("type", "instance"))),
    "PATCH": (2, frozenset(("type", "instance"))),
}


class Entry(NamedTuple):
    number: int  # from 0
    full_url: str | None
    request: Request
    phase: int  # in the order DELETE, POST, PUT and PATCH, then whatever is no change of a resource


def expression(number: int) -> str:
    return f"Bundle.entry[{number}]"


def located(error: FhirError, number: int) -> FhirError:
    """`error` as one of an entry: its issues say which."""
    at = expression(number)
    issues = [issue._replace(expression=_within(at, issue.expression)) for issue in error.issues]
    return FhirError(error.status, *issues, headers=error.headers)


def _within(at: str, inner: str | None) -> str:
    """`Bundle.entry[3].resource.id` for `Patient.id`."""
    if inner is None or inner.startswith(at):
        return inner or at
    _, dot, rest = inner.partition(".")
    return f"{at}.resource{dot}{rest}"


def bundle_of(context: Context, request: Request) -> Resource:
    """The Bundle in the body; raises 400, or 413 when it has too many entries."""
    bundle = request.resource
    if bundle is None:
        raise missing("the request has no body, it needs a Bundle")
    if bundle.get("resourceType") != "Bundle":
        raise invalid(f"resourceType is {bundle.get('resourceType')!r}, the base URL takes a Bundle")
    if bundle.get("type") not in ("batch", "transaction"):
        raise not_supported(
            f"Bundle.type is {bundle.get('type')!r}, the base URL takes batch and transaction", "Bundle.type"
        )
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise malformed("Bundle.entry must be an array", "Bundle.entry")
    if len(entries) > context.settings.bundle_entries:
        limit = context.settings.bundle_entries
        raise too_many(f"the Bundle has {len(entries)} entries, at most {limit} are allowed")
    return bundle


def envelope_issues(context: Context, bundle: Resource) -> list[Issue]:
    """What is wrong with the Bundle, its resources left aside: each is checked by its own interaction.

    Nor do the constraints of Bundle count: who performs the entries says which of them is wrong.
    """
    if context.validator.accepts_envelope(bundle):
        return []
    entries = [
        {name: value for name, value in entry.items() if name != "resource"}
        if isinstance(entry, dict)
        else entry
        for entry in bundle.get("entry", ())
    ]
    envelope = bundle | {"entry": entries} if entries else bundle
    return [
        issue
        for issue in context.validator.check(envelope)
        if issue.severity in _ERRORS and not (issue.message or "").startswith("constraint-bdl-")
    ]


def number_of(issue: Issue) -> int | None:
    """Which entry an issue is about; None: the Bundle."""
    found = _NUMBER.match(issue.expression or "")
    return int(found[1]) if found else None


def read_entry(context: Context, outer: Request, number: int, entry: dict[str, Any]) -> Entry:
    """The request of an entry whose structure was checked."""
    given = entry.get("request")
    if given is None:
        raise missing(f"{expression(number)}.request: found 0, a batch or transaction needs 1")
    path, _, query = _relative(given["url"], outer.base_url).partition("?")
    request = parse_url(given["method"], path, query, outer.base_url)
    # the check of the envelope left it aside
    if "resource" in entry and not isinstance(entry["resource"], dict):
        raise malformed("a resource must be an object", f"{expression(number)}.resource")
    request.resource = entry.get("resource")
    request.if_match = given.get("ifMatch")
    request.if_none_match = given.get("ifNoneMatch")
    request.if_modified_since = given.get("ifModifiedSince")
    request.if_none_exist = given.get("ifNoneExist")
    request.prefer_return, request.strict = outer.prefer_return, outer.strict
    request.client, request.access = outer.client, outer.access
    request.organization = outer.organization
    if request.method == "POST" and shape_of(request) == "system" and request.operation is None:
        raise invalid("an entry cannot hold a batch or transaction")
    if request.resource_type is not None:
        require_type(context.definitions, request.resource_type)
    if request.id is not None:
        require_id(request.id, f"{expression(number)}.request.url")
    return Entry(number, entry.get("fullUrl"), request, _phase(request))


def _phase(request: Request) -> int:
    phase, shapes = _WRITES.get(request.method, (READS, frozenset()))
    return phase if request.operation is None and shape_of(request) in shapes else READS


def _relative(url: str, base_url: str) -> str:
    if base_url and url.startswith(base_url):
        rest = url[len(base_url) :]
        if rest[:1] in ("", "/", "?"):
            return rest
    return url

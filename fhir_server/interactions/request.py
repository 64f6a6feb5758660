"""A request and its answer, free of HTTP: what `rest/` makes of bytes, a bundle of an entry."""

from dataclasses import dataclass, field
from typing import Literal

from fhir_server.outcome import Issue
from fhir_server.resource import Resource
from fhir_server.search.access import Access
from fhir_server.store.protocol import Version

Parameters = list[tuple[str, str]]
"""Decoded query (or form) parameters, in their order: `[("name:exact", "Eve"), ("_count", "20")]`."""

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

SERVER = "server"
"""As `Request.organization`: the server itself, by its rules and jobs. No organisation is called so, as those
of clients have a slash: `Organization/1`.
"""
OPERATOR = "operator"
"""As `Request.organization`: whoever runs the server and loads what other systems hold already."""


@dataclass(slots=True)
class Request:
    """`[base]/path?parameters`, split; the grammar of paths is that of https://hl7.org/fhir/R4/http.html."""

    method: Method
    resource_type: str | None = None
    id: str | None = None
    version_id: str | None = None  # as written; "" never
    history: bool = False  # the path ends in `_history` (or goes on with a version)
    search: bool = False  # POST …/_search
    operation: str | None = None  # `$validate` without the `$`
    metadata: bool = False  # [base]/metadata
    compartment_type: str | None = None  # type or `*` behind a compartment: /Patient/1/Observation
    parameters: Parameters = field(default_factory=list)
    resource: Resource | None = None  # the decoded body; None: there was none
    text: bytes = b""  # what `resource` was decoded from; b"": from nothing, or from no JSON
    body_type: str = "application/fhir+json"  # media type of the body, without parameters
    patch: object = None  # the decoded body of a JSON Patch (a list)
    if_match: str | None = None  # header texts as they came; None: absent
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_none_exist: str | None = None
    accept_language: str | None = None
    prefer_return: Literal["minimal", "representation", "OperationOutcome"] | None = None
    strict: bool = True  # False: Prefer: handling=lenient
    base_url: str = ""  # `http://host/fhir`, without a slash at the end
    client: str = ""  # who asks; "": not known
    organization: str | None = None  # that the client acts for, `Organization/1`; None: it did not say
    access: Access | None = None  # what the client may see; None: everything


@dataclass(slots=True)
class Response:
    """Status and what the headers and the body are made of."""

    status: int
    # a resource's version: gives ETag, Last-Modified, body; None: no single version is answered
    version: Version | None = None
    resource: Resource | None = None  # an answer that is built, not stored: Bundle, OperationOutcome
    body: bytes | None = None  # the JSON of a built answer when it was joined from bytes
    # of a `body` that is no FHIR: text/csv; inside a Bundle it is answered as a Binary. None: it is JSON
    media_type: str | None = None
    location: str | None = None  # absolute URL of a version that was made
    issues: tuple[Issue, ...] = ()  # for Prefer: return=OperationOutcome, and warnings
    headers: dict[str, str] = field(default_factory=dict)

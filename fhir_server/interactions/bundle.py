"""Bundles joined from bytes: what the store keeps is what an entry serves.

https://hl7.org/fhir/R4/bundle.html
"""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from fhir_server.clock import format_instant
from fhir_server.interactions.answer import body_of, outcome_of
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import FhirError, operation_outcome
from fhir_server.resource import encode
from fhir_server.store.protocol import Version

Link = tuple[str, str]
"""(relation, url)"""

_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_HISTORY_STATUS = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}


def join(
    type_: str,
    entries: Sequence[bytes],
    *,
    id_: str,
    last_updated_ms: int,
    total: int | None = None,
    links: Iterable[Link] = (),
) -> bytes:
    """The JSON of a Bundle around `entries`, each the JSON of one entry."""
    head = (
        f'{{"resourceType":"Bundle","id":"{id_}","meta":{{"lastUpdated":"{format_instant(last_updated_ms)}"}}'
    )
    parts = [head.encode(), f',"type":"{type_}"'.encode()]
    if total is not None:
        parts.append(f',"total":{total}'.encode())
    found = [{"relation": relation, "url": url} for relation, url in links]
    if found:
        parts += b',"link":', encode(found)
    # FHIR has no empty arrays
    if entries:
        parts += b',"entry":[', b",".join(entries), b"]"
    parts.append(b"}")
    return b"".join(parts)


def history_entry(base_url: str, version: Version) -> bytes:
    """https://hl7.org/fhir/R4/http.html#history"""
    name = f"{version.resource_type}/{version.id}"
    created = version.method == "PUT" and version.version_id == 1
    status = 201 if created else _HISTORY_STATUS[version.method]
    url = version.resource_type if version.method == "POST" else name
    resource = b"" if version.deleted else b',"resource":' + version.body
    tail = (
        f',"request":{{"method":"{version.method}","url":"{url}"}},"response":{{"status":"{_STATUS[status]}",'
        f'"etag":"W/\\"{version.version_id}\\"","lastModified":"{format_instant(version.last_updated_ms)}"}}}}'
    )
    return b'{"fullUrl":' + encode(f"{base_url}/{name}") + resource + tail.encode()


def response_entry(request: Request, response: Response) -> bytes:
    """The entry of a batch-response or transaction-response for one entry of the request.

    https://hl7.org/fhir/R4/http.html#transaction-response
    """
    version = response.version
    full_url = resource = outcome = b""
    if request.prefer_return == "OperationOutcome" and request.method not in ("GET", "HEAD"):
        outcome = b',"outcome":' + outcome_of(response)
    # in the absence of Prefer, what the client has sent is not sent back
    elif request.prefer_return == "representation" or request.method in ("GET", "HEAD") or version is None:
        body = body_of(request, response) if request.method != "HEAD" else None
        if body is not None:
            resource = b'"resource":' + body + b","
    if version is not None and not version.deleted:
        full_url = b'"fullUrl":' + encode(f"{request.base_url}/{version.resource_type}/{version.id}") + b","
    return b"".join((b"{", full_url, resource, _response(response).encode(), outcome, b"}}"))


def _response(response: Response) -> str:
    text = f'"response":{{"status":"{_STATUS[response.status]}"'
    version = response.version
    if version is None:
        return text
    if response.location is not None:
        text += f',"location":"{version.resource_type}/{version.id}/_history/{version.version_id}"'
    modified = format_instant(version.last_updated_ms)
    return f'{text},"etag":"W/\\"{version.version_id}\\"","lastModified":"{modified}"'


def error_entry(error: FhirError) -> bytes:
    """The entry of a batch-response for an entry that failed."""
    tag = error.headers.get("ETag")
    found = {"status": _STATUS[error.status]} | ({"etag": tag} if tag else {})
    return encode({"response": found | {"outcome": operation_outcome(error.issues)}})

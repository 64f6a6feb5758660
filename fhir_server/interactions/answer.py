"""The body of an answer, for HTTP and for the entries of a bundle alike.

https://hl7.org/fhir/R4/http.html#return
"""

from base64 import b64encode

from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import Issue, operation_outcome
from fhir_server.resource import encode

_WRITES = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_WITHOUT_BODY = frozenset((204, 304))
_DONE = Issue("information", "informational", "done")


def body_of(request: Request, response: Response) -> bytes | None:
    """The JSON of the answer as `Prefer: return=` asks for it; None: there is no body."""
    if response.status in _WITHOUT_BODY:
        return None
    if response.resource is not None:
        return encode(response.resource)
    if response.version is None:
        return _binary(response) if response.media_type is not None else response.body
    if request.prefer_return is not None and request.method in _WRITES:
        if request.prefer_return == "minimal":
            return None
        if request.prefer_return == "OperationOutcome":
            return outcome_of(response)
    return response.version.body or None


def _binary(response: Response) -> bytes:
    """What is no FHIR, in FHIR: https://hl7.org/fhir/R4/binary.html"""
    data = b64encode(response.body or b"").decode()
    return encode({"resourceType": "Binary", "contentType": response.media_type, "data": data})


def outcome_of(response: Response) -> bytes:
    """An OperationOutcome with the hints and warnings of an interaction that succeeded."""
    return encode(operation_outcome(response.issues or (_DONE,)))


def etag(version_id: int) -> str:
    return f'W/"{version_id}"'

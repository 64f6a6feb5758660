"""One HTTP request, as far as it is understood by now: what its answer and its log line are made of."""

import re
from dataclasses import dataclass
from typing import Any

from fhir_server.interactions.request import Request
from fhir_server.rest.body import Receive
from fhir_server.rest.limits import Load
from fhir_server.rest.negotiation import JSON, Format

# what may stand in a header and in a JSON string as it is, so that no client can write into the log
_SAFE_ID = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


@dataclass(slots=True)
class Exchange:
    method: str
    raw_path: bytes
    query_string: bytes
    scheme: str
    headers: dict[bytes, bytes]  # names in lower case; values of a repeated name joined by commas
    receive: Receive
    load: Load
    request_id: str
    began_s: float
    whole: bool  # all of the body is here; False: perhaps not yet
    format: Format = JSON
    pretty: bool = False
    request: Request | None = None  # None: it was refused before it was understood
    held_bytes: int = 0
    body_read: bool = False

    def hold(self, size_bytes: int) -> None:
        """Count bytes of this request among those in work, before they are kept; raises 503."""
        self.load.hold(size_bytes)
        self.held_bytes += size_bytes

    @property
    def has_body(self) -> bool:
        """Whether the client sends one, read or not."""
        return self.headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in self.headers


def begin(scope: dict[str, Any], receive: Receive, load: Load, own_id: str, began_s: float) -> Exchange:
    headers = joined(scope["headers"])
    given = headers.get(b"x-request-id")
    return Exchange(
        scope["method"],
        scope["raw_path"],
        scope["query_string"],
        scope["scheme"],
        headers,
        receive,
        load,
        own_id if given is None else request_id(given, own_id),
        began_s,
        scope.get("whole", False),
    )


def joined(fields: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Header fields by name (RFC 9110, 5.2)."""
    found = dict(fields)
    if len(found) == len(fields):
        return found
    found = {}
    for name, value in fields:
        found[name] = found[name] + b", " + value if name in found else value
    return found


def request_id(given: bytes, own: str) -> str:
    """The client's X-Request-Id when it is short and harmless, else an id of our own."""
    return given.decode("ascii") if _SAFE_ID.fullmatch(given) else own

"""The application called as a server calls it, with bytes that no HTTP client would send."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from fhir_server.config import Settings
from fhir_server.interactions.request import Request, Response
from fhir_server.rest.application import FhirApplication
from fhir_server.rest.log import Log
from fhir_server.store.protocol import Version

TYPES = frozenset(("Patient", "Observation"))
PATIENT = b'{"resourceType":"Patient","id":"1","meta":{"versionId":"3"},"gender":"female"}'
MOMENT = 1_795_000_000_123  # 2026-11-18T09:06:40.123Z
JSON = {"content-type": "application/fhir+json"}


def version(body: bytes = PATIENT, version_id: int = 3) -> Version:
    return Version(7, "Patient", "1", version_id, MOMENT, "PUT", body)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    sent: list[dict[str, Any]] = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the only issue of the outcome."""
        assert self.json["resourceType"] == "OperationOutcome"
        (issue,) = self.json["issue"]
        return str(issue["code"])

    @property
    def diagnostics(self) -> str:
        return str(self.json["issue"][0]["diagnostics"])


class Performed:
    """Stands for the interactions: remembers the requests, gives the answer it was made with."""

    def __init__(self, response: Response | Exception | None = None) -> None:
        self.requests: list[Request] = []
        self._response = Response(200, version=version()) if response is None else response

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        if isinstance(self._response, Exception):
            raise self._response
        return self._response


async def send_to(
    application: Callable[..., Awaitable[None]],
    method: str,
    target: str | bytes,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    body: bytes | Iterable[bytes] | None = None,
) -> Answer:
    """One request; `body` as an iterable comes in chunks and without Content-Length."""
    raw = target if isinstance(target, bytes) else target.encode()
    path, _, query = raw.partition(b"?")
    given = list(headers.items()) if isinstance(headers, dict) else list(headers or ())
    fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in given]
    if not any(name == b"host" for name, _ in fields):
        fields.append((b"host", b"test"))
    chunks = [body] if isinstance(body, bytes) else list(body or ())
    if isinstance(body, bytes):
        fields.append((b"content-length", str(len(body)).encode()))
    elif body is not None:
        fields.append((b"transfer-encoding", b"chunked"))
    messages = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "raw_path": path, "path": path.decode("latin-1"),
        "query_string": query, "scheme": "http", "headers": fields, "server": ("test", 80),
    }  # fmt: skip
    await application(scope, receive, send)
    if not sent:
        return Answer(0, {}, b"", sent)
    found = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(part["body"] for part in sent[1:]), sent)


def ask(  # noqa: PLR0913 - what a request has, and what it meets
    method: str,
    target: str | bytes,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    *,
    perform: Callable[[Request], Awaitable[Response]] | None = None,
    settings: Settings | None = None,
    log: list[bytes] | None = None,
) -> Answer:
    async def run() -> Answer:
        written = Log(None if log is None else log.append, TYPES, lambda: MOMENT)
        application = FhirApplication(perform or Performed(), settings or Settings(), written)
        answer = await send_to(application, method, target, headers, body)
        written.flush()
        return answer

    return asyncio.run(run())


def understood(
    method: str,
    target: str | bytes,
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    settings: Settings | None = None,
) -> Request:
    """The request that the interactions get."""
    performed = Performed()
    answer = ask(method, target, headers, body, perform=performed, settings=settings)
    assert answer.status == 200, answer.body
    (request,) = performed.requests
    return request

"""A plain HTTP/1.1 client that costs little: for load, and for many clients at once."""

import asyncio
import json
from types import TracebackType
from typing import Any, NamedTuple, Self

Headers = tuple[tuple[str, str], ...]

FHIR_JSON = "application/fhir+json"


class Answer(NamedTuple):
    status: int
    head: bytes
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        wanted = name.lower().encode() + b":"
        for line in self.head.split(b"\r\n")[1:]:
            if line.lower().startswith(wanted):
                return line[len(wanted) :].strip().decode()
        return None

    @property
    def version_id(self) -> int:
        """From the ETag, `W/"3"`."""
        return int((self.header("ETag") or "").strip('W/"'))


class Connection(asyncio.Protocol):
    """One keep-alive connection that carries one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answer: asyncio.Future[Answer] | None = None
        self._without_body = False
        self._host = ""

    @classmethod
    async def open(cls, port: int, host: str = "127.0.0.1") -> Self:
        _, made = await asyncio.get_running_loop().create_connection(cls, host, port)
        made._host = f"{host}:{port}"
        return made

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError("the server closed the connection"))
        self._transport = None

    async def request(self, method: str, path: str, resource: object = None, headers: Headers = ()) -> Answer:
        """`path` begins with a slash; `resource` is sent as JSON, bytes as they are."""
        return await self.send(encoded(self._host, method, path, resource, headers), method == "HEAD")

    def send(self, request: bytes, without_body: bool = False) -> asyncio.Future[Answer]:
        """The bytes of a whole request; `without_body`: its answer has none (HEAD)."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self._answer.set_exception(ConnectionResetError("the connection is closed"))
        else:
            self._without_body = without_body
            self._transport.write(request)
        return self._answer

    def data_received(self, received: bytes) -> None:
        self._buffer += received
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._answer is None:
            return
        head = bytes(self._buffer[:end])
        status = int(head[9:12])
        body = self._body(head, status, end + 4)
        if body is not None:
            self._buffer.clear()
            if not self._answer.done():
                self._answer.set_result(Answer(status, head, body))

    def _body(self, head: bytes, status: int, start: int) -> bytes | None:
        """None: not all of it is there."""
        if self._without_body or status in (204, 304):
            return b""
        lower = head.lower()
        at = lower.find(b"content-length:")
        if at >= 0:
            length = int(lower[at + 15 : lower.find(b"\r", at) if b"\r" in lower[at:] else None])
            return (
                bytes(self._buffer[start : start + length]) if len(self._buffer) >= start + length else None
            )
        return _unchunked(self._buffer, start)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        await asyncio.sleep(0)  # the loop has to come round to closing it


def encoded(host: str, method: str, path: str, resource: object = None, headers: Headers = ()) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    body = b""
    if resource is not None:
        body = resource if isinstance(resource, bytes) else json.dumps(resource).encode()
        lines += [f"Content-Type: {FHIR_JSON}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _unchunked(buffer: bytearray, at: int) -> bytes | None:
    parts = []
    while True:
        end = buffer.find(b"\r\n", at)
        if end < 0:
            return None
        size = int(bytes(buffer[at:end]).split(b";")[0], 16)
        if len(buffer) < end + 2 + size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(bytes(buffer[end + 2 : end + 2 + size]))
        at = end + 2 + size + 2

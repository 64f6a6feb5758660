"""HTTP/1.1 on one connection: uvicorn's protocol, with a bounded head and FHIR's answer to what is not HTTP.

https://www.rfc-editor.org/rfc/rfc9112
"""

from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from fhir_server.outcome import FhirError, headers_too_large, malformed, operation_outcome
from fhir_server.resource import encode

HEAD_BYTES = 128 * 1024  # more than `rest/limits.py` allows: what is a little too long gets its answer there
HEAD_TIMEOUT_S = 10.0


class Corked:
    """A transport on which all that is written in one turn of the event loop goes out together.

    uvicorn writes head and body of an answer apart, and the second system call is a tenth of a read's cost.
    """

    __slots__ = ("_loop", "_parts", "_transport", "is_closing")

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self.is_closing = transport.is_closing

    def write(self, part: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(part)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts = self._parts, []
            if not self.is_closing():
                self._transport.writelines(parts)


class FhirProtocol(HttpToolsProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._head_bytes = 0
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(Corked(transport, self.loop))  # type: ignore[arg-type]
        # a client that connects and says nothing is one that keeps its connection idle
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        began_in_head = self._in_head
        super().data_received(data)
        if not self._in_head:
            return
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)
        if began_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self._refuse(headers_too_large(f"the head of the request has more than {HEAD_BYTES} bytes"))

    def on_message_begin(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._stop_head_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(malformed("the request is not HTTP"))

    def _unsupported_upgrade_warning(self) -> None:
        """Java's client offers HTTP/2 with its first request; it is answered in HTTP/1.1, as it may be."""

    def _refuse(self, error: FhirError) -> None:
        body = encode(operation_outcome(error.issues))
        head = (
            b"content-type: application/fhir+json; charset=utf-8\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        )
        self.transport.write(STATUS_LINE[error.status] + head + body)
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

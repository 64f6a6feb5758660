"""HTTP/1.1 on one connection: uvicorn's protocol, with a bounded head and FHIR's answer to what is not HTTP.

https://www.rfc-editor.org/rfc/rfc9112
"""

import re
import sys
from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import Any, get_args

from httptools import HttpParserInvalidMethodError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from fhir_server.interactions.request import Method
from fhir_server.outcome import (
    FhirError,
    headers_too_large,
    malformed,
    method_not_allowed,
    operation_outcome,
)
from fhir_server.resource import encode

HEAD_BYTES = 128 * 1024  # more than `rest/limits.py` allows: what is a little too long gets its answer there
HEAD_TIMEOUT_S = 10.0

_REQUEST_LINE = re.compile(rb"[A-Za-z-]{1,32} /")


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
        self._received = b""

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
        began_in_head, self._received = self._in_head, data
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

    def on_message_complete(self) -> None:
        self.scope["whole"] = True  # type: ignore[typeddict-unknown-key]
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        # the parser knows the methods that are registered, and takes any other word for a mistake
        if _REQUEST_LINE.match(self._received) and isinstance(sys.exception(), HttpParserInvalidMethodError):
            self._refuse(method_not_allowed("the method has no meaning in FHIR", get_args(Method)))
        else:
            self._refuse(malformed(f"the request is not HTTP{_hint(self._received)}"))

    def _unsupported_upgrade_warning(self) -> None:
        """Java's client offers HTTP/2 with its first request; it is answered in HTTP/1.1, as it may be."""

    def _refuse(self, error: FhirError) -> None:
        body = encode(operation_outcome(error.issues))
        head = "".join(f"{name.lower()}: {value}\r\n" for name, value in error.headers.items())
        head += f"content-type: application/fhir+json; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(STATUS_LINE[error.status] + f"{head}connection: close\r\n\r\n".encode() + body)
        self.transport.close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _hint(received: bytes) -> str:
    line = received.partition(b"\r\n")[0]
    if _REQUEST_LINE.match(line) and not line.isascii():
        return ": characters beyond ASCII must be percent-encoded in a URL, 张 is %E5%BC%A0"
    return ""

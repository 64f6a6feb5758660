"""The body of a request: received and decompressed within the limits.

https://www.rfc-editor.org/rfc/rfc9110#section-8.4, https://www.rfc-editor.org/rfc/rfc1952
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from fhir_server.outcome import FhirError, invalid, malformed, timed_out, too_long

Receive = Callable[[], Awaitable[dict[str, Any]]]
Hold = Callable[[int], None]
"""Told of bytes before they are kept; raises 503 when they are too many."""

_GZIP = 31  # zlib's number for the gzip container
_LARGE = 64 * 1024  # compressed bytes from which decompression leaves the event loop


class DisconnectError(Exception):
    """The client hung up before its request was whole: nothing is done and nobody is answered."""


def declared_length(content_length: bytes | None) -> int | None:
    if content_length is None:
        return None
    if not content_length.isdigit():
        raise invalid("the Content-Length is not a number")
    return int(content_length)


async def receive_body(receive: Receive, limit: int, hold: Hold, timeout_s: float | None) -> bytes:
    """The body as it comes; raises 413 as soon as it is over `limit`, 408 when it takes too long.

    timeout_s: None: all of it is here, as most bodies are, for which a timer costs a third of their reading
    """
    if timeout_s is None:
        return await _received(receive, limit, hold)
    try:
        async with asyncio.timeout(timeout_s):
            return await _received(receive, limit, hold)
    except TimeoutError:
        raise timed_out(f"the body did not come within {timeout_s:g} s") from None


async def _received(receive: Receive, limit: int, hold: Hold) -> bytes:
    parts = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise over(limit)
        hold(len(part))
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def over(limit: int) -> FhirError:
    return too_long(f"the body has more than {limit} bytes")


async def gunzip(body: bytes, limit: int, hold: Hold) -> bytes:
    """Decompress; raises 413 before more than `limit` bytes are made, 400 for what is not gzip."""
    if len(body) < _LARGE:
        found = _gunzip(body, limit)
    else:
        found = await asyncio.to_thread(_gunzip, body, limit)
    hold(len(found))
    return found


def _gunzip(body: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        found = stream.decompress(body, limit + 1)
    except zlib.error:
        raise malformed("the body is not gzip, as its Content-Encoding says") from None
    if len(found) > limit:
        raise over(limit)
    if not stream.eof:
        raise malformed("the gzip body is cut off")
    if stream.unused_data:  # several members: no client sends them, and many tiny ones cost much
        raise malformed("bytes stand behind the end of the gzip body")
    return found


async def discard(receive: Receive, limit: int, timeout_s: float) -> None:
    """Read what the client still sends, so that it gets to read its answer before the connection closes."""
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            while size < limit:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
                size += len(message.get("body", b""))
    except TimeoutError:
        return

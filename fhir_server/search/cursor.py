"""Page cursors: where a page begins, and in which state of the log; signed, and bound to search and client.

A cursor is opaque to clients. One that was edited, or that belongs to another search or client, is refused.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from fhir_server.outcome import FhirError, invalid

_MAC_BYTES = 16

Position = tuple[object, ...]
"""The `position` of a hit: plain JSON values, opaque."""


class Bound(NamedTuple):
    """What a cursor is bound to."""

    search: str  # the same text for all pages of a search
    client: str = ""  # who asks; "": not known


@dataclass(frozen=True, slots=True)
class Cursor:
    after: Position  # the last hit of the page before; (): this is the first page
    # `after` of the pages before, newest last, as far as they are known
    before: tuple[Position, ...] = ()
    # of the first page, which the others follow:
    moment: tuple[int, int] = (0, 0)  # the state of the change log
    now_ms: int = 0  # the time that the search takes for now
    meaning: int = 0  # a hash of what the search, and the client's rights, came to
    total: int | None = None  # None: it was not told


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(
    tuple[Position, tuple[Position, ...], tuple[int, int], int, int, int | None]
).decode


def write_cursor(cursor: Cursor, bound: Bound, secret: bytes) -> str:
    payload = _encode(
        (cursor.after, cursor.before, cursor.moment, cursor.now_ms, cursor.meaning, cursor.total)
    )
    return urlsafe_b64encode(_mac(payload, bound, secret) + payload).rstrip(b"=").decode()


def read_cursor(text: str, bound: Bound, secret: bytes) -> Cursor:
    """The inverse of `write_cursor`; raises 400 for what it did not make for these."""
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raise _refused() from None
    mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
    # lenient decoding of base64 would let several texts mean one cursor
    if not hmac.compare_digest(mac, _mac(payload, bound, secret)) or _text(data) != text:
        raise _refused()
    try:
        return Cursor(*_decode(payload))
    except msgspec.MsgspecError:  # of another release
        raise _refused() from None


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _mac(payload: bytes, bound: Bound, secret: bytes) -> bytes:
    search, client = bound.search.encode(), bound.client.encode()
    # the lengths keep one part from passing for a piece of another
    parts = b"%d %d\0" % (len(search), len(client)), search, client, payload
    return hmac.digest(secret, b"".join(parts), "sha256")[:_MAC_BYTES]


def _refused() -> FhirError:
    return invalid("the page cursor is not one that this server made for this search")

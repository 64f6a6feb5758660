"""Page cursors: where a page begins, signed and bound to its search.

A cursor is opaque to clients. One that was edited, or that belongs to another search, is refused.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from fhir_server.outcome import FhirError, invalid

_MAC_BYTES = 16

Position = tuple[object, ...]
"""The `position` of a hit: plain JSON values, opaque."""


@dataclass(frozen=True, slots=True)
class Cursor:
    after: Position  # the last hit of the page before; (): this is the first page
    # `after` of the pages before, newest last, as far as they are known
    before: tuple[Position, ...] = ()
    sequence: int | None = None  # the state of the change log that the pages show; None: the present one


_decode = msgspec.msgpack.Decoder(tuple[Position, tuple[Position, ...], int | None]).decode


def write_cursor(cursor: Cursor, search: str, secret: bytes) -> str:
    """search: what the cursor is bound to, the same text for all pages of a search."""
    payload = msgspec.msgpack.encode((cursor.after, cursor.before, cursor.sequence))
    return urlsafe_b64encode(_mac(payload, search, secret) + payload).rstrip(b"=").decode()


def read_cursor(text: str, search: str, secret: bytes) -> Cursor:
    """The inverse of `write_cursor`; raises 400 for anything that it did not make for this search."""
    try:
        data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except ValueError:
        raise _refused() from None
    mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
    # lenient decoding of base64 would let several texts mean one cursor
    if not hmac.compare_digest(mac, _mac(payload, search, secret)) or _text(data) != text:
        raise _refused()
    return Cursor(*_decode(payload))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _mac(payload: bytes, search: str, secret: bytes) -> bytes:
    return hmac.new(secret, search.encode() + b"\0" + payload, sha256).digest()[:_MAC_BYTES]


def _refused() -> FhirError:
    return invalid("the page cursor is not one that this server made for this search")

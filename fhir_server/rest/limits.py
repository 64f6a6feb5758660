"""How much of a request is read and how many are in work at one time.

https://hl7.org/fhir/R4/http.html#Status-Codes

Limits hold for one process. They bound memory: what does not fit is refused before it is read or decoded.
"""

from collections.abc import Sequence

from fhir_server.config import Settings
from fhir_server.outcome import headers_too_large, overloaded, uri_too_long


def check_head(fields: Sequence[tuple[bytes, bytes]], url_length: int, settings: Settings) -> None:
    """Raises 414 for a URL and 431 for header fields over the limit."""
    if url_length > settings.url_bytes:
        raise uri_too_long(f"the URL has {url_length} bytes, at most {settings.url_bytes} are read")
    if len(fields) > settings.header_count:
        raise headers_too_large(f"{len(fields)} header fields, at most {settings.header_count} are read")
    if len(b"".join(map(b"".join, fields))) > settings.header_bytes:
        raise headers_too_large(f"the header fields have more than {settings.header_bytes} bytes")


class Load:
    """Requests in work, and the bytes of bodies that are held for them."""

    __slots__ = ("bytes_held", "bytes_limit", "requests", "requests_limit")

    def __init__(self, settings: Settings) -> None:
        self.requests = 0
        self.bytes_held = 0
        self.requests_limit = settings.requests_in_flight
        self.bytes_limit = settings.body_bytes_held

    def enter(self) -> None:
        if self.requests >= self.requests_limit:
            raise overloaded(f"{self.requests} requests are in work, try again")
        self.requests += 1

    def hold(self, size_bytes: int) -> None:
        if self.bytes_held + size_bytes > self.bytes_limit:
            raise overloaded(f"{self.bytes_held} bytes of requests are in work, try again")
        self.bytes_held += size_bytes

    def leave(self, held_bytes: int) -> None:
        self.requests -= 1
        self.bytes_held -= held_bytes

"""HTTP out: the `Response` of an interaction becomes status, headers and bytes.

https://hl7.org/fhir/R4/http.html#general, https://hl7.org/fhir/R4/http.html#ops
"""

import asyncio
import zlib
from functools import lru_cache
from time import gmtime
from typing import NamedTuple

from fhir_server.interactions.answer import body_of, etag
from fhir_server.interactions.request import Response
from fhir_server.resource import encode
from fhir_server.rest.exchange import Exchange
from fhir_server.rest.negotiation import accepts_gzip

Headers = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    status: int
    headers: Headers
    body: bytes  # b"" too where HTTP forbids one
    length: int | None  # Content-Length, which for HEAD is not that of `body`; None: the status has none


_BODILESS = frozenset((204, 304))
_ALWAYS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),  # records of patients belong in no cache on the way
]
_GZIP = 31  # zlib's number for the gzip container
_GZIP_LEVEL = 1  # a quarter of the time of level 6, a sixth larger
_LARGE = 256 * 1024  # bytes from which compression leaves the event loop


def render(exchange: Exchange, response: Response) -> Answer:
    headers = [*_ALWAYS, (b"x-request-id", exchange.request_id.encode())]
    version = response.version
    if version is not None:
        headers += (
            (b"etag", etag(version.version_id).encode()),
            (b"last-modified", http_date(version.last_updated_ms // 1000)),
        )
    if response.location is not None:
        headers.append((b"location", response.location.encode()))
    if response.headers:
        headers += [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    if response.status in _BODILESS:
        return Answer(response.status, headers, b"", None)
    if response.media_type is not None:
        headers.append((b"content-type", response.media_type.encode()))
        body = response.body or b""
        return Answer(response.status, headers, body, len(body))
    body = _body(exchange, response)
    if body:
        headers.append((b"content-type", exchange.format.content_type))
        body = exchange.format.render(body, exchange.pretty)
    return Answer(response.status, headers, body, len(body))


def _body(exchange: Exchange, response: Response) -> bytes:
    request = exchange.request
    if request is None or response.resource is not None:
        return b"" if response.resource is None else encode(response.resource)
    return body_of(request, response) or b""


@lru_cache(maxsize=4096)
def http_date(seconds: int) -> bytes:
    """`Mon, 23 Nov 2026 08:00:00 GMT` (RFC 9110, 5.6.7)."""
    year, month, day, hour, minute, second, weekday, *_ = gmtime(seconds)
    text = f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
    return text.encode()


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


async def compressed(exchange: Exchange, answer: Answer) -> Answer:
    """`answer` in gzip when the client accepts it."""
    accepted = exchange.headers.get(b"accept-encoding")
    if accepted is None or not accepts_gzip(accepted):
        return answer
    if len(answer.body) < _LARGE:
        body = zlib.compress(answer.body, _GZIP_LEVEL, _GZIP)
    else:
        body = await asyncio.to_thread(zlib.compress, answer.body, _GZIP_LEVEL, _GZIP)
    answer.headers.append((b"content-encoding", b"gzip"))
    answer.headers.append((b"vary", b"Accept-Encoding"))
    return answer._replace(body=body, length=len(body))

"""Cross-origin requests from browsers, for the origins that the settings name.

https://fetch.spec.whatwg.org/#http-cors-protocol, https://hl7.org/fhir/R4/security.html#cors
"""

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

_PREFLIGHT = [
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Exist, If-None-Match, "
        b"Prefer, X-Acting-Organization, X-Request-Id",
    ),
    (b"access-control-max-age", b"600"),
]
_EXPOSED = (b"access-control-expose-headers", b"ETag, Last-Modified, Location, X-Request-Id")


def cross_origin(application: Asgi, origins: tuple[str, ...]) -> Asgi:
    """`application`, with answers that pages of `origins` may read."""
    allowed = {origin.encode() for origin in origins}

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is None or not (origin in allowed or b"*" in allowed):
            return await application(scope, receive, send)
        # no credentials of browsers are used here, so the answer need not differ by user
        shared = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 204, "headers": shared + _PREFLIGHT})
            return await send({"type": "http.response.body", "body": b""})

        async def send_shared(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *shared, _EXPOSED]
            await send(message)

        return await application(scope, receive, send_shared)

    return run

"""The ASGI application of the FHIR base. Plain ASGI: the routing of a framework would cost more than a read.

https://hl7.org/fhir/R4/http.html, https://asgi.readthedocs.io/en/latest/specs/www.html
"""

import secrets
from collections.abc import Awaitable, Callable
from itertools import count
from time import perf_counter
from typing import Any

from fhir_server.config import Settings
from fhir_server.interactions.request import Request, Response
from fhir_server.rest.body import DisconnectError, Receive, discard
from fhir_server.rest.errors import answered
from fhir_server.rest.exchange import Exchange, begin
from fhir_server.rest.limits import Load, check_head
from fhir_server.rest.log import Log
from fhir_server.rest.request import expects_body, read_body, read_head
from fhir_server.rest.response import Answer, compressed, render

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Perform = Callable[[Request], Awaitable[Response]]

CLIENT_CLOSED_REQUEST = 499  # for the log only; the number that nginx made a custom
_DISCARD_TIMEOUT_S = 5


class FhirApplication:
    def __init__(self, perform: Perform, settings: Settings, log: Log) -> None:
        self._perform = perform
        self._settings = settings
        self._log = log
        self.load = Load(settings)
        # a prefix of this process and a number: as unique as a UUID, at a fraction of its cost
        self._ids = map(f"{secrets.token_hex(5)}-{{:x}}".format, count(1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = begin(scope, receive, self.load, next(self._ids), perf_counter())
        try:
            answer = await answered(exchange, self._answer(exchange, scope), self._log)
            status = answer.status
            await self._send(exchange, answer, send)
        except DisconnectError:
            status = CLIENT_CLOSED_REQUEST
        self._log.answered(exchange, status, perf_counter() - exchange.began_s)

    async def _answer(self, exchange: Exchange, scope: Scope) -> Answer:
        url_length = len(exchange.raw_path) + len(exchange.query_string)
        check_head(scope["headers"], url_length, self._settings)
        self.load.enter()
        try:
            request = read_head(exchange, self._settings)
            if expects_body(exchange):
                await read_body(exchange, request, self._settings)
            answer = render(exchange, await self._perform(request))
            if len(answer.body) >= self._settings.gzip_from_bytes:
                answer = await compressed(exchange, answer)
            return answer
        finally:
            self.load.leave(exchange.held_bytes)

    async def _send(self, exchange: Exchange, answer: Answer, send: Send) -> None:
        headers = answer.headers
        if answer.length is not None:
            headers.append((b"content-length", str(answer.length).encode()))
        body = b"" if exchange.method == "HEAD" else answer.body
        # a body that nobody will read: a short one is passed over, a long one ends the connection
        unread = not exchange.body_read and exchange.has_body and self._is_long(exchange)
        if unread:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if unread:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await discard(exchange.receive, self._settings.body_bytes, _DISCARD_TIMEOUT_S)
            body = b""
        await send({"type": "http.response.body", "body": body})

    def _is_long(self, exchange: Exchange) -> bool:
        declared = exchange.headers.get(b"content-length", b"")
        return not declared.isdigit() or int(declared) > self._settings.body_bytes

"""Another terminology server, for the code systems whose codes are not here.

https://hl7.org/fhir/R4/terminology-service.html

It is told codes, and definitions of sets of codes; nothing about whom they are of. Its answers are kept for a
while. When it does not answer, that is said at once and with its name, and it is left alone for a moment.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

from fhir_server.outcome import remote_away
from fhir_server.resource import Resource, decode, encode
from fhir_server.terminology.kept import Kept

RESPONSE_BYTES_LIMIT = 16 * 1024 * 1024
AWAY_S = 10.0  # for so long a server that did not answer is not asked again
_KEPT = 20_000  # answers
_DONE = (200, 201)


class Answer(NamedTuple):
    status: int
    body: bytes


class Send(Protocol):
    """One HTTP request; raises OSError when there is no answer."""

    async def __call__(self, method: str, url: str, body: bytes | None) -> Answer: ...


class RemoteServer:
    """`url`: its base; `cached_s`: how long an answer is good."""

    def __init__(
        self,
        url: str,
        send: Send,
        *,
        timeout_s: float,
        cached_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url.rstrip("/")
        self._send = send
        self._timeout_s = timeout_s
        self._cached_s = cached_s
        self._now = now
        self._answers: Kept[tuple[str, bytes], tuple[float, Resource | None]] = Kept(_KEPT)
        self._away_until = float("-inf")
        self._why = ""

    async def get(self, path: str, parameters: Mapping[str, str]) -> Resource | None:
        """The resource it answers with; None: it says that there is none. Raises 503 when it is away."""
        return await self._asked("GET", f"{path}?{urlencode(parameters)}", None)

    async def post(self, path: str, parameters: Resource) -> Resource | None:
        return await self._asked("POST", path, encode(parameters))

    async def _asked(self, method: str, path: str, body: bytes | None) -> Resource | None:
        key = path, body or b""
        kept = self._answers.get(key)
        if kept is not None and self._now() < kept[0]:
            return kept[1]
        found = self._read(await self._sent(method, path, body))
        self._answers.put(key, (self._now() + self._cached_s, found))
        return found

    async def _sent(self, method: str, path: str, body: bytes | None) -> Answer:
        if self._now() < self._away_until:
            raise remote_away(f"the terminology server {self.url} is away: {self._why}")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(method, f"{self.url}/{path}", body)
        except TimeoutError:
            raise self._away(f"no answer within {self._timeout_s:g} s") from None
        except OSError as error:
            raise self._away(str(error) or type(error).__name__) from None

    def _away(self, why: str) -> Exception:
        self._away_until, self._why = self._now() + AWAY_S, why
        return remote_away(f"the terminology server {self.url} is away: {why}")

    def _read(self, answer: Answer) -> Resource | None:
        """400, 404 and 422 are answers too: no such code, no such code system."""
        if answer.status in (400, 404, 422):
            return None
        if answer.status not in _DONE:
            raise self._away(f"it answers with status {answer.status}")
        try:
            found: Any = decode(answer.body)
        except ValueError:
            found = None
        if not isinstance(found, dict) or "resourceType" not in found:
            raise self._away("it answers with something that is no FHIR resource in JSON")
        return found


class HttpSend:
    """Over HTTP. The library is imported, and connections are made, when the first code is asked for."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._client: Any = None

    async def __call__(self, method: str, url: str, body: bytes | None) -> Answer:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=self._timeout_s, headers={"Accept": "application/fhir+json"}
            )
        headers = {} if body is None else {"Content-Type": "application/fhir+json"}
        try:
            async with self._client.stream(method, url, content=body, headers=headers) as response:
                content = bytearray()
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > RESPONSE_BYTES_LIMIT:
                        raise OSError(f"an answer of more than {RESPONSE_BYTES_LIMIT >> 20} MiB")
                return Answer(response.status_code, bytes(content))
        except httpx.HTTPError as error:
            raise OSError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

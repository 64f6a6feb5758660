"""Many clients at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tests.server import Server
from tests.wire import Answer, Connection

T = TypeVar("T")

CLIENTS = 64


async def crowd(server: Server, size: int = CLIENTS) -> list[Connection]:
    return list(await asyncio.gather(*(Connection.open(server.port) for _ in range(size))))


async def all_at_once(clients: list[Connection], act: Callable[[int, Connection], Awaitable[T]]) -> list[T]:
    return list(await asyncio.gather(*(act(number, client) for number, client in enumerate(clients))))


def with_crowd(server: Server, act: Callable[[list[Connection]], Awaitable[T]], size: int = CLIENTS) -> T:
    """Runs `act` with `size` open connections, and closes them."""

    async def run() -> T:
        clients = await crowd(server, size)
        try:
            return await act(clients)
        finally:
            for client in clients:
                client.close()

    return asyncio.run(run())


async def pages(client: Connection, path: str, server: Server) -> list[Any]:
    """The entries of all pages, next links followed."""
    entries: list[Any] = []
    following: str | None = path
    while following:
        answer = await client.request("GET", following)
        assert answer.status == 200, answer.body
        bundle = answer.json()
        entries += bundle.get("entry", [])
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        following = links.get("next", "").removeprefix(server.url) or None
    return entries


async def version_ids(client: Connection, server: Server, reference: str) -> list[int]:
    """From the newest to the oldest."""
    entries = await pages(client, f"/fhir/{reference}/_history?_count=500", server)
    return [int(entry["response"]["etag"].strip('W/"')) for entry in entries]


def statuses(answers: list[Answer]) -> dict[int, int]:
    found: dict[int, int] = {}
    for answer in answers:
        found[answer.status] = found.get(answer.status, 0) + 1
    return found

"""Catalogue D19 to D22: what readers see while others write."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.races.crowd import pages, with_crowd
from tests.server import Server
from tests.wire import Connection

WRITERS = 8


def _organization(name: str, tag: str) -> dict[str, Any]:
    meta = {"tag": [{"system": "urn:example:reading", "code": tag}]}
    return {"resourceType": "Organization", "meta": meta, "name": name}


async def _fill(client: Connection, names: list[str], tag: str) -> list[str]:
    entries = [
        {"resource": _organization(name, tag), "request": {"method": "POST", "url": "Organization"}}
        for name in names
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await client.request("POST", "/fhir", bundle)
    assert answer.status == 200, answer.body
    locations = [entry["response"]["location"] for entry in answer.json()["entry"]]
    return [location.split("/_history")[0].split("/")[-1] for location in locations]


async def _while_writing(
    clients: list[Connection], write: Callable[[Connection], Awaitable[None]], read: Awaitable[Any]
) -> Any:
    """Runs `read` while each of `clients` repeats `write`."""
    stopped = asyncio.Event()

    async def writing(client: Connection) -> None:
        while not stopped.is_set():
            await write(client)

    writers = [asyncio.create_task(writing(client)) for client in clients]
    try:
        return await read
    finally:
        stopped.set()
        await asyncio.gather(*writers)


def test_D19_history_paged_while_writers_run(server: Server) -> None:
    async def race(clients: list[Connection]) -> None:
        reader, *writers = clients
        ids = await _fill(reader, [f"history {number}" for number in range(150)], str(uuid4()))

        async def write(client: Connection) -> None:
            id_ = ids[id(client) % len(ids)]
            body = _organization(str(uuid4()), "written") | {"id": id_}
            assert (await client.request("PUT", f"/fhir/Organization/{id_}", body)).status == 200

        entries = await _while_writing(
            writers, write, pages(reader, "/fhir/Organization/_history?_count=20", server)
        )
        seen = [
            (entry["fullUrl"].split("/")[-1], entry["response"]["etag"])
            for entry in entries
            if entry["fullUrl"].split("/")[-1] in set(ids)
        ]
        assert len(seen) == len(set(seen))
        assert {(id_, 'W/"1"') for id_ in ids} <= set(seen)

    with_crowd(server, race, WRITERS + 1)


def test_D20_search_paged_with_equal_sort_keys(server: Server) -> None:
    async def race(clients: list[Connection]) -> None:
        reader, *writers = clients
        tag = str(uuid4())
        ids = await _fill(reader, ["the same name"] * 150, tag)

        async def write(client: Connection) -> None:
            body = _organization("the same name", tag)
            assert (await client.request("POST", "/fhir/Organization", body)).status == 201

        query = f"/fhir/Organization?_tag=urn:example:reading|{tag}&_sort=name&_count=20"
        entries = await _while_writing(writers, write, pages(reader, query, server))
        seen = [entry["resource"]["id"] for entry in entries]
        assert len(seen) == len(set(seen))
        assert set(ids) <= set(seen)

    with_crowd(server, race, WRITERS + 1)


@pytest.mark.parametrize("rounds", [25, pytest.param(400, marks=pytest.mark.long)])
def test_D21_polling_by_time_misses_nothing(server: Server, rounds: int) -> None:
    async def race(clients: list[Connection]) -> None:
        reader, *writers = clients
        tag = str(uuid4())
        acknowledged: set[str] = set()
        seen: set[str] = set()
        last = (await _poll(reader, server, tag, "2000-01-01T00:00:00Z"))[1]

        async def write(client: Connection) -> None:
            acknowledged.update(await _fill(client, ["polled"] * 5, tag))

        async def poll() -> None:
            nonlocal last
            for _ in range(rounds):
                found, last = await _poll(reader, server, tag, last)
                seen.update(found)

        await _while_writing(writers, write, poll())
        seen.update((await _poll(reader, server, tag, last))[0])
        assert acknowledged
        assert acknowledged <= seen

    with_crowd(server, race, WRITERS + 1)


async def _poll(client: Connection, server: Server, tag: str, last: str) -> tuple[set[str], str]:
    """Ids of what has changed since `last`, and the newest time among them."""
    query = f"/fhir/Organization?_tag=urn:example:reading|{tag}&_lastUpdated=ge{last}&_count=200"
    resources = [entry["resource"] for entry in await pages(client, query, server)]
    newest = max((resource["meta"]["lastUpdated"] for resource in resources), default=last)
    return {resource["id"] for resource in resources}, newest


def test_D22_found_right_after_the_answer_by_every_worker(server: Server) -> None:
    async def race(clients: list[Connection]) -> None:
        writer, *readers = clients
        for _ in range(20):
            tag = str(uuid4())
            (id_,) = await _fill(writer, ["at once"], tag)
            query = f"/fhir/Organization?_tag=urn:example:reading|{tag}"
            answers = await asyncio.gather(*(reader.request("GET", query) for reader in readers))
            for answer in answers:
                found = [entry["resource"]["id"] for entry in answer.json().get("entry", [])]
                assert found == [id_]

    with_crowd(server, race, WRITERS + 1)

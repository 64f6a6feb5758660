"""Catalogue D06, D07, D10: versions that clients fight for."""

from typing import Any

import pytest

from tests.races.crowd import CLIENTS, all_at_once, statuses, version_ids, with_crowd
from tests.server import Server
from tests.wire import Answer, Connection


async def _created(client: Connection, count: int = 0) -> Any:
    answer = await client.request("POST", "/fhir/Basic", _counter(count))
    assert answer.status == 201, answer.body
    return answer.json()


def _counter(count: int) -> dict[str, Any]:
    extension = {"url": "urn:example:count", "valueInteger": count}
    return {"resourceType": "Basic", "extension": [extension], "code": {"text": "counter"}}


def test_D06_the_same_if_match(server: Server) -> None:
    async def race(clients: list[Connection]) -> None:
        for _ in range(5):
            basic = await _created(clients[0])

            async def update(number: int, client: Connection, id_: str = basic["id"]) -> Answer:
                mine = _counter(number + 1) | {"id": id_}
                return await client.request("PUT", f"/fhir/Basic/{id_}", mine, (("If-Match", 'W/"1"'),))

            answers = await all_at_once(clients, update)
            assert statuses(answers) == {200: 1, 412: CLIENTS - 1}
            refused = next(answer for answer in answers if answer.status == 412).json()
            assert refused["issue"][0]["code"] == "conflict"
            assert await version_ids(clients[0], server, f"Basic/{basic['id']}") == [2, 1]

    with_crowd(server, race)


async def _add_one(client: Connection, path: str) -> int:
    """Read, add, write if nobody else did; answers how often it took until it held."""
    attempts = 0
    while True:
        attempts += 1
        read = await client.request("GET", path)
        basic = read.json()
        basic["extension"][0]["valueInteger"] += 1
        written = await client.request("PUT", path, basic, (("If-Match", f'W/"{read.version_id}"'),))
        if written.status == 200:
            return attempts
        assert written.status == 412, written.body


@pytest.mark.parametrize(("size", "rounds"), [(16, 8), pytest.param(CLIENTS, 100, marks=pytest.mark.long)])
def test_D07_read_modify_write_loses_nothing(server: Server, size: int, rounds: int) -> None:
    async def race(clients: list[Connection]) -> None:
        path = f"/fhir/Basic/{(await _created(clients[0]))['id']}"

        async def add(_: int, client: Connection) -> None:
            for _ in range(rounds):
                await _add_one(client, path)

        await all_at_once(clients, add)
        # the first client may have been idle for so long that its connection is closed
        async with await Connection.open(server.port) as last:
            final = (await last.request("GET", path)).json()
            assert final["extension"][0]["valueInteger"] == size * rounds
            found = await version_ids(last, server, path.removeprefix("/fhir/"))
            assert found == list(range(size * rounds + 1, 0, -1))

    with_crowd(server, race, size)


def test_D10_create_by_put_of_a_new_id(server: Server) -> None:
    async def race(clients: list[Connection]) -> None:
        for key in range(5):
            path = f"/fhir/Basic/d10-{server.port}-{key}"

            async def put(number: int, client: Connection, path: str = path) -> Answer:
                return await client.request(
                    "PUT", path, _counter(number) | {"id": path.removeprefix("/fhir/Basic/")}
                )

            answers = await all_at_once(clients, put)
            assert statuses(answers) == {201: 1, 200: CLIENTS - 1}
            found = await version_ids(clients[0], server, path.removeprefix("/fhir/"))
            assert found == list(range(CLIENTS, 0, -1))

    with_crowd(server, race)


def test_D10_delete_against_update(server: Server) -> None:
    async def race(clients: list[Connection]) -> None:
        basic = await _created(clients[0])
        path = f"/fhir/Basic/{basic['id']}"

        async def write(number: int, client: Connection) -> Answer:
            if number % 4 == 0:
                return await client.request("DELETE", path)
            return await client.request("PUT", path, _counter(number) | {"id": basic["id"]})

        answers = await all_at_once(clients, write)
        assert set(statuses(answers)) <= {200, 201, 204}
        await clients[0].request("DELETE", path)
        gone = await clients[1].request("GET", path)
        assert (gone.status, gone.json()["issue"][0]["code"]) == (410, "deleted")
        found = await version_ids(clients[0], server, path.removeprefix("/fhir/"))
        assert found == list(range(len(found), 0, -1))

    with_crowd(server, race)

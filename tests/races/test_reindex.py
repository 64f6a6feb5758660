"""kill -9 of the whole server while it fills the index, under writers; two workers share the file.

At the end the index is what a doctor extracts anew, and every patient is found by the colour of its eyes.
"""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fhir_server.app import Parts
from fhir_server.config import Settings
from fhir_server.search.words import WORDING
from fhir_server.store.sqlite import check, rules_in
from tests.bulk.indexed import parameter, patient
from tests.server import Server
from tests.wire import Connection

COLOURS = ("blue", "brown", "green", "grey", "hazel")
WRITERS = 4
BUNDLE = 200


def _bundle(first: int, count: int) -> dict[str, Any]:
    entries = [
        {
            "resource": patient(f"p{number}", COLOURS[number % len(COLOURS)]),
            "request": {"method": "PUT", "url": f"Patient/p{number}"},
        }
        for number in range(first, first + count)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def _fill(server: Server, count: int) -> None:
    async with await Connection.open(server.port) as client:
        for first in range(0, count, BUNDLE):
            assert (await client.request("POST", "/fhir", _bundle(first, BUNDLE))).status == 200


async def _define(server: Server) -> None:
    async with await Connection.open(server.port) as client:
        answer = await client.request("PUT", "/fhir/SearchParameter/eye-colour", parameter())
        assert answer.status == 201, answer.body


async def _write(server: Server, writer: int, count: int, random: Random) -> None:
    """Until the server dies."""
    try:
        async with await Connection.open(server.port) as client:
            while True:
                id_ = f"p{random.randrange(count // WRITERS) * WRITERS + writer}"
                if random.random() < 0.1:
                    answer = await client.request("DELETE", f"/fhir/Patient/{id_}")
                else:
                    changed = patient(id_, random.choice(COLOURS))
                    answer = await client.request("PUT", f"/fhir/Patient/{id_}", changed)
                assert answer.status in (200, 201, 204), answer.body
    except ConnectionError:
        return


async def _state(client: Connection) -> tuple[str, int]:
    """State and progress of the first job that there is something to do for."""
    answer = await client.request("GET", "/fhir/$jobs?kind=reindex&open=true")
    for job in answer.json().get("parameter", ()):
        values = {
            each["name"]: next(value for key, value in each.items() if key != "name") for each in job["part"]
        }
        return values["state"], values["done"]
    return "done", 0


async def _kill_at(server: Server, done: int, count: int, random: Random) -> bool:
    """Whether the job was still open when the server was killed."""
    writers = [asyncio.create_task(_write(server, writer, count, random)) for writer in range(WRITERS)]
    async with await Connection.open(server.port) as client:
        while True:
            state, at = await _state(client)
            if state == "done" or at >= done:
                break
            search = await client.request("GET", "/fhir/Patient?eye-colour=blue&_summary=count")
            assert search.status in (503, 200), search.body
            if search.status == 503:
                assert "is being built" in search.body.decode()
    server.kill()
    await asyncio.gather(*writers)
    return state != "done"


async def _end(server: Server) -> None:
    async with await Connection.open(server.port) as client:
        while (await _state(client))[0] != "done":
            await asyncio.sleep(0.05)
        found = await client.request("GET", "/fhir/Patient?_count=1000")
        while True:
            page = found.json()
            for entry in page.get("entry", ()):
                resource = entry["resource"]
                colour = resource["extension"][0]["valueCode"]
                url = f"/fhir/Patient?eye-colour={colour}&_id={resource['id']}&_summary=count"
                answer = await client.request("GET", url)
                assert answer.status == 200 and answer.json()["total"] == 1, (resource["id"], answer.body)
            following = [link["url"] for link in page["link"] if link["relation"] == "next"]
            if not following:
                return
            found = await client.request("GET", "/fhir" + following[0].partition("/fhir")[2])


def _findings(data: Path) -> list[str]:
    parts = Parts(Settings(data=str(data)))
    extract, unfinished = parts.indexing_by(rules_in(parts.store_file))
    return [
        str(finding) for finding in check(parts.store_file, extract, unfinished=unfinished, wording=WORDING)
    ]


def _killed(tmp_path: Path, count: int, kills: int, seed: int) -> None:
    random = Random(seed)
    server = Server(tmp_path / "data", workers=2)
    server.start()
    try:
        asyncio.run(_fill(server, count))
        asyncio.run(_define(server))
        open_when_killed = 0
        for kill in range(kills):
            at = count * (kill + 1) // (kills + 1)
            open_when_killed += asyncio.run(_kill_at(server, at, count, random))
            assert _findings(tmp_path / "data") == []
            server.start()
        assert open_when_killed, "the job was never met at work"
        asyncio.run(_end(server))
    finally:
        server.stop()
    assert _findings(tmp_path / "data") == []


@pytest.mark.long
def test_a_server_that_is_killed_while_it_fills_the_index_goes_on(tmp_path: Path) -> None:
    _killed(tmp_path, count=400, kills=1, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_a_server_that_is_killed_again_and_again_fills_the_index_in_the_end(
    tmp_path: Path, seed: int
) -> None:
    _killed(tmp_path, count=6000, kills=8, seed=seed)

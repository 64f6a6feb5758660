"""kill -9 of the whole server under eight writers (catalogue D17; fault suite K1).

After each kill: what was acknowledged is there with its version, a transaction is there whole or not at all,
and the server is ready again within five seconds.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.races.crowd import pages
from tests.server import Server
from tests.wire import Connection

WRITERS = 8
ENTRIES = 5
READY_S = 5.0
SYSTEM = "urn:example:kill"


@dataclass
class Ledger:
    """What the writers know: kept in this process, which nobody kills."""

    acknowledged: list[str] = field(default_factory=list)  # tags of transactions
    unknown: list[str] = field(default_factory=list)  # sent, and no answer came
    versions: dict[str, int] = field(default_factory=dict)  # by id: newest acknowledged version


def _transaction(tag: str) -> dict[str, Any]:
    meta = {"tag": [{"system": SYSTEM, "code": tag}]}
    entries = [
        {
            "resource": {"resourceType": "Basic", "meta": meta, "code": {"text": f"{tag} {number}"}},
            "request": {"method": "POST", "url": "Basic"},
        }
        for number in range(ENTRIES)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def _write(server: Server, name: str, ledger: Ledger, enough: asyncio.Event, limit: int) -> None:
    """Transactions and updates in turn until the server dies."""
    try:
        async with await Connection.open(server.port) as client:
            for number in range(1, 100_000):
                tag = f"{name}-{number}"
                ledger.unknown.append(tag)
                answer = await client.request("POST", "/fhir", _transaction(tag))
                assert answer.status == 200, answer.body
                ledger.unknown.remove(tag)
                ledger.acknowledged.append(tag)
                basic = {"resourceType": "Basic", "id": name, "code": {"text": tag}}
                answer = await client.request("PUT", f"/fhir/Basic/{name}", basic)
                assert answer.status in (200, 201), answer.body
                ledger.versions[name] = answer.version_id
                if len(ledger.acknowledged) >= limit:
                    enough.set()
    except OSError:
        return


async def _round(server: Server, number: int, ledger: Ledger, limit: int) -> None:
    enough = asyncio.Event()
    names = [f"round-{number}-writer-{writer}" for writer in range(WRITERS)]
    limit += len(ledger.acknowledged)
    writers = [asyncio.create_task(_write(server, name, ledger, enough, limit)) for name in names]
    waiting = asyncio.create_task(enough.wait())
    await asyncio.wait([*writers, waiting], return_when=asyncio.FIRST_COMPLETED)
    server.kill()
    await asyncio.gather(*writers)
    assert enough.is_set(), "a writer ended before the server was killed"


async def _check(server: Server, ledger: Ledger, since: int) -> None:
    """`since`: transactions before this one were checked after an earlier kill."""
    async with await Connection.open(server.port) as client:
        for tag in ledger.acknowledged[since:]:
            assert await _count(client, tag) == ENTRIES, f"{tag} was acknowledged"
        for tag in ledger.unknown:
            assert await _count(client, tag) in (0, ENTRIES), f"{tag} is there in part"
        for id_, version_id in ledger.versions.items():
            answer = await client.request("GET", f"/fhir/Basic/{id_}")
            assert answer.status == 200, f"{id_} was acknowledged"
            assert answer.version_id >= version_id
            history = await pages(client, f"/fhir/Basic/{id_}/_history?_count=1000", server)
            assert len(history) == answer.version_id


async def _count(client: Connection, tag: str) -> int:
    answer = await client.request("GET", f"/fhir/Basic?_tag={SYSTEM}|{tag}&_summary=count")
    total: int = answer.json()["total"]
    return total


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.long)])
def test_D17_kill_under_eight_writers(tmp_path: Path, kills: int) -> None:
    chance = Random(20261123)
    server = Server(tmp_path / "data", workers=2)
    ledger = Ledger()
    server.start()
    try:
        for number in range(kills):
            checked = len(ledger.acknowledged)
            asyncio.run(_round(server, number, ledger, chance.randrange(1, 120)))
            assert server.start() <= READY_S
            asyncio.run(_check(server, ledger, checked))
        asyncio.run(_check(server, ledger, 0))
    finally:
        server.stop()

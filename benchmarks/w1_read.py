"""W1: `GET Patient/{id}`, random ids among 100,000, by 1, 8, 32 and 64 connections."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from benchmarks.corpus import many_patients
from benchmarks.harness import (
    Client,
    Load,
    Options,
    Result,
    drive,
    main,
    median_of,
    middle,
    repeated,
    rounds_of,
    running,
)
from tests.server import Server
from tests.wire import encoded

TITLE = "read"
BAR = 6000  # per CPU-second by 32 connections
PATIENTS = 100_000
BUNDLE = 500


def run(options: Options) -> Result:
    with running(options) as server:
        ids = fill(server, 500 if options.quick else PATIENTS)
        chance = Random(1)
        host = f"127.0.0.1:{server.port}"

        async def read(client: Client, over: Callable[[], bool]) -> int:
            count = 0
            while not over():
                await client.send(encoded(host, "GET", f"/fhir/Patient/{chance.choice(ids)}"), 200)
                count += 1
            return count

        detail = {}
        for connections in (1, 8, 64):
            load = drive(server, connections, read, options.seconds / 2)
            detail[f"{connections} connections"] = load.summary()

        def measure() -> Load:
            return drive(server, 32, read, options.seconds)

        loads = repeated(options, server, "w1_read", measure)
    detail["32 connections"] = middle(loads).summary()
    detail["corpus"] = f"{len(ids):,} patients: Synthea's 40 repeated with new ids"
    return Result("W1", TITLE, median_of(loads), "reads per CPU-s", BAR, False, rounds_of(loads), detail)


def fill(server: Server, count: int) -> list[str]:
    """Puts so many patients by transactions; answers their ids."""
    waiting = list(_bundles(count))
    ids = [entry["resource"]["id"] for bundle in waiting for entry in bundle["entry"]]

    async def put(client: Client, _: Callable[[], bool]) -> int:
        while waiting:
            body = json.dumps(waiting.pop(), ensure_ascii=False).encode()
            await client.send(encoded("127.0.0.1", "POST", "/fhir", body), 200)
        return 0

    drive(server, 2, put, 0)
    return ids


def _bundles(count: int) -> list[dict[str, Any]]:
    entries = [
        {"resource": patient, "request": {"method": "PUT", "url": f"Patient/{patient['id']}"}}
        for patient in many_patients(count)
    ]
    return [
        {"resourceType": "Bundle", "type": "transaction", "entry": entries[start : start + BUNDLE]}
        for start in range(0, count, BUNDLE)
    ]


if __name__ == "__main__":
    main(run)

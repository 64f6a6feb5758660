"""W4: transactions of a Patient and an Observation that refers to it by urn:uuid, by 1 to 64 clients."""

import json
from collections.abc import Callable
from uuid import uuid4

from benchmarks.corpus import DESCRIPTION, crud_templates
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
from tests.wire import encoded

TITLE = "small transactions"
BAR = 700  # per CPU-second by 16 clients


def run(options: Options) -> Result:
    template = _template()

    async def transact(client: Client, over: Callable[[], bool]) -> int:
        count = 0
        while not over():
            body = template.replace(b"@uuid@", str(uuid4()).encode())
            await client.send(encoded("127.0.0.1", "POST", "/fhir", body), 200)
            count += 1
        return count

    detail = {}
    with running(options) as server:
        drive(server, 4, transact, options.seconds / 5)  # warms up
        for connections in (1, 64):
            load = drive(server, connections, transact, options.seconds / 2)
            detail[f"{connections} connections"] = load.summary()

        def measure() -> Load:
            return drive(server, 16, transact, options.seconds)

        loads = repeated(options, server, "w4_transactions", measure)
    detail["16 connections"] = middle(loads).summary()
    detail["corpus"] = f"a Patient of 2.7 kB and an Observation of 0.9 kB of the {DESCRIPTION}"
    return Result(
        "W4", TITLE, median_of(loads), "transactions per CPU-s", BAR, False, rounds_of(loads), detail
    )


def _template() -> bytes:
    templates = crud_templates()
    observation = templates["Observation"].replace(b"Patient/@Patient@", b"urn:uuid:@uuid@")
    entries = [
        {"resource": json.loads(templates["Patient"]), "request": {"method": "POST", "url": "Patient"}},
        {"resource": json.loads(observation), "request": {"method": "POST", "url": "Observation"}},
    ]
    entries[0]["fullUrl"] = "urn:uuid:@uuid@"
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return json.dumps(bundle, ensure_ascii=False).replace("@Encounter@", "absent").encode()


if __name__ == "__main__":
    main(run)

"""W9: what applications do all day, by 16 clients.

45 % reads of a patient, 20 % a page of patients, 20 % observations and 10 % conditions of a patient,
5 % history.
"""

from collections.abc import Callable
from functools import cache
from random import Random

from benchmarks.corpus import DESCRIPTION
from benchmarks.filled import copies_of, ids_of, running_filled
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
)
from tests.wire import encoded

TITLE = "reads and small searches"
BAR = 2500
RESOURCES = 200_000
CONNECTIONS = 16
MIX = (
    *["Patient/{id}"] * 9,
    *["Patient?_count=20"] * 4,
    *["Observation?patient={id}&_count=20"] * 4,
    *["Condition?patient={id}&_count=20"] * 2,
    "Patient/{id}/_history",
)
"""Twenty requests: each is 5 %."""


@cache
def _patients(copies: int) -> list[str]:
    return ids_of(copies, "Patient")


def run(options: Options) -> Result:
    patients = _patients(0 if options.quick else copies_of(RESOURCES))
    chance = Random(9)

    async def read(client: Client, over: Callable[[], bool]) -> int:
        count = 0
        while not over():
            path = chance.choice(MIX).format(id=chance.choice(patients))
            await client.send(encoded("127.0.0.1", "GET", f"/fhir/{path}"), 200)
            count += 1
        return count

    with running_filled(options, RESOURCES) as server:
        drive(server, CONNECTIONS, read, options.seconds / 5)

        def measure() -> Load:
            return drive(server, CONNECTIONS, read, options.seconds)

        loads = repeated(options, server, "w9_read_mix", measure)
    detail = {
        f"{CONNECTIONS} connections": middle(loads).summary(),
        "corpus": f"{DESCRIPTION}, {copies_of(RESOURCES)} times with new ids",
    }
    return Result("W9", TITLE, median_of(loads), "requests per CPU-s", BAR, False, rounds_of(loads), detail)


if __name__ == "__main__":
    main(run)

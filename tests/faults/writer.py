"""A process that writes to a store until somebody kills it, and says what it knows.

    python -m tests.faults.writer STORE ORACLE NAME [UNITS]

Appends lines to the file ORACLE, each on disk before it goes on: `try UNIT`, and after the answer `ok UNIT`
or `failed UNIT STATUS`. A unit writes the resources `NAME-UNIT-0`, `-1`, `-2` and the next version of
`NAME-counter`, all with the number of the unit.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from fhir_server.clock import system_clock
from fhir_server.outcome import FhirError
from fhir_server.store.protocol import Transaction
from fhir_server.store.sqlite import Limits, open_store
from tests.store.resources import content, extract, patient

PARTS = 3
WRITERS = 4  # tasks that write at once, so that commits have several units


class Oracle:
    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())
        os.fsync(self._file)


def part(name: str, unit: int, number: int) -> Any:
    rows = {"tokens": [["Patient.unit", unit]], "dates": [["Patient.birth", unit, unit + number]]}
    return patient(f"{name}-{unit}-{number}", note=f"{unit} " * 50, **rows)


async def write(store: Any, oracle: Oracle, name: str, units: Any) -> None:
    for unit in units:

        async def work(tx: Transaction, unit: int = unit) -> None:
            for number in range(PARTS):
                await tx.put(content(part(name, unit, number)), method="POST")
            await tx.put(content(patient(f"{name}-counter", note=str(unit))), method="PUT")

        oracle.note("try", unit)
        try:
            await store.transaction(work)
        except FhirError as error:
            oracle.note("failed", unit, error.status)
        else:
            oracle.note("ok", unit)


async def main(path: Path, oracle: Oracle, name: str, units: int) -> None:
    store = open_store(path, extract=extract, clock=system_clock, limits=Limits(lock_s=30))
    oracle.note("open", 0)
    numbers = iter(range(units))
    await asyncio.gather(*(write(store, oracle, name, numbers) for _ in range(WRITERS)))
    await store.close()


if __name__ == "__main__":
    store, oracle, name, *units = sys.argv[1:]
    asyncio.run(main(Path(store), Oracle(Path(oracle)), name, int(units[0]) if units else 1_000_000))

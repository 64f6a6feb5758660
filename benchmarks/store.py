"""`python -m benchmarks.store [COPIES] [FILE]`: the store alone, without HTTP, validation or extraction.

Fills a store with Synthea's resources and their real index rows, then measures reads, searches and writes; all
figures are microseconds of this process.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.corpus import bundles
from fhir_server import resource
from fhir_server.clock import system_clock
from fhir_server.definitions.registry import load
from fhir_server.search.compile import criteria
from fhir_server.search.index import Indexer
from fhir_server.store.algebra import Everything, Node, Query, SortKey
from fhir_server.store.protocol import Content, Transaction
from fhir_server.store.sqlite import SqliteStore, open_store

_REFERENCE = re.compile(rb'"reference":"(urn:uuid:[^"]+)"')
SORT_DATE = SortKey("date", ("Observation.effective[date]",))


def contents(indexer: Indexer, copies: int) -> Iterator[Content]:
    for text, _ in bundles(copies):
        bundle = json.loads(text)
        names = {e["fullUrl"].encode(): _name(e["resource"]) for e in bundle["entry"]}
        text = _REFERENCE.sub(lambda found: b'"reference":"' + names[found.group(1)] + b'"', text)  # noqa: B023
        for entry in resource.decode(text)["entry"]:
            found = entry["resource"]
            yield Content(found["resourceType"], found["id"], resource.content(found), indexer.rows(found))


def _name(found: dict[str, Any]) -> bytes:
    return f"{found['resourceType']}/{found['id']}".encode()


async def put_together(store: SqliteStore, batch: list[Content]) -> None:
    """One unit of work."""

    async def work(tx: Transaction) -> None:
        for content in batch:
            await tx.put(content, method="PUT")

    await store.transaction(work)


async def put_apart(store: SqliteStore, batch: list[Content]) -> None:
    """A unit of work each, at the same time."""
    await asyncio.gather(*(put_together(store, [content]) for content in batch))


async def measure(name: str, times: int, call: Callable[[int], Awaitable[object]], each: int = 1) -> None:
    await call(0)
    wall, cpu = time.perf_counter(), time.process_time()
    for n in range(times):
        await call(n)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    per = 1e6 / times / each
    print(f"{name:<44} {wall * per:>10.1f} µs   {cpu * per:>10.1f} µs of CPU", flush=True)


async def fill(store: SqliteStore, indexer: Indexer, copies: int) -> None:
    every, count, spent = contents(indexer, copies), 0, 0.0
    while batch := list(islice(every, 200)):
        started = time.process_time()
        await put_together(store, batch)
        spent += time.process_time() - started
        count += len(batch)
    print(f"filled with {count} resources, {spent / max(count, 1) * 1e6:.1f} µs of CPU each, 200 a unit")


async def searches(store: SqliteStore, indexer: Indexer) -> None:
    chance = Random("store")
    patients = await store.identities("Patient", Everything(), 10_000)
    ids = [
        (t, i)
        for t in ("Observation", "Encounter", "Claim")
        for t, i in await store.identities(t, Everything(), 3000)
    ]
    chance.shuffle(ids)
    await measure("read", 5000, lambda n: store.read(*ids[n % len(ids)]))

    def where(resource_type: str, text: str) -> Node:
        return criteria(indexer.definitions, resource_type, text, "http://localhost/fhir")

    def page(name: str, resource_type: str, text: str, *sort: SortKey) -> Awaitable[None]:
        some = [text.replace("@", f"Patient/{i}") for _, i in patients[:200]]
        nodes = [where(resource_type, one) if one else Everything() for one in some]
        return measure(
            name, 200, lambda n: store.find(Query((resource_type,), nodes[n % len(nodes)], 20, sort))
        )

    code = "code=http://loinc.org|8302-2"
    await page("page by code", "Observation", code)
    await page("page by bare code", "Observation", "code=8302-2")
    await page("page by subject", "Observation", "subject=@")
    await page("page by code and subject", "Observation", f"{code}&subject=@")
    await page("page by two codes", "Observation", "code=8302-2,29463-7")
    await page("page by name", "Patient", "name=a")
    await page("page by name of Organization, contains", "Organization", "name:contains=hosp")
    await page("page by birth date ge", "Patient", "birthdate=ge1980")
    await page("page by date ge (most)", "Observation", "date=ge1990-01-01")
    await page("page by date ge (few)", "Observation", "date=ge2019-10-01")
    await page("page by date lt (few)", "Observation", "date=lt1960")
    await page("page by date of one day", "Observation", "date=2015-05-05")
    await page("page by value", "Observation", "value-quantity=gt180")
    await page("page by code and value (composite)", "Observation", "code-value-quantity=8302-2$gt180")
    await page("page by name of subject (chain)", "Observation", "subject:Patient.name=adan")
    await page("page by gender of subject (wide chain)", "Observation", "subject:Patient.gender=female")
    await page("page by _has", "Patient", "_has:Observation:subject:code=8302-2")
    await page("page by not status", "Encounter", "status:not=finished")
    await page("page by category, date sorted", "Observation", "category=laboratory&date=ge2010", SORT_DATE)
    await page("page sorted by date", "Observation", "", SORT_DATE)
    await page("page of subject sorted by date", "Observation", "subject=@", SORT_DATE)
    await page("page sorted by _lastUpdated desc", "Observation", "", SortKey("updated", (), True))
    wheres = [where("Observation", text) for text in ("code=8302-2", "category=laboratory", "date=ge2015")]
    for node in wheres:
        hits = await store.count(("Observation",), node)
        await measure(f"count of {hits}", 20, lambda _, node=node: store.count(("Observation",), node))


async def writes(store: SqliteStore, indexer: Indexer) -> None:
    def more(copy: int, count: int) -> list[Content]:
        """Resources that the store does not have."""
        text = [found for found in islice(contents(indexer, 1), count)]
        return [
            Content(
                c.resource_type,
                f"{c.id[:-4]}x{copy:03}",
                c.body.replace(c.id.encode(), f"{c.id[:-4]}x{copy:03}".encode()),
                c.rows,
            )
            for c in text
        ]

    for size, times in ((1, 300), (32, 30), (200, 10)):
        batches = [more(size + n, size) for n in range(times)]
        await measure(
            f"create, {size} units at a time", times, lambda n, b=batches: put_apart(store, b[n]), size
        )
    for size, times in ((200, 10), (1000, 3)):
        batches = [more(500 + size % 97 + n, size) for n in range(times)]
        await measure(
            f"create, {size} in one unit", times, lambda n, b=batches: put_together(store, b[n]), size
        )


async def main(copies: int, path: Path) -> None:
    indexer = Indexer(load())
    store = open_store(path, extract=indexer.extract, clock=system_clock)
    if not await store.last_sequence():
        await fill(store, indexer, copies)
    totals = await store.totals()
    size = path.stat().st_size
    print(f"{sum(totals.values())} resources, {size / sum(totals.values()):.0f} bytes each")
    await searches(store, indexer)
    await writes(store, indexer)
    await store.close()


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        copies = int(sys.argv[1]) if len(sys.argv) > 1 else 1
        path = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(folder) / "store.db"
        asyncio.run(main(copies, path))

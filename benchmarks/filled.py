"""Stores that are full: Synthea's patients again and again, written without HTTP and kept between runs.

They lie in the user's cache folder, by what index rows depend on; a store of another index is made anew.
"""

import asyncio
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.corpus import bundles, renamed
from benchmarks.harness import Options
from fhir_server.app import Parts
from fhir_server.config import Settings
from fhir_server.resource import content, decode
from fhir_server.search.fingerprint import extraction
from fhir_server.store.protocol import Content, Transaction
from tests.server import Server

PER_COPY = 11_361
QUICK_BUNDLES = 2
IN_ONE = 2000  # resources of a transaction

_FULL_URL = re.compile(rb'"urn:uuid:([0-9a-f-]{36})"')


def copies_of(resources: int) -> int:
    """How many copies of the 40 bundles are about so many resources."""
    return max(1, round(resources / PER_COPY))


@contextmanager
def running_filled(options: Options, resources: int) -> Iterator[Server]:
    """A server on a store of about so many resources; of a few where `options.quick`."""
    filled = store_of(0 if options.quick else copies_of(resources))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder) / "data"
        data.mkdir()
        shutil.copyfile(filled, data / "fhir.sqlite")
        with Server(data, workers=options.workers) as server:
            yield server


def store_of(copies: int) -> Path:
    """The file of a store with so many copies; 0: the first bundles alone."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fhir-server-benchmarks"
    path = folder / f"{copies}-{_fingerprint()}.sqlite"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as making:
            asyncio.run(_fill(Path(making), copies))
            (Path(making) / "fhir.sqlite").rename(path)
    return path


def relative_bundles(copies: int) -> Iterator[bytes]:
    """The bundles with references and fullUrls of the form Type/id, each copy with ids of its own."""
    if not copies:
        yield from _relative()[:QUICK_BUNDLES]
    for copy in range(copies):
        for text in _relative():
            yield renamed(text, copy)


@cache
def _relative() -> list[bytes]:
    """Of the first copy."""
    found = []
    for text, _ in bundles():
        types = {
            entry["fullUrl"].removeprefix("urn:uuid:").encode(): entry["resource"]["resourceType"].encode()
            for entry in json.loads(text)["entry"]
        }
        found.append(_FULL_URL.sub(lambda uuid, types=types: b'"%b/%b"' % (types[uuid[1]], uuid[1]), text))
    return found


def ids_of(copies: int, resource_type: str) -> list[str]:
    """Of all resources of a type, in no order."""
    told = re.compile(rf'"fullUrl": ?"{resource_type}/([0-9a-f-]{{36}})"'.encode())
    return [found.decode() for bundle in relative_bundles(copies) for found in told.findall(bundle)]


async def _fill(folder: Path, copies: int) -> None:
    parts = Parts(Settings(data=str(folder)))
    opened = await parts.open_context()
    total = copies * 40 or QUICK_BUNDLES
    try:
        waiting: list[Content] = []
        for bundle in tqdm(relative_bundles(copies), "filling a store", total, leave=False):
            for entry in decode(bundle)["entry"]:
                resource: dict[str, Any] = entry["resource"] | {"id": entry["fullUrl"].partition("/")[2]}
                body, rows = content(resource), parts.indexer.rows(resource)
                waiting.append(Content(resource["resourceType"], resource["id"], body, rows))
            if len(waiting) >= IN_ONE:
                await opened.main.transaction(_put(waiting))
                waiting = []
        await opened.main.transaction(_put(waiting))
        await opened.adoption.complete(opened.main)
    finally:
        await opened.close()


def _put(waiting: list[Content]) -> Any:
    async def put(transaction: Transaction) -> None:
        for each in waiting:
            await transaction.put(each, method="PUT")

    return put


@cache
def _fingerprint() -> str:
    """A change of the schema is made when a store is opened; one of the index rows needs a new store."""
    parts = Parts(Settings())
    return sha256(repr(sorted(extraction(parts.indexer.indexing).items())).encode()).hexdigest()[:16]

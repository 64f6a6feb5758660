import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from fhir_server.resource import content
from fhir_server.store.algebra import StringStarts, TokenIn
from fhir_server.store.protocol import Content, Transaction
from fhir_server.store.rows import Rows, hash64
from fhir_server.store.sqlite.seal import seal
from fhir_server.store.sqlite.store import SqliteStore, open_store

T = TypeVar("T")

MANY = 400


def extract(resource_type: str, body: bytes, columns: tuple[str, ...] = ()) -> Rows:
    return Rows()


def put(number: int) -> Content:
    name = f"name {number}"
    body = content({"resourceType": "Patient", "id": f"p{number}", "name": [{"text": name, "use": "usual"}]})
    # other columns first than their names' order, so that sealing has numbers to change
    rows = Rows(tokens={("z", hash64(name)), ("a", hash64("usual"))}, strings={("m", name, 1)})
    rows.lexicon = {("z", name, hash64(name))}
    return Content("Patient", f"p{number}", body, rows)


def in_store(path: Path, work: Callable[[SqliteStore], Awaitable[T]], *, readonly: bool = False) -> T:
    async def run() -> T:
        store = open_store(path, extract=extract, clock=lambda: 0, readonly=readonly)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def make(path: Path, numbers: range) -> Path:
    async def put_all(tx: Transaction) -> None:
        for number in numbers:
            await tx.put(put(number), method="PUT")

    in_store(path, lambda store: store.transaction(put_all))
    return path


@pytest.mark.parametrize("count", [1, MANY], ids=["too few to learn from", "many"])
def test_a_sealed_store_reads_and_finds_what_it_did(tmp_path: Path, count: int) -> None:
    path = make(tmp_path / "a", range(count))
    before = in_store(path, lambda store: store.read("Patient", "p0"))
    seal(path)
    assert before is not None
    assert in_store(path, lambda store: store.read("Patient", "p0"), readonly=True) == before
    for where, found in (
        (TokenIn("z", (hash64("name 0"),)), 1),
        (TokenIn("a", (hash64("usual"),)), count),
        (TokenIn("a", (hash64("name 0"),)), 0),
        (StringStarts("m", "name 0"), 1),
    ):
        ids = in_store(
            path, lambda store, where=where: store.identities("Patient", where, MANY), readonly=True
        )
        assert len(ids) == found


def test_a_sealed_store_is_smaller_and_one_file(tmp_path: Path) -> None:
    path = make(tmp_path / "a", range(MANY))
    before = path.stat().st_size
    seal(path)
    assert path.stat().st_size < before
    assert not list(tmp_path.glob("a-*"))


def test_the_same_versions_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        seal(make(tmp_path / name, range(MANY)))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_sealed_store_can_be_written_again(tmp_path: Path) -> None:
    path = make(tmp_path / "a", range(MANY))
    seal(path)
    make(path, range(MANY + 1))
    totals = in_store(path, lambda store: store.totals())
    assert totals == {"Patient": MANY + 1}

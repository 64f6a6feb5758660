"""Dictionaries: trained when there is enough to learn, used from then on, found by every process."""

import asyncio
from pathlib import Path
from typing import Any

import apsw
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.store.sqlite import SqliteStore, check, open_store, training
from fhir_server.store.sqlite.bodies import Bodies, dictionary_id
from tests.store.conftest import Run
from tests.store.resources import Ticking, decoded, extract, patient, put_all


def open_(path: Path) -> SqliteStore:
    return open_store(path, extract=extract, clock=Ticking())


def people(start: int, stop: int) -> list[Any]:
    names = ["Ada", "Grace", "Barbara", "Frances", "Radia", "Jean"]
    return [
        patient(f"p{n}", note=f"{names[n % 6]} {names[n // 6 % 6]}, born {1900 + n % 100}, number {n * n}")
        for n in range(start, stop)
    ]


async def trained(store: SqliteStore) -> None:
    if store._training is not None:
        await asyncio.gather(store._training)


def dictionaries(store: SqliteStore) -> set[int]:
    """Those that bodies were made with."""
    rows = store._here.connection.execute("SELECT body FROM version").fetchall()
    return {dictionary_id(row[0]) for row in rows}


def test_bodies_are_compressed_by_dictionaries_of_their_own(
    tmp_path: Path, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "DUE", (100, 300))
    path = tmp_path / "store.db"

    async def test() -> None:
        store, other = open_(path), open_(path)
        for start in range(0, 400, 20):
            await put_all(store, *people(start, start + 20))
            await trained(store)
        await put_all(other, *people(400, 410))
        assert dictionaries(store) == {1, 2}
        for number in (0, 150, 399, 405):
            for reader in (store, other):
                found = await reader.read("Patient", f"p{number}")
                assert found is not None
                assert decoded(found) == people(number, number + 1)[0]
        await store.close()
        await other.close()

    run(test())
    assert list(check(path, extract)) == []


def test_nothing_is_learnt_from_what_is_all_alike(
    tmp_path: Path, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "DUE", (2,))

    async def test() -> None:
        store = open_(tmp_path / "store.db")
        for number in range(5):
            await put_all(store, patient(f"p{number}"))
            await trained(store)
        assert dictionaries(store) == {0}
        await store.close()

    run(test())


def test_closing_while_a_dictionary_is_trained(
    tmp_path: Path, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "DUE", (100,))

    async def test() -> None:
        store = open_(tmp_path / "store.db")
        await put_all(store, *people(0, 120))
        assert store._training is not None
        await store.close()

    run(test())
    assert list(check(tmp_path / "store.db", extract)) == []


@given(body=st.binary(min_size=1), id_=st.sampled_from((0, 1, 255, 256, 70_000)), size=st.booleans())
def test_a_frame_names_its_dictionary(body: bytes, id_: int, size: bool) -> None:
    if id_:
        words = [b"%d is %d" % (n, n * n) for n in range(1000)]
        trained = zstandard.train_dictionary(1024, words, dict_id=id_)
        compressor = zstandard.ZstdCompressor(dict_data=trained, write_content_size=size)
    else:
        compressor = zstandard.ZstdCompressor(write_content_size=size)
    assert dictionary_id(compressor.compress(body)) == id_


def test_frames_of_several_dictionaries_are_told_apart() -> None:
    """1 and 257 differ in their second byte alone, which a frame of the first does not have."""
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE dictionary(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT")
    body = b"1 is 1, and 2 is 4" * 4
    frames = [zstandard.ZstdCompressor().compress(body)]
    for id_ in (1, 257, 70_000):
        words = [b"%d is %d" % (n, n * n + id_) for n in range(1000)]
        trained = zstandard.train_dictionary(1024, words, dict_id=id_)
        connection.execute("INSERT INTO dictionary VALUES(?, ?)", (id_, trained.as_bytes()))
        frames.append(zstandard.ZstdCompressor(dict_data=trained).compress(body))
    bodies = Bodies(connection)
    for _ in range(2):
        assert [bodies.expand(frame) for frame in frames] == [body] * 4

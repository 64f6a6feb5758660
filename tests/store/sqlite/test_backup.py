"""A backup is a store of one state, whoever writes meanwhile."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from fhir_server.store.algebra import Everything
from fhir_server.store.sqlite import BackupError, SqliteStore, backup, check, open_store, restore
from tests.store.conftest import Run
from tests.store.resources import Ticking, extract, patient, put, put_all


def open_(path: Path) -> SqliteStore:
    return open_store(path, extract=extract, clock=Ticking())


@pytest.fixture
def path(tmp_path: Path, run: Run[Any]) -> Path:
    async def fill() -> None:
        store = open_(tmp_path / "store.db")
        await put_all(store, *(patient(f"p{n}", tokens=[["Patient.code", n]]) for n in range(50)))
        await store.close()

    run(fill())
    return tmp_path / "store.db"


async def ids(path: Path) -> list[str]:
    store = open_(path)
    found = [version.id for version in await store.changes(0, 10_000)]
    await store.close()
    return found


def test_restores_what_was_backed_up(path: Path, tmp_path: Path, run: Run[Any]) -> None:
    told: list[tuple[int, int]] = []
    backup(path, tmp_path / "copy", lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] > 0
    restore(tmp_path / "copy", tmp_path / "new.db")
    assert run(ids(tmp_path / "new.db")) == [f"p{n}" for n in range(50)]
    assert list(check(tmp_path / "new.db", extract)) == []


def test_a_backup_under_writers_is_of_one_state(
    path: Path, tmp_path: Path, run: Run[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[backup.__module__], "PAGES_AT_ONCE", 1)

    async def test() -> int:
        store = open_(path)
        written = 50

        async def write() -> None:
            nonlocal written
            while not done.is_set():
                pair = (patient(f"p{written}"), patient(f"p{written + 1}"))
                await put_all(store, *pair)
                written += 2

        done = asyncio.Event()
        writing = asyncio.create_task(write())
        await asyncio.to_thread(backup, path, tmp_path / "copy")
        done.set()
        await writing
        await store.close()
        return written

    written = run(test())
    assert written > 50
    restore(tmp_path / "copy", tmp_path / "new.db")
    kept = run(ids(tmp_path / "new.db"))
    assert kept == [f"p{n}" for n in range(len(kept))]
    assert len(kept) % 2 == 0  # pairs are one unit each
    assert list(check(tmp_path / "new.db", extract)) == []


def test_a_backup_replaces_no_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("precious")
    with pytest.raises(BackupError, match="is there already"):
        backup(path, tmp_path / "copy")
    assert (tmp_path / "copy").read_text() == "precious"


def test_what_a_killed_backup_left_is_no_hindrance(path: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.part").write_text("half of it")
    backup(path, tmp_path / "copy")
    assert not (tmp_path / "copy.part").exists()


def test_restore_overwrites_when_told_only(path: Path, tmp_path: Path, run: Run[Any]) -> None:
    backup(path, tmp_path / "copy")

    async def change() -> None:
        store = open_(path)
        await put(store, patient("later"))
        await store.close()

    run(change())
    with pytest.raises(BackupError, match="is there already"):
        restore(tmp_path / "copy", path)
    assert "later" in run(ids(path))
    restore(tmp_path / "copy", path, overwrite=True)
    assert "later" not in run(ids(path))


def test_the_log_of_the_store_before_is_not_replayed(path: Path, tmp_path: Path, run: Run[Any]) -> None:
    """A store that was killed leaves its log beside the file."""
    backup(path, tmp_path / "copy")

    async def killed() -> None:
        store = open_(path)
        await put(store, patient("in the log"))
        wal = path.with_name("store.db-wal").read_bytes()
        await store.close()
        path.with_name("store.db-wal").write_bytes(wal)

    run(killed())
    restore(tmp_path / "copy", path, overwrite=True)
    assert run(ids(path)) == [f"p{n}" for n in range(50)]


def test_restore_refuses_a_store_that_is_open(path: Path, tmp_path: Path, run: Run[Any]) -> None:
    backup(path, tmp_path / "copy")

    async def test() -> None:
        store = open_(path)
        with pytest.raises(BackupError, match="open in another process"):
            restore(tmp_path / "copy", path, overwrite=True)
        assert await store.count((), Everything()) == 50
        await store.close()

    run(test())


@pytest.mark.parametrize("body", [b"", b"no database" * 1000])
def test_restore_refuses_what_is_not_a_backup(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "copy").write_bytes(body)
    with pytest.raises(BackupError):
        restore(tmp_path / "copy", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_restore_refuses_a_damaged_backup(path: Path, tmp_path: Path) -> None:
    backup(path, tmp_path / "copy")
    connection = apsw.Connection(str(tmp_path / "copy"))
    root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'version_of'").get
    size = connection.pragma("page_size")
    connection.close()
    with (tmp_path / "copy").open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(BackupError, match="damaged"):
        restore(tmp_path / "copy", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_refuses_to_back_up_nothing(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="no file"):
        backup(tmp_path / "nowhere.db", tmp_path / "copy")

"""Migrations: one transaction each, none twice, none of a newer release."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE

import apsw
import pytest

from fhir_server.store.sqlite import SchemaError, check, open_store
from fhir_server.store.sqlite.connection import open_writer
from fhir_server.store.sqlite.lock import OpenLock
from fhir_server.store.sqlite.schema import MIGRATIONS, migrate, version_of
from tests.store.resources import Ticking, extract

ROOT = Path(__file__).parents[3]
STEPS = (
    *MIGRATIONS,
    "CREATE TABLE colour(name TEXT); INSERT INTO colour VALUES('red'); CREATE INDEX by_name ON colour(name)",
    "ALTER TABLE colour ADD COLUMN hue INTEGER; UPDATE colour SET hue = 7",
)


class KilledError(Exception):
    pass


def killed_at(statement: int, path: Path) -> bool:
    """Migrate until so many statements have run; whether there were that many."""
    connection = open_writer(path)
    seen = 0

    def trace(*_: object) -> bool:
        nonlocal seen
        seen += 1
        if seen > statement:
            raise KilledError
        return True

    connection.exec_trace = trace
    try:
        migrate(connection, STEPS)
    except KilledError:
        return True
    finally:
        connection.close(force=True)  # no rollback of ours: what a killed process leaves
    return False


def test_a_migration_can_be_killed_at_each_statement(tmp_path: Path) -> None:
    statement = 0
    while killed_at(statement, tmp_path / f"{statement}.db"):
        connection = open_writer(tmp_path / f"{statement}.db")
        tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'colour'").get
        assert tables == (version_of(connection, len(STEPS)) > len(MIGRATIONS))
        migrate(connection, STEPS)
        assert connection.pragma("user_version") == len(STEPS)
        assert connection.execute("SELECT * FROM colour").fetchall() == [("red", 7)]
        connection.close()
        statement += 1
    assert statement > 10


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "store.db")
    migrate(connection)
    before = connection.execute("SELECT sql FROM sqlite_schema").fetchall()
    migrate(connection)
    assert connection.execute("SELECT sql FROM sqlite_schema").fetchall() == before
    connection.close()


def test_refuses_a_newer_schema(tmp_path: Path) -> None:
    connection = open_writer(tmp_path / "store.db")
    migrate(connection)
    connection.pragma("user_version", len(MIGRATIONS) + 1)
    connection.close()
    with pytest.raises(SchemaError, match="newer"):
        open_store(tmp_path / "store.db", extract=extract, clock=Ticking())


def test_refuses_another_programs_database(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "store.db"))
    connection.execute("CREATE TABLE t(x)")
    connection.close()
    with pytest.raises(SchemaError, match="not a FHIR store"):
        open_store(tmp_path / "store.db", extract=extract, clock=Ticking())


@pytest.mark.parametrize("readonly", [False, True])
def test_refuses_what_is_no_database(tmp_path: Path, readonly: bool) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database" * 100)
    with pytest.raises(SchemaError):
        open_store(tmp_path / "store.db", extract=extract, clock=Ticking(), readonly=readonly)


def test_a_store_that_another_process_makes_just_now_is_waited_for(tmp_path: Path) -> None:
    """Two workers that start at once: the one's empty file is locked while the other looks at it."""
    path = tmp_path / "store.db"
    maker = apsw.Connection(str(path))
    maker.execute("BEGIN EXCLUSIVE")
    mine = OpenLock(path)
    with ThreadPoolExecutor(1) as threads:
        opened = threads.submit(open_store, path, extract=extract, clock=Ticking())
        while mine.take_at_once():  # until the thread has come so far
            mine.close()
            mine = OpenLock(path)
        maker.execute("ROLLBACK")
        maker.close()
        store = opened.result()
    mine.close()
    asyncio.run(store.close())
    assert list(check(path, extract)) == []


@pytest.mark.parametrize("again", range(4))
def test_processes_that_start_at_once_make_one_store(again: int, tmp_path: Path) -> None:
    code = (
        "import asyncio, sys\n"
        "from fhir_server.clock import system_clock\n"
        "from fhir_server.store.sqlite import open_store\n"
        "from tests.store.resources import extract\n"
        "sys.stdin.readline()\n"
        "asyncio.run(open_store(sys.argv[1], extract=extract, clock=system_clock).close())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "store.db")]
    starts = [subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stderr=PIPE) for _ in range(4)]
    for start in starts:
        assert start.stdin
        start.stdin.write(b"\n")
        start.stdin.flush()
    assert [(start.communicate()[1], start.returncode) for start in starts] == [(b"", 0)] * 4

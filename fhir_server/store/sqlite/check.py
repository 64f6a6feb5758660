"""Is the store whole? The database, its log, its counts, and the index rows of every resource.

Findings name resources and columns, never values: they may be written to a log.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from fhir_server.store.protocol import NO_WORDING, Extract, Wording
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import full_text, index
from fhir_server.store.sqlite.bodies import dictionary_id
from fhir_server.store.sqlite.connection import open_reader, snapshot
from fhir_server.store.sqlite.names import Names, id_text
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.schema import HAS_RULES, INSTANCES, version_of

Progress = Callable[[int, int], None]
"""Is told how many resources are done, and of how many."""

_TABLES = {
    "token": ("column", "hash", "key"),
    "string": ("column", "text", "key", "written"),
    "date": ("column", "low", "key", "width"),
    "number": ("column", "low", "key", "high", "unit"),
    "position": ("column", "cell", "key", "latitude", "longitude"),
    "reference": ("column", "target", "key"),
}
_SEEK = {
    table: f"SELECT 1 FROM {table} WHERE {' AND '.join(f'{name} = ?' for name in names)}"
    for table, names in _TABLES.items()
}

# each selects the keys of what breaks a rule, and a number to say
_RULES = {
    "the current version is not its last one": """
        SELECT r.key, 0 FROM resource r WHERE r.seq IS NOT
        (SELECT seq FROM version WHERE key = r.key ORDER BY version_id DESC LIMIT 1)""",
    "it is there and its current version is a deletion, or the other way round": """
        SELECT r.key, v.version_id FROM resource r JOIN version v ON v.seq = r.seq
        WHERE r.live = (v.method = 3)""",
    "it was never made and is there": "SELECT key, 0 FROM resource WHERE seq IS NULL AND live",
    "version ids have gaps": """
        SELECT key, max(version_id) FROM version GROUP BY key
        HAVING min(version_id) <> 1 OR max(version_id) <> count(*)""",
    "version ids do not grow with the log": """
        SELECT v.key, v.version_id FROM version v JOIN version n
        ON n.key = v.key AND n.version_id = v.version_id + 1 WHERE n.seq < v.seq""",
    "a version has another type than the resource": """
        SELECT v.key, v.version_id FROM version v LEFT JOIN resource r ON r.key = v.key
        WHERE r.type IS NOT v.type""",
    "a version is older than the one before it in the log": """
        SELECT key, version_id FROM (SELECT key, version_id, last_updated,
        lag(last_updated) OVER (ORDER BY seq) AS before FROM version) WHERE last_updated < before""",
    "it refers to a key that nothing has": """
        SELECT f.key, 0 FROM reference f LEFT JOIN resource t ON t.key = f.target WHERE t.key IS NULL""",
}


@dataclass(frozen=True, slots=True)
class Finding:
    text: str
    resource_type: str | None = None  # None: the store as a whole
    id: str | None = None
    column: str | None = None

    def __str__(self) -> str:
        where = f"{self.resource_type}/{self.id}: " if self.resource_type else ""
        return f"{where}{self.text}{f' ({self.column})' if self.column else ''}"


def check(
    path: Path,
    extract: Extract,
    progress: Progress = lambda done, total: None,
    unfinished: Callable[[str], bool] = lambda column: False,
    wording: Wording = NO_WORDING,
) -> Iterator[Finding]:
    """Everything that is wrong with the store at `path`, in one snapshot; others may go on using it.

    unfinished: columns that may have rows which `extract` does not make, for a job empties or fills them.
    Raises SchemaError for a file that is not a store, or one of a newer release.
    """
    connection = open_reader(path)
    try:
        version_of(connection)
        with snapshot(connection):
            here = Connected(connection, Names(), extract, wording)
            yield from _findings(here)
            yield from _Index(here, progress, unfinished).differences()
            for key, text in full_text.faults(here):
                yield _of(here, key, text)
    except apsw.CorruptError as error:
        yield Finding(f"SQLite: {error}")
    finally:
        connection.close()


def rules_in(path: Path) -> bytes:
    """The rules of the store at `path`; raises SchemaError for a file that is not a store."""
    connection = open_reader(path)
    try:
        if version_of(connection) < HAS_RULES:
            return b""
        return connection.execute("SELECT value FROM rules").get or b""
    finally:
        connection.close()


def _findings(here: Connected) -> Iterator[Finding]:
    for row in here.connection.execute("PRAGMA integrity_check(20)").fetchall():
        if row[0] != "ok":
            yield Finding(f"SQLite: {row[0]}")
    yield from _rules(here)
    yield from _totals(here)
    yield from _dictionaries(here)


def _rules(here: Connected) -> Iterator[Finding]:
    for text, select in _RULES.items():
        for key, number in here.connection.execute(select):
            yield _of(here, key, f"{text} (version {number})" if number else text)


def _of(here: Connected, key: int, text: str, column: str | None = None) -> Finding:
    row = here.connection.execute("SELECT type, id FROM resource WHERE key = ?", (key,)).get
    if row is None:
        return Finding(f"{text}: key {key}, which no resource has", column=column)
    return Finding(text, here.names.type_name(here.connection, row[0]), id_text(row[1]), column)


def _totals(here: Connected) -> Iterator[Finding]:
    select = """
        SELECT t.name, t.total, (SELECT count(*) FROM resource r WHERE r.type = t.id AND r.live)
        FROM resource_type t"""
    for name, total, counted in here.connection.execute(select):
        if total != counted:
            yield Finding(f"{name}: {counted} resources, the count says {total}")


def _dictionaries(here: Connected) -> Iterator[Finding]:
    """Every body's dictionary must be there, also those of versions that are history."""
    known = {row[0] for row in here.connection.execute("SELECT id FROM dictionary")} | {0}
    for key, head in here.connection.execute(
        "SELECT key, substr(body, 1, 16) FROM version WHERE length(body)"
    ):
        if (id_ := dictionary_id(head)) not in known:
            yield _of(here, key, f"a version needs dictionary {id_}, which is not there")


class _Index:
    """Extracts every resource again: rows that lack are sought, rows that are too many are counted."""

    def __init__(self, here: Connected, progress: Progress, unfinished: Callable[[str], bool]) -> None:
        self._here = here
        self._progress = progress
        self._unfinished = unfinished
        self._found: Counter[tuple[str, int]] = Counter()  # rows as they should be, by table and column

    def differences(self) -> Iterator[Finding]:
        for key, rows in self._extracted():
            if isinstance(rows, Finding):
                yield rows
                continue
            for table, row in self._rows(key, rows):
                if self._here.connection.execute(_SEEK[table], row).get is None:
                    yield self._lacks(key, table, row[0])
                else:
                    self._found[table, row[0]] += 1
            for name, text, hash_ in _lexicon(rows):
                column = self._column(name)
                select = "SELECT 1 FROM lexicon WHERE column = ? AND text = ? AND hash = ?"
                if self._here.connection.execute(select, (column, text, hash_)).get is None:
                    yield self._lacks(key, "lexicon", column)
        for table in self._tables():
            select = f"SELECT column, count(*) FROM {table} GROUP BY column"
            counts: list[Any] = self._here.connection.execute(select).fetchall()
            for column, count in counts:
                if count > self._found[table, column] and not self._unfinished(self._name(column)):
                    yield from self._too_many(table, column)

    def _tables(self) -> list[str]:
        """Those that the store has: one of an older schema lacks the newer ones."""
        select = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        known: set[Any] = {row[0] for row in self._here.connection.execute(select)}
        return [table for table in _TABLES if table in known]

    def _extracted(self) -> Iterator[tuple[int, Any]]:
        """Keys with the index rows that they should have, or with the reason why that is not known."""
        here = self._here
        total = sum(here.totals().values())
        select = """
            SELECT r.key, r.type, v.body FROM resource r JOIN version v ON v.seq = r.seq
            WHERE r.live ORDER BY r.key"""
        for done, (key, type_id, body) in enumerate(here.connection.execute(select), 1):
            yield key, self._extract(key, type_id, body)
            self._progress(done, total)

    def _extract(self, key: int, type_id: int, body: bytes) -> "Rows | Finding":
        here = self._here
        try:
            return here.extract(here.names.type_name(here.connection, type_id), here.bodies.expand(body))
        except Exception as error:  # whatever is wrong with one body, the others are looked at
            return _of(here, key, f"the body cannot be indexed: {type(error).__name__}")

    def _rows(self, key: int, rows: Rows) -> Iterator[tuple[str, tuple[Any, ...]]]:
        for table, found in index.table_rows(rows, key, _Columns(self._column), self._key):
            for row in found:
                yield table, row

    def _column(self, name: str) -> int:
        return self._here.names.column_id(self._here.connection, name) or -1

    def _key(self, resource_type: str, id_: str) -> int:
        return self._here.key(resource_type, id_) or -1

    def _lacks(self, key: int, table: str, column: int) -> Finding:
        return _of(self._here, key, f"a {table} row lacks", self._name(column))

    def _name(self, column: int) -> str:
        return self._here.names.column_name(self._here.connection, column) or "of no name"

    def _too_many(self, table: str, column: int) -> Iterator[Finding]:
        """Which rows of a column no resource should have."""
        expected = {
            row
            for key, rows in self._extracted()
            if isinstance(rows, Rows)
            for in_table, row in self._rows(key, rows)
            if in_table == table and row[0] == column
        }
        names = ", ".join(_TABLES[table])
        place = _TABLES[table].index("key")
        for row in self._here.connection.execute(f"SELECT {names} FROM {table} WHERE column = ?", (column,)):
            if row not in expected:
                yield self._owned(row[place], f"a {table} row too many", column)

    def _owned(self, key: int, text: str, column: int) -> Finding:
        """A row of a composite's instance has its resource's key multiplied."""
        name = self._name(column)
        for owner in (key, key // INSTANCES):
            found = _of(self._here, owner, text, name)
            if found.resource_type == name.partition(".")[0]:
                return found
        return _of(self._here, key, text, name)


class _Columns(dict[str, int]):
    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number

    def __missing__(self, name: str) -> int:
        return self._number(name)


def _lexicon(rows: Rows) -> Iterator[tuple[str, str, int]]:
    yield from rows.lexicon
    for instance in rows.instances:
        yield from _lexicon(instance)

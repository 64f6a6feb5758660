"""Index rows of a resource as rows of the tables; an update writes the difference only."""

from collections.abc import Callable
from typing import Any

import apsw

from fhir_server.outcome import too_many
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite.schema import DATE_LIMIT, INSTANCES

Row = tuple[Any, ...]
KeyOf = Callable[[str, str], int]
"""The key of (resource type, id), which is made when there is none."""

_INSERT = {
    "token": "INSERT OR IGNORE INTO token(column, hash, key) VALUES(?, ?, ?)",
    "string": "INSERT OR IGNORE INTO string(column, text, key, written) VALUES(?, ?, ?, ?)",
    "date": "INSERT OR IGNORE INTO date(column, low, key, width) VALUES(?, ?, ?, ?)",
    "number": "INSERT OR IGNORE INTO number(column, low, key, high, unit) VALUES(?, ?, ?, ?, ?)",
    "reference": "INSERT OR IGNORE INTO reference(column, target, key) VALUES(?, ?, ?)",
}
_DELETE = {
    "token": "DELETE FROM token WHERE column = ? AND hash = ? AND key = ?",
    "string": "DELETE FROM string WHERE column = ? AND text = ? AND key = ? AND written = ?",
    "date": "DELETE FROM date WHERE column = ? AND low = ? AND key = ? AND width = ?",
    "number": "DELETE FROM number WHERE column = ? AND low = ? AND key = ? AND high = ? AND unit = ?",
    "reference": "DELETE FROM reference WHERE column = ? AND target = ? AND key = ?",
}
_LEXICON = "INSERT OR IGNORE INTO lexicon(column, text, hash) VALUES(?, ?, ?)"


def table_rows(rows: Rows, key: int, column: Callable[[str], int], key_of: KeyOf) -> dict[str, set[Row]]:
    """The rows of each table for a resource with this key."""
    found = _rows_of(rows, key, column, key_of)
    if rows.instances:
        if len(rows.instances) > INSTANCES:
            raise too_many(
                f"the resource repeats an indexed element {len(rows.instances)} times, at most {INSTANCES}"
            )
        for ordinal, instance in enumerate(rows.instances):
            for table, more in _rows_of(instance, key * INSTANCES + ordinal, column, key_of).items():
                found[table] |= more
    return found


def _rows_of(rows: Rows, key: int, column: Callable[[str], int], key_of: KeyOf) -> dict[str, set[Row]]:
    return {
        "token": {(column(name), hash_, key) for name, hash_ in rows.tokens},
        "string": {(column(name), text, key, written) for name, text, written in rows.strings},
        "date": {_date(column(name), first, last, key) for name, first, last in rows.dates},
        "number": {(column(name), low, key, high, unit) for name, unit, low, high in rows.numbers},
        "reference": {
            (column(name), key_of(resource_type, id_), key) for name, resource_type, id_ in rows.references
        },
    }


def _date(column: int, first: int, last: int, key: int) -> Row:
    low = max(first, -DATE_LIMIT)
    return column, low, key, min(last, DATE_LIMIT) - low


def insert(connection: apsw.Connection, table: str, rows: set[Row]) -> None:
    connection.executemany(_INSERT[table], rows)


def delete(connection: apsw.Connection, table: str, rows: set[Row]) -> None:
    connection.executemany(_DELETE[table], rows)


def lexicon_rows(rows: Rows, column: Callable[[str], int]) -> list[Row]:
    found = [(column(name), text, hash_) for name, text, hash_ in rows.lexicon]
    for instance in rows.instances:
        found += lexicon_rows(instance, column)
    return found


def insert_lexicon(connection: apsw.Connection, rows: list[Row]) -> None:
    connection.executemany(_LEXICON, rows)

"""Index rows of a resource as rows of the tables; an update writes the difference only."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import apsw

from fhir_server.outcome import too_many
from fhir_server.store import earth
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite.schema import DATE_LIMIT, INSTANCES

Row = tuple[Any, ...]
Columns = Mapping[str, int]
KeyOf = Callable[[str, str], int]
"""The key of (resource type, id), which is made when there is none."""

INSERT = {
    "token": "INSERT OR IGNORE INTO token(column, hash, key) VALUES(?, ?, ?)",
    "string": "INSERT OR IGNORE INTO string(column, text, key, written) VALUES(?, ?, ?, ?)",
    "date": "INSERT OR IGNORE INTO date(column, low, key, width) VALUES(?, ?, ?, ?)",
    "number": "INSERT OR IGNORE INTO number(column, low, key, high, unit) VALUES(?, ?, ?, ?, ?)",
    "position": "INSERT OR IGNORE INTO position(column, cell, key, latitude, longitude)"
    " VALUES(?, ?, ?, ?, ?)",
    "reference": "INSERT OR IGNORE INTO reference(column, target, key) VALUES(?, ?, ?)",
}
DELETE = {
    "token": "DELETE FROM token WHERE column = ? AND hash = ? AND key = ?",
    "string": "DELETE FROM string WHERE column = ? AND text = ? AND key = ? AND written = ?",
    "date": "DELETE FROM date WHERE column = ? AND low = ? AND key = ? AND width = ?",
    "number": "DELETE FROM number WHERE column = ? AND low = ? AND key = ? AND high = ? AND unit = ?",
    "position": "DELETE FROM position"
    " WHERE column = ? AND cell = ? AND key = ? AND latitude = ? AND longitude = ?",
    "reference": "DELETE FROM reference WHERE column = ? AND target = ? AND key = ?",
}

_NONE = Rows()


def differences(old: Rows | None, new: Rows) -> tuple[Rows, Rows]:
    """What only the one has, and what only the other. Instances that differ are replaced as a whole."""
    if old is None:
        return _NONE, new
    same = old.instances == new.instances
    return _without(old, new, same), _without(new, old, same)


def _without(rows: Rows, other: Rows, same_instances: bool) -> Rows:
    return Rows(
        rows.tokens - other.tokens,
        rows.strings - other.strings,
        rows.dates - other.dates,
        rows.numbers - other.numbers,
        rows.references - other.references,
        rows.positions - other.positions,
        instances=[] if same_instances else rows.instances,
    )


def require_few_instances(rows: Rows) -> None:
    """Raises 413: keys of instances would run into those of other resources."""
    if len(rows.instances) > INSTANCES:
        raise too_many(f"an indexed element repeats {len(rows.instances)} times, at most {INSTANCES} can be")


def table_rows(rows: Rows, key: int, columns: Columns, key_of: KeyOf) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each table for a resource with this key, instances and all; nothing for empty tables."""
    into: dict[str, list[Row]] = {table: [] for table in INSERT}
    gather(rows, key, columns, key_of, into)
    return ((table, found) for table, found in into.items() if found)


def gather(rows: Rows, key: int, columns: Columns, key_of: KeyOf, into: dict[str, list[Row]]) -> None:
    """Add the rows of each table for a resource with this key, instances and all, to those of its table."""
    _gather(rows, key, columns, key_of, into)
    for ordinal, instance in enumerate(rows.instances):
        _gather(instance, key * INSTANCES + ordinal, columns, key_of, into)


def _gather(rows: Rows, key: int, columns: Columns, key_of: KeyOf, into: dict[str, list[Row]]) -> None:
    if rows.tokens:
        into["token"] += [(columns[name], hash_, key) for name, hash_ in rows.tokens]
    if rows.strings:
        into["string"] += [(columns[name], text, key, written) for name, text, written in rows.strings]
    if rows.dates:
        into["date"] += [_date(columns[name], first, last, key) for name, first, last in rows.dates]
    if rows.numbers:
        into["number"] += [(columns[name], low, key, high, unit) for name, unit, low, high in rows.numbers]
    if rows.positions:
        into["position"] += [(columns[name], earth.cell(*at), key, *at) for name, *at in rows.positions]
    if rows.references:
        into["reference"] += [
            (columns[name], key_of(type_, id_), key) for name, type_, id_ in rows.references
        ]


def _date(column: int, first: int, last: int, key: int) -> Row:
    low = max(first, -DATE_LIMIT)
    return column, low, key, min(last, DATE_LIMIT) - low


class Statistics:
    """What the planner wants to know of a column: whether resources repeat it, and how wide its ranges are.

    A resource is sought by one of its rows and sorted by its lowest: only where it never has more than one
    are these the same row. A range that is never wider than something bounds its low end by its high end.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._known: dict[int, tuple[int, float]] = {}  # of columns: many, widest
        self._repeated: set[str] = set()  # columns of texts of which there is nothing more to learn

    def forget(self) -> None:
        self._known.clear()
        self._repeated.clear()

    def note(self, rows: Rows, columns: Columns) -> None:
        """The rows that a resource will have."""
        seen: set[str] = set()
        for name, first, last in rows.dates:
            self._note(columns[name], last - first, name in seen)
            seen.add(name)
        for name, _, low, high in rows.numbers:
            self._note(columns[name], high - low, name in seen)
            seen.add(name)
        if len(rows.strings) == 1:
            return
        for name, _, _ in rows.strings:  # texts have no width, and one alone does not repeat
            if name not in seen:
                seen.add(name)
            elif name not in self._repeated:
                self._note(columns[name], 0, True)
                self._repeated.add(name)

    def _note(self, column: int, width: float, repeated: bool) -> None:
        many, widest = self._known.get(column) or self._load(column)
        if repeated > many or width > widest:
            self._raise(column, int(repeated), width)

    def _load(self, column: int) -> tuple[int, float]:
        select = "SELECT many, widest FROM column_name WHERE id = ?"
        found: tuple[int, float] = self._connection.execute(select, (column,)).get
        self._known[column] = found
        return found

    def _raise(self, column: int, many: int, widest: float) -> None:
        # what another process has noted meanwhile stays
        self._connection.execute(
            "UPDATE column_name SET many = max(many, ?), widest = max(widest, ?) WHERE id = ?",
            (many, widest, column),
        )
        self._load(column)

"""What units of work write, gathered until something reads it or the commit comes.

Many rows at a time cost SQLite less than one after the other, and a unit that fails before any of it has
reached SQLite leaves nothing there to take back: most units need no savepoint. It is cut off from what those
before it wrote.
"""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import chain, islice
from typing import Any

import apsw

from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import index
from fhir_server.store.sqlite.index import Columns, KeyOf, Row

Identity = tuple[str, str]
"""Resource type and id."""
Mark = tuple[int, ...]
"""How much there is by now."""

RESOURCE = "INSERT INTO resource(key, type, id, seq, live) VALUES(?, ?, ?, ?, ?)"
VERSION = (
    "INSERT INTO version(seq, key, version_id, type, last_updated, method, body) VALUES(?, ?, ?, ?, ?, ?, ?)"
)
SET_CURRENT = "UPDATE resource SET seq = ?, live = ? WHERE key = ?"
LEXICON = "INSERT OR IGNORE INTO lexicon(column, text, hash) VALUES(?, ?, ?)"
TOTAL = "UPDATE resource_type SET total = total + ? WHERE id = ?"

_AT_ONCE = 32  # rows of one statement: more gain little, and fewer rows would mostly be left over


class Pending:
    def __init__(self) -> None:
        self.resources: list[Row] = []
        self.versions: list[Row] = []
        self.current: list[Row] = []  # seq, live, key
        self.totals: list[tuple[int, int]] = []  # type, the change of its count
        self.keys: dict[Identity, int] = {}  # of resources that are written, or were not even referred to
        self.touched: dict[int, None] = {}  # keys of those that are written
        self.lexicon: dict[tuple[str, str, int], None] = {}
        self._gone: dict[str, list[Row]] = {table: [] for table in index.DELETE}
        self._added: dict[str, list[Row]] = {table: [] for table in index.INSERT}
        # each in the order in which it came
        self._all: tuple[Any, ...] = (
            *(self.resources, self.versions, self.current, self.totals),
            *(self.keys, self.touched, self.lexicon),
            *self._gone.values(),
            *self._added.values(),
        )

    def __bool__(self) -> bool:
        return bool(self.touched)

    def mark(self) -> Mark:
        return tuple(map(len, self._all))

    def cut(self, mark: Mark) -> None:
        """Drop what came after `mark`."""
        for each, length in zip(self._all, mark, strict=True):
            if isinstance(each, list):
                del each[length:]
            else:
                while len(each) > length:
                    each.popitem()

    def split(self, mark: Mark) -> "Pending":
        """What came after `mark`, which is here no more."""
        found = Pending()
        for mine, its, length in zip(self._all, found._all, mark, strict=True):
            if isinstance(its, list):
                its.extend(islice(mine, length, None))
            else:
                its.update((each, mine[each]) for each in islice(mine, length, None))
        self.cut(mark)
        return found

    def replace(self, gone: Rows, added: Rows, key: int, columns: Columns, key_of: KeyOf) -> None:
        """Rows of the index that one resource has no more, and those that it has now.

        Raises UnicodeEncodeError for texts that SQLite would refuse later, with what others wrote.
        """
        require_text(added.strings)
        index.gather(gone, key, columns, key_of, self._gone)
        index.gather(added, key, columns, key_of, self._added)

    def write(self, connection: apsw.Connection, columns: Columns) -> None:
        """Each resource once at most is in it: what rows are added after which are gone does not matter."""
        insert(connection, RESOURCE, self.resources)
        insert(connection, VERSION, self.versions)
        if self.current:
            connection.executemany(SET_CURRENT, self.current)
        changes: Counter[int] = Counter()
        for type_id, change in self.totals:
            changes[type_id] += change
        for type_id, change in changes.items():
            if change:
                connection.execute(TOTAL, (change, type_id))
        for table, rows in self._gone.items():
            if rows:
                connection.executemany(index.DELETE[table], rows)
        for table, rows in self._added.items():
            insert(connection, index.INSERT[table], rows)
        insert(connection, LEXICON, [(columns[name], text, hash_) for name, text, hash_ in self.lexicon])


def insert(connection: apsw.Connection, statement: str, rows: list[Row]) -> None:
    """`statement` for each of `rows`, whose VALUES are one row."""
    end = len(rows) - len(rows) % _AT_ONCE
    if end:
        several = _several(statement)
        for start in range(0, end, _AT_ONCE):
            connection.execute(several, tuple(chain.from_iterable(rows[start : start + _AT_ONCE])))
    if end < len(rows):
        connection.executemany(statement, rows[end:])


def require_text(rows: Iterable[tuple[str, str, int]]) -> None:
    """rows: column, text, hash"""
    for _, text, _ in rows:
        if not text.isascii():
            text.encode()


@cache
def _several(statement: str) -> str:
    head, values, row = statement.partition(" VALUES")
    return f"{head}{values}{', '.join([row] * _AT_ONCE)}"

"""Small integers for the names of types and columns, and the stored form of ids."""

import re
from collections.abc import Iterable
from typing import Any

import apsw

UUID_LENGTH = 36
_OF_TIME_AND_RANDOM = 7
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def stored_id(id_: str) -> str | bytes:
    """A UUID in its canonical form takes 16 bytes, any other id its text."""
    if len(id_) == UUID_LENGTH and _UUID.fullmatch(id_):
        return bytes.fromhex(id_.replace("-", ""))
    return id_


def is_drawn(stored: bytes) -> bool:
    """Whether it is a UUID of version 7, of so many random bits that it is drawn once.

    One of another version may follow from something, and come again with it.
    """
    return stored[6] >> 4 == _OF_TIME_AND_RANDOM


def id_text(stored: str | bytes) -> str:
    """The inverse of `stored_id`."""
    if isinstance(stored, str):
        return stored
    digits = stored.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Names:
    """Names are never taken back once committed: all readers of a process share one cache.

    The writer has its own, since names that it adds may be rolled back.
    """

    def __init__(self) -> None:
        self.types: dict[str, int] = {}
        self.type_names: dict[int, str] = {}
        self.columns: dict[str, int] = {}
        self.column_names: dict[int, str] = {}

    def forget(self) -> None:
        """After a rollback, which may have taken back names that were added."""
        self.types.clear()
        self.type_names.clear()
        self.columns.clear()
        self.column_names.clear()

    def type_id(self, connection: apsw.Connection, name: str) -> int | None:
        found = self.types.get(name)
        if found is None:
            found = connection.execute("SELECT id FROM resource_type WHERE name = ?", (name,)).get
            if found is not None:
                self._keep_type(name, found)
        return found

    def type_ids(self, connection: apsw.Connection, names: Iterable[str]) -> tuple[int, ...]:
        """Those that there are, ascending."""
        wanted = set(names)
        if not wanted <= self.types.keys() and len(wanted) > 1:
            rows: list[Any] = connection.execute("SELECT name, id FROM resource_type").fetchall()
            for name, id_ in rows:
                self._keep_type(name, id_)
            return tuple(sorted(self.types[name] for name in wanted & self.types.keys()))
        found = (self.type_id(connection, name) for name in wanted)
        return tuple(sorted(id_ for id_ in found if id_ is not None))

    def type_name(self, connection: apsw.Connection, id_: int) -> str:
        found = self.type_names.get(id_)
        if found is None:
            found = connection.execute("SELECT name FROM resource_type WHERE id = ?", (id_,)).get
            self._keep_type(found, id_)
        return found

    def column_id(self, connection: apsw.Connection, name: str) -> int | None:
        found = self.columns.get(name)
        if found is None:
            found = connection.execute("SELECT id FROM column_name WHERE name = ?", (name,)).get
            if found is not None:
                self.columns[name] = found
        return found

    def column_name(self, connection: apsw.Connection, id_: int) -> str:
        found = self.column_names.get(id_)
        if found is None:
            found = connection.execute("SELECT name FROM column_name WHERE id = ?", (id_,)).get
            self.column_names[id_] = found
        return found

    def add_type(self, connection: apsw.Connection, name: str) -> int:
        found = self.type_id(connection, name)
        if found is None:
            connection.execute("INSERT INTO resource_type(name, total) VALUES(?, 0)", (name,))
            found = connection.last_insert_rowid()
            self._keep_type(name, found)
        return found

    def add_column(self, connection: apsw.Connection, name: str) -> int:
        found = self.column_id(connection, name)
        if found is None:
            connection.execute("INSERT INTO column_name(name, many, widest) VALUES(?, 0, 0)", (name,))
            found = connection.last_insert_rowid()
            self.columns[name] = found
        return found

    def _keep_type(self, name: str, id_: int) -> None:
        self.types[name] = id_
        self.type_names[id_] = name

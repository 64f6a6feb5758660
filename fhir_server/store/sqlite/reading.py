"""Reads on one connection: versions of resources by identity, by number, by the log."""

import time
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import apsw

from fhir_server.recurring import Recurring
from fhir_server.resource import id_in, served
from fhir_server.store.algebra import Moment
from fhir_server.store.protocol import NO_WORDING, Extract, Method, Version, Wording, Words
from fhir_server.store.sqlite import functions
from fhir_server.store.sqlite.bodies import Bodies
from fhir_server.store.sqlite.connection import snapshot
from fhir_server.store.sqlite.errors import outcomes
from fhir_server.store.sqlite.names import UUID_LENGTH, Names, id_text, stored_id
from fhir_server.store.sqlite.terms import Sql

ESTIMATES_S = 10.0  # for so long counts are good enough to choose a plan by
ESTIMATES = 2000
SHOWN_BYTES = 32 << 20
SHOWN_LATELY = 50_000  # versions that are known to have been shown once
KEPT_BESIDE = 500  # bytes that a version takes beside its body
STEPS_BETWEEN_LOOKS = 5000  # of SQLite's machine, some 0.1 ms

METHODS: tuple[Method, ...] = ("POST", "PUT", "PATCH", "DELETE")
METHOD_NUMBERS = {method: number for number, method in enumerate(METHODS)}
_DELETE = METHOD_NUMBERS["DELETE"]

_CURRENT = """
SELECT v.seq, v.version_id, v.last_updated, v.method, v.body
FROM resource r CROSS JOIN version v ON v.seq = r.seq WHERE r.type = ? AND r.id = ?"""
_VREAD = """
SELECT v.seq, v.version_id, v.last_updated, v.method, v.body
FROM resource r CROSS JOIN version v ON v.key = r.key WHERE r.type = ? AND r.id = ? AND v.version_id = ?"""
_KEY = "SELECT key FROM resource WHERE type = ? AND id = ?"
_NUMBERED = """
SELECT v.seq, v.version_id, v.last_updated, v.method, v.body
FROM carray(?) c CROSS JOIN version v ON v.seq = c.value"""
_LAST = "SELECT seq, last_updated FROM version ORDER BY seq DESC LIMIT 1"
_CHANGES = """
SELECT v.seq, r.type, r.id, v.version_id, v.last_updated, v.method, v.body
FROM version v CROSS JOIN resource r ON r.key = v.key WHERE v.seq > ? ORDER BY v.seq LIMIT ?"""

Stamped = tuple[int, int, int, int, bytes]
"""seq, version id, last updated, method, compressed body"""
Row = tuple[int, int, str | bytes, int, int, int, bytes]
"""seq, type, stored id, version id, last updated, method, compressed body"""


class Shown(OrderedDict[int, Version]):
    """Versions that were shown again lately, by sequence number: what is committed never changes."""

    def __init__(self, most: int = 0) -> None:
        """most: bytes; 0: nothing is kept"""
        super().__init__()
        self._room, self._keeps = most, most > 0
        self._recurring = Recurring(SHOWN_LATELY)

    def keep(self, version: Version) -> None:
        if not self._keeps or not self._recurring.has_come(version.sequence):
            return
        self._room -= len(version.body) + KEPT_BESIDE
        self[version.sequence] = version
        while self._room < 0 and self:
            # the first key of a plain dict is sought past all that were taken out before it
            _, oldest = self.popitem(last=False)
            self._room += len(oldest.body) + KEPT_BESIDE


class Connected:
    """One connection with what it takes to make versions of its rows. Used by one thread at a time."""

    def __init__(
        self, connection: apsw.Connection, names: Names, extract: Extract, wording: Wording = NO_WORDING
    ) -> None:
        self.connection = connection
        self.names = names
        self.extract = extract
        self.wording = wording
        self.recent: dict[int, Words] = {}  # of the versions that the full text lacks, by sequence number
        self.bodies = Bodies(connection)
        self.shown = Shown()
        self.estimates: dict[Sql, tuple[int, int]] = {}  # rows counted lately, and up to which limit
        self._estimated = time.monotonic()
        self.deadline = float("inf")  # of time.monotonic(): statements are interrupted then
        self._execute = connection.cursor().execute  # for statements that are read to their end at once
        functions.install(connection, names, self.bodies, extract)
        connection.set_progress_handler(self._late, STEPS_BETWEEN_LOOKS)

    def _late(self) -> bool:
        return time.monotonic() > self.deadline

    def require_time(self) -> None:
        """Between statements what SQLite does within them: raises apsw.InterruptError after the deadline."""
        if self._late():
            raise apsw.InterruptError("interrupted")

    def forget_estimates(self) -> None:
        """When they are old, or too many."""
        now = time.monotonic()
        if now - self._estimated > ESTIMATES_S or len(self.estimates) > ESTIMATES:
            self.estimates.clear()
            self._estimated = now

    def version(self, row: Row) -> Version:
        type_id = row[1]
        type_name = self.names.type_names.get(type_id) or self.names.type_name(self.connection, type_id)
        return self.made(type_name, id_text(row[2]), (row[0], *row[3:]))

    def made(self, resource_type: str, id_: str, stamped: Stamped) -> Version:
        seq, version_id, last_updated, method, body = stamped
        if method == _DELETE:
            return Version(seq, resource_type, id_, version_id, last_updated, "DELETE", b"")
        answer = served(self.bodies.expand(body), resource_type, id_, version_id, last_updated)
        return Version(seq, resource_type, id_, version_id, last_updated, METHODS[method], answer)

    def current(self, rows: Sequence[Sequence[Any]]) -> list[Version]:
        """The versions that rows name by key, sequence number, type and stored id; none is a deletion.

        Only those that were not shown lately are read.
        """
        shown, type_names, expand = self.shown, self.names.type_names, self.bodies.expand
        found: dict[int, Any] = {row[1]: shown.get(row[1]) for row in rows}
        missing = {row[1]: row for row in rows if found[row[1]] is None}
        if missing:
            stamps: list[Any] = self._execute(_NUMBERED, (apsw.carray(array("q", missing)),)).fetchall()
            for seq, version_id, last_updated, method, body in stamps:
                _, _, type_id, id_, *_ = missing[seq]
                type_name = type_names.get(type_id) or self.names.type_name(self.connection, type_id)
                kept = expand(body)
                id_ = id_ if type(id_) is str else id_in(kept, type_name, UUID_LENGTH)
                answer = served(kept, type_name, id_, version_id, last_updated)
                version = Version(seq, type_name, id_, version_id, last_updated, METHODS[method], answer)
                shown.keep(version)
                found[seq] = version
        return [found[row[1]] for row in rows]

    @outcomes
    def read(self, resource_type: str, id_: str) -> Version | None:
        type_id = self.names.types.get(resource_type) or self.names.type_id(self.connection, resource_type)
        if type_id is None:
            return None
        row = self._execute(_CURRENT, (type_id, stored_id(id_))).get
        if row is None:
            return None
        version = self.shown.get(row[0])
        if version is None:
            version = self.made(resource_type, id_, row)
            self.shown.keep(version)
        return version

    def read_many(self, identities: Sequence[tuple[str, str]]) -> list[Version]:
        with snapshot(self.connection):
            found = [self.read(resource_type, id_) for resource_type, id_ in identities]
        return [version for version in found if version is not None and not version.deleted]

    @outcomes
    def vread(self, resource_type: str, id_: str, version_id: int) -> Version | None:
        type_id = self.names.types.get(resource_type) or self.names.type_id(self.connection, resource_type)
        if type_id is None:
            return None
        row = self._execute(_VREAD, (type_id, stored_id(id_), version_id)).get
        return None if row is None else self.made(resource_type, id_, row)

    def key(self, resource_type: str, id_: str) -> int | None:
        """Also of a resource that is only referred to."""
        type_id = self.names.types.get(resource_type) or self.names.type_id(self.connection, resource_type)
        if type_id is None:
            return None
        found: int | None = self._execute(_KEY, (type_id, stored_id(id_))).get
        return found

    def changes(self, after_sequence: int, limit: int) -> list[Version]:
        return [self.version(row) for row in self._execute(_CHANGES, (after_sequence, limit))]

    @outcomes
    def moment(self) -> Moment:
        found: tuple[int, int] | None = self._execute(_LAST).get
        return Moment(*(found or (0, 0)))

    @outcomes
    def last_sequence(self, resource_types: tuple[str, ...] = ()) -> int:
        if not resource_types:
            found: int = self._execute("SELECT coalesce(max(seq), 0) FROM version").get
            return found
        return max(self._last_of_type(name) for name in resource_types)

    def _last_of_type(self, resource_type: str) -> int:
        type_id = self.names.types.get(resource_type) or self.names.type_id(self.connection, resource_type)
        found: int = self._execute("SELECT coalesce(max(seq), 0) FROM version WHERE type = ?", (type_id,)).get
        return found

    def sequence_at(self, instant_ms: int) -> int:
        """The lowest sequence number of a version not older than `instant_ms`: times grow with numbers."""
        low, high = 1, self.last_sequence() + 1
        while low < high:
            middle = (low + high) // 2
            row = self._execute(
                "SELECT seq, last_updated FROM version WHERE seq >= ? ORDER BY seq LIMIT 1", (middle,)
            ).get
            if row is None or row[1] >= instant_ms:
                high = middle
            else:
                low = row[0] + 1
        return low

    @outcomes
    def totals(self) -> dict[str, int]:
        rows: list[Any] = self._execute("SELECT name, total FROM resource_type WHERE total > 0").fetchall()
        return dict(rows)

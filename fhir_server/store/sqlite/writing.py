"""The one connection that writes: versions, current state, index rows, counts."""

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from fhir_server.clock import Clock
from fhir_server.outcome import store_unavailable, version_conflict
from fhir_server.resource import same_content, served
from fhir_server.store.protocol import NO_WORDING, Content, Extract, Method, Version, Wording, Written
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import index
from fhir_server.store.sqlite.errors import outcomes, unavailable
from fhir_server.store.sqlite.names import Names, stored_id
from fhir_server.store.sqlite.reading import METHOD_NUMBERS, Connected

_STATE = """
SELECT r.key, r.live, v.seq, v.version_id, v.last_updated, v.method, v.body
FROM resource r LEFT JOIN version v ON v.seq = r.seq WHERE r.type = ? AND r.id = ?"""
_KEY = "SELECT key FROM resource WHERE type = ? AND id = ?"
_ADD_RESOURCE = "INSERT INTO resource(type, id, seq, live) VALUES(?, ?, ?, ?)"
_ADD_NEW = "INSERT OR IGNORE INTO resource(type, id, seq, live) VALUES(?, ?, ?, ?)"
_SET_CURRENT = "UPDATE resource SET seq = ?, live = ? WHERE key = ?"
_ADD_VERSION = (
    "INSERT INTO version(seq, key, version_id, type, last_updated, method, body) VALUES(?, ?, ?, ?, ?, ?, ?)"
)
_LAST = """
SELECT seq, last_updated, (SELECT coalesce(max(id), 0) FROM dictionary),
(SELECT coalesce(max(mark), 0) FROM rules) FROM version ORDER BY seq DESC LIMIT 1"""
_RULES_MARK = "SELECT coalesce(max(mark), 0) FROM rules"

REMEMBERED = 20_000  # keys, and texts

P = ParamSpec("P")
T = TypeVar("T")
State = tuple[int, int, int, int, int, int, bytes]
"""key, live, and the current version: seq, version id, last updated, method, body; None each: a phantom"""


def whole(call: Callable[Concatenate["Writing", P], T]) -> Callable[Concatenate["Writing", P], T]:
    """A write of which nothing may be kept when it raises after its first change, whoever catches that."""

    @wraps(call)
    def wrapped(self: "Writing", /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.changing = False
        try:
            return call(self, *args, **kwargs)
        except BaseException as error:
            outcome = (unavailable(error) if isinstance(error, apsw.Error) else None) or error
            if self.changing and self.failed is None:
                self.failed = outcome
            raise outcome from error

    return wrapped


class Writing(Connected):
    """Writes inside a transaction that others open and commit."""

    def __init__(
        self,
        connection: apsw.Connection,
        names: Names,
        extract: Extract,
        clock: Clock,
        wording: Wording = NO_WORDING,
    ) -> None:
        super().__init__(connection, names, extract, wording)
        self.clock = clock
        self.sequence = 0  # of the last version
        self._last_updated = 0  # of the last version
        self.wrote = False  # whether this unit did
        self.changing = False  # whether a write has changed something
        self.failed: BaseException | None = None  # why a write stopped midway: the unit must not commit
        self._savepoint = False
        self._stamp: int | None = None  # the time of all versions of this unit
        self._totals: Counter[int] = Counter()  # changes of counts per type not written yet
        self._columns = _Columns(connection, names)
        self._statistics = index.Statistics(connection)
        self.rules_mark = 0  # of the rules that the transaction sees
        self._keys: dict[tuple[str, str], int] = {}  # of targets of references, lately
        self._texts: set[tuple[str, str, int]] = set()  # rows of the lexicon, lately

    def begin(self) -> None:
        """At the start of a transaction: where the log ends."""
        found = self._execute(_LAST).get or (0, 0, 0, self._execute(_RULES_MARK).get)
        self.sequence, self._last_updated, newest, mark = found
        if mark != self.rules_mark:
            self.see_rules(mark)
        if newest != self.bodies.newest:
            self.bodies.use_newest()

    def see_rules(self, mark: int) -> None:
        self.rules_mark = mark
        self._texts.clear()  # under other rules the lexicon may lose some

    def begin_unit(self, *, savepoint: bool) -> None:
        """savepoint: others have written in the same transaction of SQLite."""
        self.wrote = False
        self.failed = None
        self._savepoint = savepoint
        self._stamp = None

    @outcomes
    def end_unit(self) -> None:
        if self.wrote:
            self.before_write()
            self.write_totals()
            if self._savepoint:
                self.connection.execute("RELEASE unit")

    def undo_unit(self) -> None:
        """Take back what the unit wrote; the transaction is over when nobody else had written in it."""
        if not self.wrote:
            return
        self.forget()
        if not self.connection.in_transaction:
            return
        if self._savepoint:
            self.connection.execute("ROLLBACK TO unit; RELEASE unit")
            self.begin()
        else:
            self.connection.execute("ROLLBACK")

    def forget(self) -> None:
        """After a rollback, which may have taken back names and keys."""
        self.names.forget()
        self._columns.clear()
        self._statistics.forget()
        self._keys.clear()
        self._texts.clear()
        self._totals.clear()

    def before_write(self) -> None:
        """Before each write. A unit that only reads or is refused needs no savepoint."""
        if self.failed is not None:
            raise self.failed
        if not self.connection.in_transaction:
            # SQLite has rolled back everything, and this write would commit on its own
            raise store_unavailable("the disk of the store refused a write of the same transaction")
        self.changing = True
        if not self.wrote:
            self.wrote = True
            if self._savepoint:
                self.connection.execute("SAVEPOINT unit")

    def write_totals(self) -> None:
        for type_id, change in self._totals.items():
            if change:
                self._execute("UPDATE resource_type SET total = total + ? WHERE id = ?", (change, type_id))
        self._totals.clear()

    def totals(self) -> dict[str, int]:
        self.write_totals()
        return super().totals()

    @whole
    def put(self, content: Content, method: Method, if_match: int | None, force: bool) -> Written:
        resource_type, id_, body, rows = content
        index.require_few_instances(rows)
        type_id = self.names.types.get(resource_type) or self.names.type_id(self.connection, resource_type)
        stored = stored_id(id_)
        if method == "POST" and if_match is None and type_id is not None:
            # the id was drawn just now: nobody has it, and nobody is asked
            self.before_write()
            self._execute(_ADD_NEW, (type_id, stored, self.sequence + 1, 1))
            if self.connection.changes():
                return self._created(content, method, type_id, self.connection.last_insert_rowid(), 1)
        state: State | None = self._execute(_STATE, (type_id, stored)).get
        _check(state, if_match, resource_type, id_)
        if type_id is None or state is None or not state[1]:
            return self._create(content, method, stored, state)
        key, _, seq, version_id, last_updated, old_method, kept = state
        old = self.bodies.expand(kept)
        if not force and same_content(old, body):
            found = self.made(resource_type, id_, (seq, version_id, last_updated, old_method, kept))
            return Written(found, created=False, changed=False)
        old_rows = self.extract(resource_type, old)
        self.before_write()
        version = self._add_version(content, method, type_id, key, version_id + 1)
        self._execute(_SET_CURRENT, (version.sequence, 1, key))
        self.replace(key, old_rows, rows)
        return Written(version, created=False, changed=True)

    def _create(self, content: Content, method: Method, stored: str | bytes, state: State | None) -> Written:
        self.before_write()
        type_id = self.names.add_type(self.connection, content.resource_type)
        if state is None:
            self._execute(_ADD_RESOURCE, (type_id, stored, self.sequence + 1, 1))
            key, version_id = self.connection.last_insert_rowid(), 1
        else:
            key, version_id = state[0], (state[3] or 0) + 1
            self._execute(_SET_CURRENT, (self.sequence + 1, 1, key))
        return self._created(content, method, type_id, key, version_id)

    def _created(self, content: Content, method: Method, type_id: int, key: int, version_id: int) -> Written:
        version = self._add_version(content, method, type_id, key, version_id)
        self._totals[type_id] += 1
        self.replace(key, None, content.rows)
        return Written(version, created=True, changed=True)

    @whole
    def delete(self, resource_type: str, id_: str, if_match: int | None) -> Version | None:
        type_id = self.names.type_id(self.connection, resource_type)
        if type_id is None:
            _check(None, if_match, resource_type, id_)
            return None
        state: State | None = self._execute(_STATE, (type_id, stored_id(id_))).get
        _check(state, if_match, resource_type, id_)
        if state is None or not state[1]:
            return None
        key, _, _, version_id, _, _, kept = state
        old_rows = self.extract(resource_type, self.bodies.expand(kept))
        self.before_write()
        content = Content(resource_type, id_, b"", Rows())
        version = self._add_version(content, "DELETE", type_id, key, version_id + 1)
        self._execute(_SET_CURRENT, (version.sequence, 0, key))
        self._totals[type_id] -= 1
        self.replace(key, old_rows, content.rows)
        return version

    def _add_version(
        self, content: Content, method: Method, type_id: int, key: int, version_id: int
    ) -> Version:
        if self._stamp is None:
            # the clock may be set back; the log's times may not
            self._stamp = max(self.clock(), self._last_updated)
        self.sequence += 1
        self._last_updated = self._stamp
        resource_type, id_, body, _ = content
        number, kept = METHOD_NUMBERS[method], self.bodies.compress(body)
        self._execute(_ADD_VERSION, (self.sequence, key, version_id, type_id, self._stamp, number, kept))
        answer = served(body, resource_type, id_, version_id, self._stamp) if body else b""
        return Version(self.sequence, resource_type, id_, version_id, self._stamp, method, answer)

    def replace(self, key: int, old: Rows | None, new: Rows) -> None:
        """The index rows of a resource; `old` are those that it has now, None: none."""
        gone, added = index.differences(old, new)
        for table, rows in index.table_rows(gone, key, self._columns, self._key):
            self.connection.executemany(index.DELETE[table], rows)
        if added.dates or added.numbers or added.strings:
            self._statistics.note(new, self._columns)
        for table, rows in index.table_rows(added, key, self._columns, self._key):
            self.connection.executemany(index.INSERT[table], rows)
        self._explain(new)

    def _explain(self, rows: Rows) -> None:
        """Texts of hashes: few are new, so those of late are remembered."""
        if texts := rows.lexicon - self._texts:
            columns = self._columns
            self.connection.executemany(
                "INSERT OR IGNORE INTO lexicon(column, text, hash) VALUES(?, ?, ?)",
                [(columns[name], text, hash_) for name, text, hash_ in texts],
            )
            if len(self._texts) > REMEMBERED:
                self._texts.clear()
            self._texts |= texts
        for instance in rows.instances:
            self._explain(instance)

    def _key(self, resource_type: str, id_: str) -> int:
        """The key of a reference's target, which need not be there yet."""
        found = self._keys.get((resource_type, id_))
        if found is not None:
            return found
        type_id = self.names.types.get(resource_type) or self.names.add_type(self.connection, resource_type)
        stored = stored_id(id_)
        found = self._execute(_KEY, (type_id, stored)).get
        if found is None:
            self._execute(_ADD_RESOURCE, (type_id, stored, None, 0))
            found = self.connection.last_insert_rowid()
        if len(self._keys) > REMEMBERED:
            self._keys.clear()
        self._keys[resource_type, id_] = found
        return found


class _Columns(dict[str, int]):
    """Numbers of columns, which are made when there are none."""

    def __init__(self, connection: apsw.Connection, names: Names) -> None:
        self._connection = connection
        self._names = names

    def __missing__(self, name: str) -> int:
        found = self[name] = self._names.add_column(self._connection, name)
        return found


def _check(state: State | None, if_match: int | None, resource_type: str, id_: str) -> None:
    if if_match is None:
        return
    # a deletion counts: its version lets a client bring back just what it has seen deleted
    current = None if state is None else state[3]
    if current != if_match:
        now = "is not there" if current is None else f"is at version {current}"
        raise version_conflict(f"{resource_type}/{id_} {now}, If-Match asks for version {if_match}")

"""The one connection that writes: versions, current state, index rows, counts."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import apsw

from fhir_server.clock import Clock
from fhir_server.outcome import store_unavailable, version_conflict
from fhir_server.resource import same_content, served
from fhir_server.store.protocol import NO_WORDING, Content, Extract, Method, Version, Wording, Written
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import index
from fhir_server.store.sqlite.errors import outcomes, unavailable
from fhir_server.store.sqlite.names import Names, is_drawn, stored_id
from fhir_server.store.sqlite.pending import Identity, Pending, require_text
from fhir_server.store.sqlite.reading import METHOD_NUMBERS, Connected
from fhir_server.store.sqlite.recent import RecentRows

_STATE = """
SELECT r.key, r.live, v.seq, v.version_id, v.last_updated, v.method, v.body
FROM resource r LEFT JOIN version v ON v.seq = r.seq WHERE r.type = ? AND r.id = ?"""
_KEY = "SELECT key FROM resource WHERE type = ? AND id = ?"
_LAST = """
SELECT seq, last_updated, (SELECT max(key) FROM resource), (SELECT coalesce(max(id), 0) FROM dictionary),
(SELECT coalesce(max(mark), 0) FROM rules) FROM version ORDER BY seq DESC LIMIT 1"""
_ENDS = """
SELECT 0, 0, (SELECT coalesce(max(key), 0) FROM resource), 0, (SELECT coalesce(max(mark), 0) FROM rules)"""

REMEMBERED = 20_000  # keys, and texts

P = ParamSpec("P")
T = TypeVar("T")
State = tuple[int, int, Any, Any, Any, Any, Any]
"""key, live, and the current version: seq, version id, last updated, method, body; None each: a phantom"""
_NO_VERSION = (0, None, None, None, None, None)


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
    """Writes inside a transaction that others open and commit.

    What units write waits in `Pending`: nothing is read from the tables before `flush`.
    """

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
        self._last_key = 0  # of resources
        self.changing = False  # whether a write has changed something
        self.failed: BaseException | None = None  # why a write stopped midway: the unit must not commit
        self._waiting = Pending()  # of units of this transaction
        self._mark = self._waiting.mark()  # from where on it is of this unit
        self._began = (0, 0, 0)  # sequence, last updated and last key before this unit
        self._not_first = False  # other units of this transaction have written
        self._reached = False  # something of this unit has reached SQLite
        self._savepoint = False  # and can be taken back without what others wrote
        self._changes = 0  # of the connection, before this transaction
        self._stamp: int | None = None  # the time of all versions of this unit
        self._columns = _Columns(connection, names)
        self._statistics = index.Statistics(connection)
        self.rules_mark = 0  # of the rules that the transaction sees
        self._keys: dict[Identity, int] = {}  # of resources that were written or referred to lately
        self._texts: set[tuple[str, str, int]] = set()  # rows of the lexicon, lately
        self._recent = RecentRows()

    def begin(self) -> None:
        """At the start of a transaction: where the log ends."""
        found = self._execute(_LAST).get or self._execute(_ENDS).get
        self.sequence, self._last_updated, self._last_key, newest, mark = found
        self._changes = self.connection.total_changes()
        if len(self._keys) > REMEMBERED:
            self._keys.clear()
        if len(self._texts) > REMEMBERED:
            self._texts.clear()
        if mark != self.rules_mark:
            self.see_rules(mark)
        if newest != self.bodies.newest:
            self.bodies.use_newest()

    def see_rules(self, mark: int) -> None:
        self.rules_mark = mark
        self._texts.clear()  # under other rules the lexicon may lose some
        self._recent.forget()

    def begin_unit(self, *, first: bool) -> None:
        """first: no other unit has written in the same transaction of SQLite."""
        self.failed = None
        self._not_first = not first
        self._reached = self._savepoint = False
        self._stamp = None
        self._mark = self._waiting.mark()
        self._began = (self.sequence, self._last_updated, self._last_key)

    @outcomes
    def end_unit(self) -> bool:
        """Whether the unit wrote."""
        if self.failed is not None:
            raise self.failed
        wrote = self._reached or self.sequence > self._began[0]
        if wrote:
            self._require_transaction()
        if self._savepoint:
            self.connection.execute("RELEASE unit")
            self._savepoint = False
        self._mark = self._waiting.mark()
        return wrote

    def undo_unit(self) -> None:
        """Take back what the unit wrote; the transaction is over when nobody else had written in it."""
        self._waiting.cut(self._mark)
        for sequence in range(self._began[0] + 1, self.sequence + 1):
            self._recent.take(sequence)
        self.sequence, self._last_updated, self._last_key = self._began
        if not self.connection.in_transaction:
            self.forget()
        elif self._savepoint:
            self._forget_names()
            self.connection.execute("ROLLBACK TO unit; RELEASE unit")
        elif self._reached:
            self._forget_names()
            self.connection.execute("ROLLBACK")

    def roll_back(self) -> None:
        """End the transaction with nothing kept of it."""
        if self.connection.in_transaction:
            changed = self.connection.total_changes() != self._changes
            self.connection.execute("ROLLBACK")
            if not changed and not self._waiting:
                return  # nothing was remembered that is not so
        self.forget()

    def forget(self) -> None:
        """After a rollback, which may have taken back names and keys."""
        self._wait_anew()
        self._forget_names()

    def _wait_anew(self) -> None:
        self._waiting = Pending()
        self._mark = self._waiting.mark()

    def _forget_names(self) -> None:
        self.names.forget()
        self._columns.clear()
        self._statistics.forget()
        self._keys.clear()
        self._texts.clear()
        self._recent.forget()

    @whole
    def make_readable(self) -> None:
        """Before something is read that may wait."""
        self.flush()

    def flush(self) -> None:
        """Give SQLite what waits, at the latest before the commit."""
        if not self._waiting:
            return
        before, self.changing = self.changing, True
        earlier, own = self._waiting, self._waiting.split(self._mark)
        self._wait_anew()
        if earlier:
            try:
                self._write(earlier)
            except BaseException:
                # units that have ended are in it: none of them may be kept in part
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
        if own:
            self._reach()
            self._write(own)
        self.changing = before

    def _write(self, waiting: Pending) -> None:
        waiting.write(self.connection, self._columns)
        self._keys |= waiting.keys
        self._texts.update(waiting.lexicon)

    def _reach(self) -> None:
        """Before this unit gives SQLite something: what only waits needs no savepoint."""
        self._reached = True
        if self._not_first and not self._savepoint:
            self.connection.execute("SAVEPOINT unit")
            self._savepoint = True

    def _require_transaction(self) -> None:
        if not self.connection.in_transaction:
            # SQLite has rolled back everything, and this write would commit on its own
            raise store_unavailable("the disk of the store refused a write of the same transaction")

    def _before_change(self) -> None:
        if self.failed is not None:
            raise self.failed
        self._require_transaction()
        self.changing = True

    def before_write(self) -> None:
        """Before statements that write at once."""
        self._before_change()
        self.flush()
        self._reach()

    @whole
    def put(self, content: Content, method: Method, if_match: int | None, force: bool) -> Written:
        resource_type, id_, body, rows = content
        index.require_few_instances(rows)
        stored = stored_id(id_)
        if method == "POST" and if_match is None and self._is_new((resource_type, id_), stored):
            return self._first(content, method, stored)
        state = self._state((resource_type, id_), stored)
        _check(state, if_match, resource_type, id_)
        if state is None:
            return self._first(content, method, stored)
        key, live, seq, version_id, last_updated, old_method, kept = state
        if not live:
            self._before_change()
            self._waiting.current.append((self.sequence + 1, 1, key))
            return self._created(content, method, key, (version_id or 0) + 1)
        old = self.bodies.expand(kept)
        if not force and same_content(old, body):
            found = self.made(resource_type, id_, (seq, version_id, last_updated, old_method, kept))
            return Written(found, created=False, changed=False)
        old_rows = self._rows_of(resource_type, seq, old)
        self._before_change()
        self._waiting.current.append((self.sequence + 1, 1, key))
        version = self._add_version(content, method, self.names.types[resource_type], key, version_id + 1)
        self.replace((resource_type, id_), key, old_rows, rows)
        return Written(version, created=False, changed=True)

    def _is_new(self, identity: Identity, stored: str | bytes) -> bool:
        """Whether nobody has the id, as is so for one that was drawn, and nobody refers to it."""
        if identity in self._waiting.keys or identity in self._keys:
            return False
        if isinstance(stored, bytes) and is_drawn(stored):
            return True  # only what was written with it can know it
        type_id = self.names.type_id(self.connection, identity[0])
        return type_id is None or self._execute(_KEY, (type_id, stored)).get is None

    def _state(self, identity: Identity, stored: str | bytes) -> State | None:
        key = self._waiting.keys.get(identity)
        if key is not None:
            if key not in self._waiting.touched:
                return key, *_NO_VERSION
            self.flush()
        type_id = self.names.type_id(self.connection, identity[0])
        found: State | None = self._execute(_STATE, (type_id, stored)).get
        return found

    def _first(self, content: Content, method: Method, stored: str | bytes) -> Written:
        """The first version of a resource that has no key."""
        self._before_change()
        self._last_key += 1
        type_id = self.names.add_type(self.connection, content.resource_type)
        self._waiting.resources.append((self._last_key, type_id, stored, self.sequence + 1, 1))
        return self._created(content, method, self._last_key, 1)

    def _created(self, content: Content, method: Method, key: int, version_id: int) -> Written:
        resource_type, id_, _, rows = content
        type_id = self.names.types[resource_type]
        version = self._add_version(content, method, type_id, key, version_id)
        self._waiting.totals.append((type_id, 1))
        self.replace((resource_type, id_), key, None, rows)
        return Written(version, created=True, changed=True)

    @whole
    def delete(self, resource_type: str, id_: str, if_match: int | None) -> Version | None:
        state = self._state((resource_type, id_), stored_id(id_))
        _check(state, if_match, resource_type, id_)
        if state is None or not state[1]:
            return None
        key, _, seq, version_id, _, _, kept = state
        old_rows = self._rows_of(resource_type, seq, self.bodies.expand(kept))
        self._before_change()
        content = Content(resource_type, id_, b"", Rows())
        type_id = self.names.types[resource_type]
        version = self._add_version(content, "DELETE", type_id, key, version_id + 1)
        self._waiting.current.append((self.sequence, 0, key))
        self._waiting.totals.append((type_id, -1))
        self.replace((resource_type, id_), key, old_rows, content.rows)
        return version

    def _add_version(
        self, content: Content, method: Method, type_id: int, key: int, version_id: int
    ) -> Version:
        if self._stamp is None:
            # the clock may be set back; the log's times may not
            self._stamp = max(self.clock(), self._last_updated)
        self.sequence += 1
        self._last_updated = self._stamp
        resource_type, id_, body, rows = content
        number, kept = METHOD_NUMBERS[method], self.bodies.compress(body)
        self._waiting.versions.append((self.sequence, key, version_id, type_id, self._stamp, number, kept))
        if body:
            self._recent.keep(self.sequence, rows)
        answer = served(body, resource_type, id_, version_id, self._stamp) if body else b""
        return Version(self.sequence, resource_type, id_, version_id, self._stamp, method, answer)

    def _rows_of(self, resource_type: str, sequence: int, body: bytes) -> Rows:
        """The index rows that a version has."""
        return self._recent.take(sequence) or self.extract(resource_type, body)

    def replace(self, identity: Identity, key: int, old: Rows | None, new: Rows) -> None:
        """The index rows of a resource; `old` are those that it has now, None: none."""
        waiting = self._waiting
        waiting.keys[identity] = key
        waiting.touched[key] = None
        gone, added = index.differences(old, new)
        if added.dates or added.numbers or added.strings:
            self._statistics.note(new, self._columns)
        waiting.replace(gone, added, key, self._columns, self._key)
        self._explain(new)

    def _explain(self, rows: Rows) -> None:
        """Texts of hashes: few are new, so those of late are remembered."""
        if texts := rows.lexicon - self._texts:
            require_text(texts)
            self._waiting.lexicon.update(dict.fromkeys(texts))
        for instance in rows.instances:
            if instance.lexicon:
                self._explain(instance)

    def _key(self, resource_type: str, id_: str) -> int:
        """The key of a reference's target, which need not be there yet."""
        identity = resource_type, id_
        found = self._waiting.keys.get(identity) or self._keys.get(identity)
        if found is not None:
            return found
        type_id = self.names.types.get(resource_type) or self.names.add_type(self.connection, resource_type)
        stored = stored_id(id_)
        found = self._execute(_KEY, (type_id, stored)).get
        if found is None:
            self._last_key += 1
            found = self._waiting.keys[identity] = self._last_key
            self._waiting.resources.append((found, type_id, stored, None, 0))
        else:
            self._keys[identity] = found
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

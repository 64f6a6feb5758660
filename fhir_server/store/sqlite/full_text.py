"""The words of resources in a table of FTS5, which follows the change log at a distance.

Writes do not touch it. Nothing is in it before somebody searches by text; `full_text_state` has the sequence
number up to which it is complete. What was changed later is compared by the search itself, word by word, as
long as that is little; when it is more, `BehindError` tells that the table must catch up first (`upkeep.py`).
So a search finds what was committed before it, whoever committed it, and is never partial.

The table keeps no texts, only where which word stands. https://sqlite.org/fts5.html#contentless_delete_tables
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import apsw

from fhir_server.store import algebra
from fhir_server.store.matching import stands_in
from fhir_server.store.sqlite.connection import snapshot
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.terms import (
    NOWHERE,
    Bounded,
    Keys,
    Sql,
    Term,
    Universe,
    merged,
)
from fhir_server.store.sqlite.writing import Writing

COMPARED = 200  # versions that a search compares by itself
BATCH = 100  # versions that are added in one transaction
FREQUENT = 20_000  # resources; a phrase that so many have is sought in each, not collected

_STATE = "SELECT sequence FROM full_text_state"
# versions that are current, deletions too
_CURRENT = """
SELECT v.seq, r.key, r.live, v.body FROM version v CROSS JOIN resource r ON r.key = v.key AND r.seq = v.seq
WHERE v.seq > ? ORDER BY v.seq LIMIT ?"""
_LIVE = """
SELECT r.key, v.body FROM resource r CROSS JOIN version v ON v.seq = r.seq WHERE r.live AND {types}"""

_SIZES = """
SELECT r.key, v.body, d.sz FROM resource r CROSS JOIN version v ON v.seq = r.seq
LEFT JOIN full_text_docsize d ON d.id = r.key WHERE r.live AND r.seq <= ?"""
_LEFT_OVER = """
SELECT d.id FROM full_text_docsize d LEFT JOIN resource r ON r.key = d.id
WHERE r.key IS NULL OR (NOT r.live AND r.seq <= ?)"""

Text = tuple[int, str | None, str]
"""key, narrative, the rest; no narrative (None): the resource is deleted"""


class BehindError(Exception):
    """The table lacks too much for a search to make up for it."""


class Batch(NamedTuple):
    after: int  # the sequence number up to which the table is complete
    last: int  # and up to which it will be
    end: int  # of the log
    texts: list[Text]


def term(here: Connected, bounded: Bounded, node: algebra.FullText, universe: Universe) -> Term:
    """What has the words of `node`, in the present snapshot. Raises BehindError."""
    if here.connection.readonly("main"):
        return _scanned(here, node, universe)
    state, last = here.connection.execute(_STATE).get or 0, here.last_sequence()
    # inside a transaction nobody else can bring the table up to date: then all is compared, while time lasts
    if last - state > COMPARED and here.connection.txn_state("main") != apsw.SQLITE_TXN_WRITE:
        raise BehindError
    changed, fitting = _compared(here, node, state)
    if not state:
        return Keys(fitting) if fitting else NOWHERE
    return Phrase(bounded, _match(node), changed, fitting)


def _scanned(here: Connected, node: algebra.FullText, universe: Universe) -> Term:
    """In a store that nobody writes, which has no table of words: each body is looked at."""
    types = universe.of_type("r")
    found = array("q")
    for key, body in here.connection.execute(_LIVE.format(types=types.text), types.values):
        here.require_time()
        if here.wording.has(here.bodies.expand(body), node):
            found.append(key)
    return Keys(array("q", sorted(found))) if found else NOWHERE


def _compared(here: Connected, node: algebra.FullText, state: int) -> tuple["array[int]", "array[int]"]:
    """Keys of what was changed after a sequence number; those of them that have the words now."""
    changed, fitting = [], []
    for sequence, key, live, body in here.connection.execute(_CURRENT, (state, -1)):
        here.require_time()
        changed.append(key)
        if live:
            found = here.recent.get(sequence)
            if found is None:
                found = here.recent[sequence] = here.wording.words(here.bodies.expand(body))
            if stands_in(node, found):
                fitting.append(key)
    if len(here.recent) > 2 * COMPARED:
        here.recent = {}
    return array("q", sorted(changed)), array("q", sorted(fitting))


def _match(node: algebra.FullText) -> str:
    """A query of FTS5. Words have letters, digits and ideographs alone, nothing that has a meaning there."""
    phrase = f'"{" ".join(node.words)}"{" *" if node.prefix else ""}'
    return f"narrative : {phrase}" if node.where == "narrative" else phrase


@dataclass(frozen=True, slots=True)
class Phrase:
    """Has a phrase: as the table says, but for what was changed since."""

    bounded: Bounded
    match: str
    changed: "array[int]"  # ascending
    fitting: "array[int]"  # of the changed ones

    def _indexed(self, more: str = "", *values: Any) -> Sql:
        if self.changed:
            more += " AND rowid NOT IN (SELECT value FROM carray(?))"
            values += (apsw.carray(self.changed),)
        # the plus keeps conditions on the key out of FTS5, which would seek the phrase anew for each key
        select = f"SELECT +rowid AS key FROM full_text WHERE full_text MATCH ?{more}"
        return Sql(select, (self.match, *values))

    def test(self, key: str, depth: int) -> Sql:
        if self.estimate(FREQUENT) < FREQUENT:
            found = self._indexed()
            tested = Sql(f"{key} IN ({found.text})", found.values)
        else:
            found = self._indexed(f" AND rowid = {key}")
            tested = Sql(f"EXISTS({found.text})", found.values)
        if not self.fitting:
            return tested
        others = Keys(self.fitting).test(key, depth)
        return Sql(f"({tested.text} OR {others.text})", tested.values + others.values)

    def keys(self, depth: int) -> Sql:
        found = self._indexed()
        if not self.fitting:
            return found
        others = Keys(self.fitting).keys(depth)
        return Sql(f"{found.text} UNION ALL {others.text}", found.values + others.values)

    @property
    def streams(self) -> bool:
        return True

    def stream(self, after: int, depth: int) -> Sql:
        # FTS5 has the rows of a phrase in the order of their numbers
        found = self._indexed(" AND rowid > ?", after)
        if not self.fitting:
            return Sql(f"{found.text} ORDER BY rowid", found.values)
        return merged([found, Keys(self.fitting).stream(after, depth)])

    def estimate(self, limit: int) -> int:
        return min(limit, self.bounded(self._indexed(), limit) + len(self.fitting))


def next_batch(here: Connected) -> Batch | None:
    """What the table lacks, or some of it; None when it is complete."""
    with snapshot(here.connection):
        state, end = here.connection.execute(_STATE).get or 0, here.last_sequence()
        if state >= end:
            return None
        rows: list[Any] = here.connection.execute(_CURRENT, (state, BATCH)).fetchall()
    texts = [_text(here, key, body if live else None) for _, key, live, body in rows]
    return Batch(state, rows[-1][0] if len(rows) == BATCH else end, end, texts)


def _text(here: Connected, key: int, body: bytes | None) -> Text:
    if body is None:
        return key, None, ""
    narrative, content = here.wording.words(here.bodies.expand(body))
    return key, " ".join(narrative), " ".join(content)


def add(writing: Writing, batch: Batch) -> None:
    """Inside a transaction."""
    connection = writing.connection
    if (connection.execute(_STATE).get or 0) != batch.after:
        return  # another process was faster
    writing.before_write()
    gone = [(key,) for key, narrative, _ in batch.texts if narrative is None]
    there = [text for text in batch.texts if text[1] is not None]
    connection.executemany("DELETE FROM full_text WHERE rowid = ?", gone)
    connection.executemany(
        "INSERT OR REPLACE INTO full_text(rowid, narrative, content) VALUES(?, ?, ?)", there
    )
    connection.execute("INSERT OR REPLACE INTO full_text_state(id, sequence) VALUES(1, ?)", (batch.last,))


def forget(writing: Writing) -> None:
    """Empty the table, inside a transaction; the next search by text builds it."""
    writing.before_write()
    writing.connection.execute("INSERT INTO full_text(full_text) VALUES('delete-all')")
    writing.connection.execute("DELETE FROM full_text_state")


def faults(here: Connected) -> Iterator[tuple[int, str]]:
    """Keys with what is wrong with their words: FTS5 keeps how many there are of each resource."""
    state = in_use(here)
    if state is None:
        return
    for key, body, sizes in here.connection.execute(_SIZES, (state,)):
        if sizes is None:
            yield key, "its words lack"
        elif tuple(map(len, here.wording.words(here.bodies.expand(body)))) != _numbers(sizes):
            yield key, "it has other words than the table"
    for (key,) in here.connection.execute(_LEFT_OVER, (state,)):
        yield key, "words of what is not there"


def _numbers(kept: bytes) -> tuple[int, ...]:
    """SQLite's integers of variable length, of which these have less than nine bytes."""
    found, number = [], 0
    for byte in kept:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            found.append(number)
            number = 0
    return tuple(found)


def in_use(here: Connected) -> int | None:
    """The sequence number up to which the table is complete; None: nobody has searched by text."""
    found: int | None = here.connection.execute(_STATE).get
    return found

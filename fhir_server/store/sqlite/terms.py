"""Conditions on keys, as SQL: what the comparisons of the algebra compile to.

A term can be asked three ways. `test`: a predicate on a key that another term found. `keys`: a SELECT of the
keys it is true of, in any order, repeats allowed. `stream`: the same in ascending order and each once, read
from an index as far as needed; not every term has such an index.
"""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import apsw

Value = int | float | str | bytes | Any
"""What is bound, also an array of keys for `carray`."""


class Sql(NamedTuple):
    text: str
    values: tuple[Value, ...] = ()


Bounded = Callable[[Sql, int], int]
"""How many rows a SELECT has, counted up to a limit."""

MERGED_AT_MOST = 16  # streams
GROUPED = 200  # conditions, or SELECTs
_LAST_CHARACTER = 0x10FFFF
INLINE_KEYS = 8  # more are bound as one array

TRUE = Sql("1")
FALSE = Sql("0")


class Term(Protocol):
    def test(self, key: str, depth: int) -> Sql:
        """A predicate on the SQL expression `key`; `depth` tells nested aliases apart."""

    def keys(self, depth: int) -> Sql: ...

    @property
    def streams(self) -> bool:
        """Whether there is an index to ask `stream` of."""

    def stream(self, after: int, depth: int) -> Sql:
        """Only keys greater than `after`."""

    def estimate(self, limit: int) -> int:
        """About how many rows `keys` has, `limit` for any number from there on."""


def join(separator: str, parts: Iterable[Sql]) -> Sql:
    parts = list(parts)
    return Sql(separator.join(part.text for part in parts), tuple(v for part in parts for v in part.values))


def tests(terms: Iterable[Term], key: str, depth: int) -> Sql:
    """` AND …` for each term."""
    found = [term.test(key, depth) for term in terms]
    return Sql(
        "".join(f" AND {test.text}" for test in found), tuple(v for test in found for v in test.values)
    )


def equal(column: str, values: tuple[Value, ...]) -> Sql:
    """Lists are padded to few lengths, so that few statements differ."""
    if len(values) == 1:
        return Sql(f"{column} = ?", values)
    length = len(values) if len(values) < 4 else 1 << (len(values) - 1).bit_length()
    return Sql(f"{column} IN ({','.join('?' * length)})", values + values[-1:] * (length - len(values)))


def either(conditions: list[Sql]) -> Sql:
    """Any of many: in groups, as SQLite allows expressions to be 1,000 deep."""
    while len(conditions) > GROUPED:
        groups = range(0, len(conditions), GROUPED)
        conditions = [either(conditions[n : n + GROUPED]) for n in groups]
    found = join(" OR ", conditions)
    return Sql(f"({found.text})", found.values)


def starts(column: str, prefix: str) -> Sql:
    """A range instead of LIKE, which knows wildcards and no index of this kind."""
    after = prefix.rstrip(chr(_LAST_CHARACTER))
    if not after:
        return Sql(f"{column} >= ?", (prefix,))
    last = ord(after[-1]) + 1
    if last == 0xD800:  # surrogates are no characters
        last = 0xE000
    return Sql(f"{column} >= ? AND {column} < ?", (prefix, after[:-1] + chr(last)))


def together(selects: list[Sql]) -> Sql:
    """The rows of many: in groups, as SQLite allows 500 SELECTs in one."""
    while len(selects) > GROUPED:
        groups = range(0, len(selects), GROUPED)
        selects = [simple(together(selects[n : n + GROUPED])) for n in groups]
    return join(" UNION ALL ", selects)


def merged(arms: list[Sql]) -> Sql:
    """Streams as one stream."""
    if len(arms) == 1:
        return arms[0]
    # the LIMIT keeps SQLite from dropping the order, by which it merges the arms without a temporary table
    both = join(" UNION ", (simple(arm) for arm in arms))
    return Sql(f"{both.text} ORDER BY 1 LIMIT -1", both.values)


def simple(arm: Sql) -> Sql:
    """An arm of a compound SELECT may not be one itself, nor have an order."""
    is_ordered = arm.text.rfind(" ORDER BY ") > arm.text.rfind(")")
    if " UNION " not in arm.text and not is_ordered:
        return arm
    return Sql(f"SELECT key FROM ({arm.text})", arm.values)


@dataclass(frozen=True, slots=True)
class Universe:
    """All live resources of some types; None: of every type."""

    type_ids: tuple[int, ...] | None
    count: Callable[[], int]
    until: int | None = None  # only what was not changed after this sequence number; None: all

    def of_type(self, alias: str) -> Sql:
        """The types as a condition that no index is chosen for."""
        types = TRUE if self.type_ids is None else equal(f"+{alias}.type", self.type_ids)
        if self.until is None:
            return types
        return Sql(f"{types.text} AND +{alias}.seq <= ?", (*types.values, self.until))

    def test(self, key: str, depth: int) -> Sql:
        return TRUE  # the enclosing query has checked type and life of its keys

    def keys(self, depth: int) -> Sql:
        a = f"u{depth}"
        where = TRUE if self.type_ids is None else equal(f"{a}.type", self.type_ids)
        return Sql(f"SELECT {a}.key AS key FROM resource {a} WHERE {a}.live AND {where.text}", where.values)

    @property
    def streams(self) -> bool:
        return True

    def stream(self, after: int, depth: int) -> Sql:
        a = f"u{depth}"
        if self.type_ids is None:
            return Sql(f"SELECT {a}.key AS key FROM resource {a} WHERE {a}.key > ? AND {a}.live", (after,))
        arms = [
            Sql(
                f"SELECT {a}.key AS key FROM resource {a} INDEXED BY resource_live"
                f" WHERE {a}.type = ? AND {a}.key > ? AND {a}.live",
                (type_id, after),
            )
            for type_id in self.type_ids
        ]
        return merged(arms)

    def estimate(self, limit: int) -> int:
        return min(self.count(), limit)


class Nowhere:
    """True of nothing."""

    streams = True

    def test(self, key: str, depth: int) -> Sql:
        return FALSE

    def keys(self, depth: int) -> Sql:
        return Sql("SELECT 0 AS key WHERE 0")

    def stream(self, after: int, depth: int) -> Sql:
        return self.keys(depth)

    def estimate(self, limit: int) -> int:
        return 0


NOWHERE = Nowhere()


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some row of one index table fits. `{a}` in conditions stands for the table's alias."""

    bounded: Bounded
    table: str
    column: int
    condition: Sql
    by_key: str = ""  # the index that a known key's rows are sought by; "": the table itself
    # ways to the rows without a key, each with its index, together `condition`
    ways: tuple[tuple[str, Sql], ...] = ()
    # conditions of which each alone yields ascending keys; together `condition`; (): there is no such order
    ordered: tuple[Sql, ...] = ()
    repeats: bool = False  # a key may follow itself in such an order
    # no index has the rows of a key: the keys are collected once for a query instead
    collected: bool = False
    high_from: float | None = None  # of ranges: what the high end is at least
    of_text: Sql | None = None  # what it says of a text, where every text of the column has to be looked at

    def rows(self, alias: str) -> Sql:
        """`FROM` and `WHERE` for rows whose key the caller restricts."""
        hint = f" INDEXED BY {self.by_key}" if self.by_key else ""
        text = f"{self.table} {alias}{hint} WHERE {self.condition.text.format(a=alias)}"
        return Sql(text, self.condition.values)

    def test(self, key: str, depth: int) -> Sql:
        if self.collected:
            found = self.keys(depth)
            return Sql(f"{key} IN ({found.text})", found.values)
        a = f"t{depth}"
        rows = self.rows(a)
        return Sql(f"EXISTS(SELECT 1 FROM {rows.text} AND {a}.key = {key})", rows.values)

    def keys(self, depth: int) -> Sql:
        a = f"t{depth}"
        arms = []
        for hint, condition in self.ways or (("", self.condition),):
            index = f" INDEXED BY {hint}" if hint else ""
            where = condition.text.format(a=a)
            arms.append(
                Sql(f"SELECT {a}.key AS key FROM {self.table} {a}{index} WHERE {where}", condition.values)
            )
        return join(" UNION ALL ", arms)

    @property
    def streams(self) -> bool:
        return 0 < len(self.ordered) <= MERGED_AT_MOST

    def stream(self, after: int, depth: int) -> Sql:
        a = f"t{depth}"
        distinct = "DISTINCT " if self.repeats else ""
        arms = [
            Sql(
                f"SELECT {distinct}{a}.key AS key FROM {self.table} {a}"
                f" WHERE {condition.text.format(a=a)} AND {a}.key > ?",
                (*condition.values, after),
            )
            for condition in self.ordered
        ]
        return merged(arms)

    def estimate(self, limit: int) -> int:
        return self.bounded(self.keys(0), limit)


@dataclass(frozen=True, slots=True)
class Keys:
    """One of these keys."""

    found: "array[int]"  # ascending, each once, not empty

    def test(self, key: str, depth: int) -> Sql:
        if len(self.found) <= INLINE_KEYS:
            return equal(key, tuple(self.found))
        return Sql(f"{key} IN (SELECT value FROM carray(?))", (apsw.carray(self.found),))

    def keys(self, depth: int) -> Sql:
        return self.stream(-1, depth)

    @property
    def streams(self) -> bool:
        return True

    def stream(self, after: int, depth: int) -> Sql:
        found = self.found[bisect_right(self.found, after) :]
        if not found:
            return NOWHERE.keys(depth)
        return Sql("SELECT value AS key FROM carray(?)", (apsw.carray(found),))

    def estimate(self, limit: int) -> int:
        return min(len(self.found), limit)


@dataclass(frozen=True, slots=True)
class Numbered:
    """The current version lies in a range of sequence numbers."""

    first: int
    last: int

    def test(self, key: str, depth: int) -> Sql:
        a = f"n{depth}"
        return Sql(
            f"EXISTS(SELECT 1 FROM resource {a} WHERE {a}.key = {key} AND {a}.seq BETWEEN ? AND ?)",
            (self.first, self.last),
        )

    def keys(self, depth: int) -> Sql:
        a = f"n{depth}"
        return Sql(
            f"SELECT {a}.key AS key FROM version {a} WHERE {a}.seq BETWEEN ? AND ?"
            f" AND {a}.seq = (SELECT seq FROM resource WHERE key = {a}.key)",
            (self.first, self.last),
        )

    @property
    def streams(self) -> bool:
        return False

    def stream(self, after: int, depth: int) -> Sql:
        raise NotImplementedError("the log is not in the order of keys")

    def estimate(self, limit: int) -> int:
        return min(max(0, self.last - self.first + 1), limit)

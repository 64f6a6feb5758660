"""Conditions on keys, as SQL: what the algebra compiles to.

A term can be asked three ways. `test`: a predicate on a key that another term found. `keys`: a SELECT of the
keys it is true of, in any order, repeats allowed. `stream`: the same in ascending order and each once, read
from an index as far as needed; None where no index has that order.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fhir_server.store.sqlite.schema import INSTANCES

Value = int | float | str | bytes | None


class Sql(NamedTuple):
    text: str
    values: tuple[Value, ...] = ()


Bounded = Callable[[Sql, int], int]
"""How many rows a SELECT has, counted up to a limit."""

MERGED_AT_MOST = 16  # streams

TRUE = Sql("1")
FALSE = Sql("0")


class Term(Protocol):
    def test(self, key: str, depth: int) -> Sql:
        """A predicate on the SQL expression `key`; `depth` tells nested aliases apart."""

    def keys(self, depth: int) -> Sql: ...

    def stream(self, after: int, depth: int) -> Sql | None:
        """Only keys greater than `after`."""

    def estimate(self, limit: int) -> int:
        """About how many rows `keys` has, `limit` for any number from there on."""


def join(separator: str, parts: Iterable[Sql]) -> Sql:
    parts = list(parts)
    return Sql(separator.join(part.text for part in parts), tuple(v for part in parts for v in part.values))


def marks(values: tuple[Value, ...]) -> str:
    """`(?,?,?,?)` for an IN: few lengths, so that few statements differ."""
    return f"({','.join('?' * _padded_length(len(values)))})"


def padded(values: tuple[Value, ...]) -> tuple[Value, ...]:
    return values + values[-1:] * (_padded_length(len(values)) - len(values))


def _padded_length(length: int) -> int:
    return length if length < 4 else 1 << (length - 1).bit_length()


def equal(column: str, values: tuple[Value, ...]) -> Sql:
    if len(values) == 1:
        return Sql(f"{column} = ?", values)
    return Sql(f"{column} IN {marks(values)}", padded(values))


@dataclass(frozen=True, slots=True)
class Universe:
    """All live resources of some types; None: of every type."""

    type_ids: tuple[int, ...] | None
    count: Callable[[], int]

    def of_type(self, alias: str) -> Sql:
        """The types as a condition that no index is chosen for."""
        return TRUE if self.type_ids is None else equal(f"+{alias}.type", self.type_ids)

    def test(self, key: str, depth: int) -> Sql:
        return TRUE  # the enclosing query has checked type and life of its keys

    def keys(self, depth: int) -> Sql:
        a = f"u{depth}"
        where = TRUE if self.type_ids is None else equal(f"{a}.type", self.type_ids)
        return Sql(f"SELECT {a}.key AS key FROM resource {a} WHERE {a}.live AND {where.text}", where.values)

    def stream(self, after: int, depth: int) -> Sql | None:
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

    def test(self, key: str, depth: int) -> Sql:
        return FALSE

    def keys(self, depth: int) -> Sql:
        return Sql("SELECT 0 AS key WHERE 0")

    def stream(self, after: int, depth: int) -> Sql | None:
        return self.keys(depth)

    def estimate(self, limit: int) -> int:
        return 0


NOWHERE = Nowhere()


def merged(arms: list[Sql]) -> Sql:
    """Streams as one stream."""
    if len(arms) == 1:
        return arms[0]
    # the LIMIT keeps SQLite from dropping the order, by which it merges the arms without a temporary table
    both = join(" UNION ", arms)
    return Sql(f"{both.text} ORDER BY 1 LIMIT -1", both.values)


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

    def stream(self, after: int, depth: int) -> Sql | None:
        if not 0 < len(self.ordered) <= MERGED_AT_MOST:
            return None
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

    found: tuple[int, ...]  # ascending, not empty

    def test(self, key: str, depth: int) -> Sql:
        return equal(key, self.found)

    def keys(self, depth: int) -> Sql:
        a = f"k{depth}"
        where = equal(f"{a}.key", self.found)
        return Sql(f"SELECT {a}.key AS key FROM resource {a} WHERE {where.text}", where.values)

    def stream(self, after: int, depth: int) -> Sql | None:
        return None

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

    def stream(self, after: int, depth: int) -> Sql | None:
        return None

    def estimate(self, limit: int) -> int:
        return min(max(0, self.last - self.first + 1), limit)


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the terms: the rarest one drives, the others are tested."""

    terms: tuple[Term, ...]

    def test(self, key: str, depth: int) -> Sql:
        found = join(" AND ", (term.test(key, depth) for term in self.terms))
        return Sql(f"({found.text})", found.values)

    def keys(self, depth: int) -> Sql:
        driver, rest = rarest(self.terms)
        return _filtered(driver.keys(depth + 1), rest, depth)

    def stream(self, after: int, depth: int) -> Sql | None:
        driver, rest = rarest(self.terms)
        found = driver.stream(after, depth + 1)
        return None if found is None else _filtered(found, rest, depth)

    def estimate(self, limit: int) -> int:
        return min(term.estimate(limit) for term in self.terms)


def terms_of(universe: Universe, term: Term) -> tuple[Term, ...]:
    """What has to be tested of a resource of the universe."""
    if isinstance(term, All):
        return term.terms
    return () if term is universe else (term,)


def _filtered(keys: Sql, terms: list[Term], depth: int) -> Sql:
    a = f"a{depth}"
    tested = tests(terms, f"{a}.key", depth + 1)
    return Sql(
        f"SELECT {a}.key AS key FROM ({keys.text}) {a} WHERE 1{tested.text}", keys.values + tested.values
    )


def rarest(terms: tuple[Term, ...]) -> tuple[Term, list[Term]]:
    """The term that fewest keys fit, and the others. Counts a little first, and more only when that ties."""
    counts: list[int] = []
    for limit in (50, 5000):
        counts = [term.estimate(limit) for term in terms]
        if min(counts) < limit:
            break
    place = counts.index(min(counts))
    return terms[place], [*terms[:place], *terms[place + 1 :]]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of the terms."""

    terms: tuple[Term, ...]

    def test(self, key: str, depth: int) -> Sql:
        found = join(" OR ", (term.test(key, depth) for term in self.terms))
        return Sql(f"({found.text})", found.values)

    def keys(self, depth: int) -> Sql:
        return join(" UNION ALL ", (_simple(term.keys(depth), depth) for term in self.terms))

    def stream(self, after: int, depth: int) -> Sql | None:
        arms = [term.stream(after, depth) for term in self.terms]
        if any(arm is None for arm in arms):
            return None
        return merged([_simple(arm, depth) for arm in arms if arm is not None])

    def estimate(self, limit: int) -> int:
        return min(limit, sum(term.estimate(limit) for term in self.terms))


def _simple(arm: Sql, depth: int) -> Sql:
    """An arm of a compound SELECT may not be one itself, nor have an order."""
    if " UNION " not in arm.text:
        return arm
    return Sql(f"SELECT key FROM ({arm.text}) c{depth}", arm.values)


@dataclass(frozen=True, slots=True)
class Other:
    """Resources of the universe that the term is not true of."""

    universe: Universe
    term: Term

    def test(self, key: str, depth: int) -> Sql:
        found = self.term.test(key, depth)
        return Sql(f"NOT {found.text}", found.values)

    def keys(self, depth: int) -> Sql:
        return _filtered(self.universe.keys(depth + 1), [self], depth)

    def stream(self, after: int, depth: int) -> Sql | None:
        found = self.universe.stream(after, depth + 1)
        return None if found is None else _filtered(found, [self], depth)

    def estimate(self, limit: int) -> int:
        return self.universe.estimate(limit)


@dataclass(frozen=True, slots=True)
class Targets:
    """Refers by a column to a live resource of a type that fits a term."""

    bounded: Bounded
    column: int
    universe: Universe  # what the targets are of
    where: Term

    def test(self, key: str, depth: int) -> Sql:
        f, r = f"f{depth}", f"r{depth}"
        types, where = self.universe.of_type(r), self.where.test(f"{r}.key", depth + 1)
        text = (
            f"EXISTS(SELECT 1 FROM reference {f} INDEXED BY reference_by_key"
            f" CROSS JOIN resource {r} ON {r}.key = {f}.target"
            f" WHERE {f}.key = {key} AND {f}.column = ? AND {r}.live AND {types.text} AND {where.text})"
        )
        return Sql(text, (self.column, *types.values, *where.values))

    def keys(self, depth: int) -> Sql:
        f, r, w = f"f{depth}", f"r{depth}", f"w{depth}"
        types, where = self.universe.of_type(r), self.where.keys(depth + 1)
        text = (
            f"SELECT {f}.key AS key FROM ({where.text}) {w}"
            f" CROSS JOIN resource {r} ON {r}.key = {w}.key"
            f" CROSS JOIN reference {f} ON {f}.column = ? AND {f}.target = {w}.key"
            f" WHERE {r}.live AND {types.text}"
        )
        return Sql(text, (*where.values, self.column, *types.values))

    def stream(self, after: int, depth: int) -> Sql | None:
        return None

    def estimate(self, limit: int) -> int:
        # one target has many referrers: a handful of targets is counted, more are taken for too many
        return self.bounded(self.keys(0), limit) if self.where.estimate(100) < 100 else limit


@dataclass(frozen=True, slots=True)
class Referrers:
    """A live resource of a type that fits a term refers here by a column."""

    bounded: Bounded
    column: int
    universe: Universe  # what the referrers are of
    where: Term

    def test(self, key: str, depth: int) -> Sql:
        f, r = f"f{depth}", f"r{depth}"
        types, where = self.universe.of_type(r), self.where.test(f"{r}.key", depth + 1)
        text = (
            f"EXISTS(SELECT 1 FROM reference {f} CROSS JOIN resource {r} ON {r}.key = {f}.key"
            f" WHERE {f}.column = ? AND {f}.target = {key} AND {r}.live AND {types.text} AND {where.text})"
        )
        return Sql(text, (self.column, *types.values, *where.values))

    def keys(self, depth: int) -> Sql:
        f, r, w = f"f{depth}", f"r{depth}", f"w{depth}"
        types, where = self.universe.of_type(r), self.where.keys(depth + 1)
        text = (
            f"SELECT {f}.target AS key FROM ({where.text}) {w}"
            f" CROSS JOIN resource {r} ON {r}.key = {w}.key"
            f" CROSS JOIN reference {f} INDEXED BY reference_by_key ON {f}.key = {w}.key AND {f}.column = ?"
            f" WHERE {r}.live AND {types.text}"
        )
        return Sql(text, (*where.values, self.column, *types.values))

    def stream(self, after: int, depth: int) -> Sql | None:
        return None

    def estimate(self, limit: int) -> int:
        return self.where.estimate(limit)


@dataclass(frozen=True, slots=True)
class Instance:
    """All terms hold in one and the same instance, whose keys are `INSTANCES` to a resource's key."""

    terms: tuple[Term, ...]  # the first one is a Leaf

    def _first(self) -> tuple[Leaf, list[Term]]:
        leaves = tuple(term for term in self.terms if isinstance(term, Leaf))
        found, _ = rarest(leaves) if len(leaves) > 1 else (leaves[0], [])
        assert isinstance(found, Leaf)
        return found, [term for term in self.terms if term is not found]

    def test(self, key: str, depth: int) -> Sql:
        # an equality is sought within the range of the key, whatever the counts
        first = next(t for t in sorted(self.terms, key=_preference) if isinstance(t, Leaf))
        rest = [term for term in self.terms if term is not first]
        i = f"i{depth}"
        rows = first.rows(i)
        tested = tests(rest, f"{i}.key", depth + 1)
        text = (
            f"EXISTS(SELECT 1 FROM {rows.text} AND {i}.key BETWEEN {key} * {INSTANCES}"
            f" AND {key} * {INSTANCES} + {INSTANCES - 1}{tested.text})"
        )
        return Sql(text, rows.values + tested.values)

    def keys(self, depth: int) -> Sql:
        first, rest = self._first()
        found = _filtered(first.keys(depth + 1), rest, depth)
        return Sql(f"SELECT i{depth}.key / {INSTANCES} AS key FROM ({found.text}) i{depth}", found.values)

    def stream(self, after: int, depth: int) -> Sql | None:
        first, rest = self._first()
        found = first.stream((after + 1) * INSTANCES - 1, depth + 1)
        if found is None:
            return None
        i, j = f"i{depth}", f"j{depth}"
        rows = first.rows(j)
        tested = tests(rest, f"{i}.key", depth + 1)
        again = tests(rest, f"{j}.key", depth + 2)
        # a resource comes with its first instance that fits
        text = (
            f"SELECT {i}.key / {INSTANCES} AS key FROM ({found.text}) {i} WHERE 1{tested.text}"
            f" AND NOT EXISTS(SELECT 1 FROM {rows.text} AND {j}.key >= {i}.key / {INSTANCES} * {INSTANCES}"
            f" AND {j}.key < {i}.key{again.text})"
        )
        return Sql(text, found.values + tested.values + rows.values + again.values)

    def estimate(self, limit: int) -> int:
        return min(term.estimate(limit) for term in self.terms if isinstance(term, Leaf))


def _preference(term: Term) -> bool:
    return not (isinstance(term, Leaf) and term.ordered)


def tests(terms: Iterable[Term], key: str, depth: int) -> Sql:
    """` AND …` for each term."""
    found = [term.test(key, depth) for term in terms]
    return Sql(
        "".join(f" AND {test.text}" for test in found), tuple(v for test in found for v in test.values)
    )

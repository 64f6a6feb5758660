"""Terms made of terms: and, or, not, chains in both directions, and what must hold in one instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fhir_server.store.sqlite.schema import INSTANCES
from fhir_server.store.sqlite.terms import (
    MERGED_AT_MOST,
    Bounded,
    Leaf,
    Sql,
    Term,
    Universe,
    either,
    join,
    merged,
    simple,
    tests,
    together,
)

_PROBES = (50, 500)  # counts that often tell terms apart


def rarest(terms: tuple[Term, ...], most: int) -> tuple[Term, list[Term]]:
    """The term that fewest keys fit, and the others."""
    if len(terms) == 1:
        return terms[0], []
    place, _ = _fewest(terms, most)
    return terms[place], [*terms[:place], *terms[place + 1 :]]


def _fewest(terms: Sequence[Term], most: int) -> tuple[int, int]:
    """The place of the term that fewest keys fit, and how many, `most` for any number from there on.

    Counts a little first, and more only when that ties; none is counted further than another one goes.
    """
    place, fewest = 0, most
    for limit in (*(probe for probe in _PROBES if probe < most), most):
        place, fewest = 0, limit
        for number, term in enumerate(terms):
            count = term.estimate(fewest)
            if count < fewest:
                place, fewest = number, count
        if fewest < limit:
            break
    return place, fewest


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


class Beginning(NamedTuple):
    """The first keys that fit, out of so many of the one term that streams."""

    keys: Sql
    reached: Sql  # the key up to which that is all; no row: it is all there is


def _only_stream(terms: tuple[Term, ...]) -> Leaf | None:
    found = [term for term in terms if term.streams]
    return found[0] if len(found) == 1 and isinstance(found[0], Leaf) else None


def _limited(stream: Sql, most: int) -> Sql:
    return Sql(f"SELECT key FROM ({stream.text}) LIMIT ?", (*stream.values, most))


def _reached(stream: Sql, most: int, key: str) -> Sql:
    return Sql(f"SELECT {key} FROM ({stream.text}) LIMIT 1 OFFSET ?", (*stream.values, most - 1))


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the terms: the rarest one drives, the others are tested."""

    terms: tuple[Term, ...]

    def test(self, key: str, depth: int) -> Sql:
        found = join(" AND ", (term.test(key, depth) for term in self.terms))
        return Sql(f"({found.text})", found.values)

    def keys(self, depth: int) -> Sql:
        driver, rest = rarest(self.terms, 5000)
        return _filtered(driver.keys(depth + 1), rest, depth)

    @property
    def streams(self) -> bool:
        return any(term.streams for term in self.terms)

    def stream(self, after: int, depth: int) -> Sql:
        driver, _ = rarest(tuple(term for term in self.terms if term.streams), 5000)
        rest = [term for term in self.terms if term is not driver]
        return _filtered(driver.stream(after, depth + 1), rest, depth)

    def begin(self, after: int, depth: int, most: int) -> Beginning | None:
        first = _only_stream(self.terms)
        if first is None:
            return None
        stream = first.stream(after, depth + 1)
        rest = [term for term in self.terms if term is not first]
        return Beginning(_filtered(_limited(stream, most), rest, depth), _reached(stream, most, "key"))

    def estimate(self, limit: int) -> int:
        return _fewest(self.terms, limit)[1]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of the terms."""

    terms: tuple[Term, ...]

    def test(self, key: str, depth: int) -> Sql:
        return either([term.test(key, depth) for term in self.terms])

    def keys(self, depth: int) -> Sql:
        return together([simple(term.keys(depth)) for term in self.terms])

    @property
    def streams(self) -> bool:
        return len(self.terms) <= MERGED_AT_MOST and all(term.streams for term in self.terms)

    def stream(self, after: int, depth: int) -> Sql:
        return merged([term.stream(after, depth) for term in self.terms])

    def estimate(self, limit: int) -> int:
        found = 0
        for term in self.terms:
            found += term.estimate(limit - found)
            if found >= limit:
                return limit
        return found


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

    @property
    def streams(self) -> bool:
        return True

    def stream(self, after: int, depth: int) -> Sql:
        return _filtered(self.universe.stream(after, depth + 1), [self], depth)

    def estimate(self, limit: int) -> int:
        return self.universe.estimate(limit)


@dataclass(frozen=True, slots=True)
class _Join:
    bounded: Bounded
    column: int
    universe: Universe  # what the resources at the other end are of
    where: Term

    @property
    def streams(self) -> bool:
        return False

    def stream(self, after: int, depth: int) -> Sql:
        raise NotImplementedError("references are not in the order of keys")


@dataclass(frozen=True, slots=True)
class Targets(_Join):
    """Refers by a column to a live resource of a type that fits a term."""

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

    def estimate(self, limit: int) -> int:
        # one target has many referrers: a handful of targets is counted, more are taken for too many
        return self.bounded(self.keys(0), limit) if self.where.estimate(100) < 100 else limit


@dataclass(frozen=True, slots=True)
class Referrers(_Join):
    """A live resource of a type that fits a term refers here by a column."""

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

    def estimate(self, limit: int) -> int:
        return self.where.estimate(limit)


@dataclass(frozen=True, slots=True)
class Instance:
    """All terms hold in one and the same instance, whose keys are `INSTANCES` to a resource's key."""

    terms: tuple[Term, ...]  # one of them is a Leaf at least

    def _leaves(self) -> tuple[Term, ...]:
        return tuple(term for term in self.terms if isinstance(term, Leaf))

    def _split(self, leaves: tuple[Term, ...]) -> tuple[Leaf, list[Term]]:
        first, _ = rarest(leaves, 5000)
        assert isinstance(first, Leaf)
        return first, [term for term in self.terms if term is not first]

    def test(self, key: str, depth: int) -> Sql:
        # an equality is sought within the range of the key, whatever the counts
        leaves = sorted(self._leaves(), key=lambda leaf: not leaf.streams)
        first, rest = self._split((leaves[0],))
        i = f"i{depth}"
        rows, tested = first.rows(i), tests(rest, f"{i}.key", depth + 1)
        text = (
            f"EXISTS(SELECT 1 FROM {rows.text} AND {i}.key BETWEEN {key} * {INSTANCES}"
            f" AND {key} * {INSTANCES} + {INSTANCES - 1}{tested.text})"
        )
        return Sql(text, rows.values + tested.values)

    def keys(self, depth: int) -> Sql:
        first, rest = self._split(self._leaves())
        found = _filtered(first.keys(depth + 1), rest, depth)
        return Sql(f"SELECT i{depth}.key / {INSTANCES} AS key FROM ({found.text}) i{depth}", found.values)

    @property
    def streams(self) -> bool:
        return any(leaf.streams for leaf in self._leaves())

    def stream(self, after: int, depth: int) -> Sql:
        first, rest = self._split(tuple(leaf for leaf in self._leaves() if leaf.streams))
        return self._found(first, rest, first.stream((after + 1) * INSTANCES - 1, depth + 1), depth)

    def begin(self, after: int, depth: int, most: int) -> Beginning | None:
        first = _only_stream(self.terms)
        if first is None:
            return None
        stream = first.stream((after + 1) * INSTANCES - 1, depth + 1)
        rest = [term for term in self.terms if term is not first]
        # of the last resource there may be more instances
        reached = _reached(stream, most, f"key / {INSTANCES} - 1")
        return Beginning(self._found(first, rest, _limited(stream, most), depth), reached)

    def _found(self, first: Leaf, rest: list[Term], found: Sql, depth: int) -> Sql:
        """The keys of resources that `found`, keys of instances by `first`, are of and that fit."""
        i, j = f"i{depth}", f"j{depth}"
        rows = first.rows(j)
        tested, again = tests(rest, f"{i}.key", depth + 1), tests(rest, f"{j}.key", depth + 2)
        # a resource comes with its first instance that fits
        text = (
            f"SELECT {i}.key / {INSTANCES} AS key FROM ({found.text}) {i} WHERE 1{tested.text}"
            f" AND NOT EXISTS(SELECT 1 FROM {rows.text} AND {j}.key >= {i}.key / {INSTANCES} * {INSTANCES}"
            f" AND {j}.key < {i}.key{again.text})"
        )
        return Sql(text, found.values + tested.values + rows.values + again.values)

    def estimate(self, limit: int) -> int:
        return _fewest(self._leaves(), limit)[1]

"""Terms over many columns at once, such as a compartment has them, and over types."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fhir_server.store.algebra import Node, ReferenceIn, ReferenceOfType, TokenIn
from fhir_server.store.sqlite.terms import TRUE, Bounded, Sql, Term, Universe, equal

GATHERED_FROM = 4  # comparisons of as many columns with one value


@dataclass(frozen=True, slots=True)
class Group:
    """Comparisons of several columns with one and the same value."""

    table: str
    columns: tuple[str, ...]
    value: ReferenceIn | ReferenceOfType | TokenIn  # one of them


def gathered(nodes: Iterable[Node]) -> tuple[list[Group], list[Node]]:
    """The groups among alternatives, and the other alternatives."""
    alike: dict[Any, list[Any]] = {}
    rest: list[Node] = []
    for node in nodes:
        match node:
            case ReferenceIn(_, targets):
                alike.setdefault(("reference", targets), []).append(node)
            case ReferenceOfType(_, resource_types):
                alike.setdefault(("reference", resource_types), []).append(node)
            case TokenIn(_, hashes):
                alike.setdefault(("token", hashes), []).append(node)
            case _:
                rest.append(node)
    groups = []
    for (table, _), found in alike.items():
        if len(found) < GATHERED_FROM:
            rest += found
        else:
            groups.append(Group(table, tuple(node.column for node in found), found[0]))
    return groups, rest


@dataclass(frozen=True, slots=True)
class Across:
    """Some of many columns has a value: one statement, where each column alone would cost its own."""

    bounded: Bounded
    table: str  # "token" or "reference"
    columns: tuple[int, ...]
    condition: Sql  # on the value; `{a}` stands for the table's alias

    def test(self, key: str, depth: int) -> Sql:
        a = f"t{depth}"
        # of references a resource has few: all of them are looked at
        by_key, plus = (" INDEXED BY reference_by_key", "+") if self.table == "reference" else ("", "")
        columns, condition = equal(f"{plus}{a}.column", self.columns), self.condition
        text = (
            f"EXISTS(SELECT 1 FROM {self.table} {a}{by_key} WHERE {a}.key = {key} AND {columns.text}"
            f" AND {condition.text.format(a=a)})"
        )
        return Sql(text, columns.values + condition.values)

    def keys(self, depth: int) -> Sql:
        a = f"t{depth}"
        columns = equal(f"{a}.column", self.columns)
        text = (
            f"SELECT {a}.key AS key FROM {self.table} {a}"
            f" WHERE {columns.text} AND {self.condition.text.format(a=a)}"
        )
        return Sql(text, columns.values + self.condition.values)

    @property
    def streams(self) -> bool:
        return False

    def stream(self, after: int, depth: int) -> Sql:
        raise NotImplementedError("keys come column by column")

    def estimate(self, limit: int) -> int:
        return self.bounded(self.keys(0), limit)


@dataclass(frozen=True, slots=True)
class Typed:
    """A resource of some types, among others."""

    universe: Universe

    def test(self, key: str, depth: int) -> Sql:
        a = f"n{depth}"
        types = TRUE if self.universe.type_ids is None else equal(f"{a}.type", self.universe.type_ids)
        return Sql(f"EXISTS(SELECT 1 FROM resource {a} WHERE {a}.key = {key} AND {types.text})", types.values)

    def keys(self, depth: int) -> Sql:
        return self.universe.keys(depth)

    @property
    def streams(self) -> bool:
        return True

    def stream(self, after: int, depth: int) -> Sql:
        return self.universe.stream(after, depth)

    def estimate(self, limit: int) -> int:
        return self.universe.estimate(limit)


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A live resource of some types that fits a term refers here by some of many columns."""

    bounded: Bounded
    columns: tuple[int, ...]
    universe: Universe  # what refers here is of it
    where: Term

    def test(self, key: str, depth: int) -> Sql:
        f, r = f"f{depth}", f"r{depth}"
        columns, types = equal(f"{f}.column", self.columns), self.universe.of_type(r)
        where = self.where.test(f"{r}.key", depth + 1)
        text = (
            f"EXISTS(SELECT 1 FROM reference {f} CROSS JOIN resource {r} ON {r}.key = {f}.key"
            f" WHERE {columns.text} AND {f}.target = {key}"
            f" AND {r}.live AND {types.text} AND {where.text})"
        )
        return Sql(text, columns.values + types.values + where.values)

    def keys(self, depth: int) -> Sql:
        f, r, w = f"f{depth}", f"r{depth}", f"w{depth}"
        columns, types = equal(f"+{f}.column", self.columns), self.universe.of_type(r)
        where = self.where.keys(depth + 1)
        text = (
            f"SELECT DISTINCT {f}.target AS key FROM ({where.text}) {w}"
            f" CROSS JOIN resource {r} ON {r}.key = {w}.key"
            f" CROSS JOIN reference {f} INDEXED BY reference_by_key ON {f}.key = {w}.key"
            f" WHERE {r}.live AND {types.text} AND {columns.text}"
        )
        return Sql(text, where.values + types.values + columns.values)

    @property
    def streams(self) -> bool:
        return False

    def stream(self, after: int, depth: int) -> Sql:
        raise NotImplementedError("references are not in the order of keys")

    def estimate(self, limit: int) -> int:
        return self.where.estimate(limit)

"""Concepts of large code systems in SQLite: what is read of them.

A concept is one seek by code; the concepts below another one are a range of the table of ancestors, which
holds every concept as its own ancestor too; texts are in a full-text index, whose tokens are those that the
caller made.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from fhir_server.store.concepts import (
    Below,
    ConceptTable,
    Condition,
    NumberIn,
    PropertyIn,
    Span,
    StoredConcept,
    StrictlyBelow,
    Without,
)
from fhir_server.store.sqlite.patience import Patiently
from fhir_server.store.sqlite.reading import Connected

SHIFT = 32  # place of a concept: table << SHIFT | number
_LAST = (1 << SHIFT) - 1

_TABLE = "SELECT id, url, version, concepts FROM concept_table WHERE url = ? AND version = ? AND current"
_TABLES = "SELECT id, url, version, concepts FROM concept_table WHERE current ORDER BY url, version"
_BY_CODE = """
SELECT place, code, display, detail FROM concept WHERE tabled = ? AND code = ? COLLATE NOCASE"""
_CHILDREN = """
SELECT c.code FROM concept_above a CROSS JOIN concept c ON c.place = a.place
WHERE a.above = ? AND a.direct ORDER BY a.place"""
_BELOW = """
SELECT c.code FROM concept_above a CROSS JOIN concept c ON c.place = a.place WHERE a.above = ? LIMIT ?"""
_IS_BELOW = "SELECT 1 FROM concept_above WHERE above = ? AND place = ?"

Fragment = tuple[str, tuple[Any, ...]]
"""SQL about the concept `c`, and its values."""


def place(table: int, number: int) -> int:
    return table << SHIFT | number


def table(here: Connected, url: str, version: str) -> ConceptTable | None:
    row: Any = here.connection.execute(_TABLE, (url, version)).get
    return None if row is None else ConceptTable(*row)


def tables(here: Connected) -> list[ConceptTable]:
    return [ConceptTable(*row) for row in here.connection.execute(_TABLES)]


def concepts(here: Connected, table: int, codes: Collection[str]) -> list[StoredConcept]:
    execute = here.connection.execute
    return [_concept(row) for code in codes for row in execute(_BY_CODE, (table, code))]


def _concept(row: Any) -> StoredConcept:
    return StoredConcept(row[0] & _LAST, *row[1:])


def page(
    here: Connected,
    table: int,
    conditions: Sequence[Condition],
    phrases: Sequence[str],
    also: Sequence[int],
    span: Span,
) -> list[StoredConcept]:
    order, source, values = _found(table, conditions, phrases, also, span.after)
    sql = f"SELECT c.place, c.code, c.display, c.detail {source} ORDER BY {order} LIMIT ? OFFSET ?"
    return [_concept(row) for row in here.connection.execute(sql, (*values, span.limit, span.skip))]


def count(
    here: Connected, table: int, conditions: Sequence[Condition], phrases: Sequence[str], also: Sequence[int]
) -> int:
    _, source, values = _found(table, conditions, phrases, also, -1)
    found: int = here.connection.execute(f"SELECT count(*) {source}", values).get
    return found


def children(here: Connected, table: int, number: int) -> list[str]:
    return [code for (code,) in here.connection.execute(_CHILDREN, (place(table, number),))]


def below(here: Connected, table: int, number: int, limit: int) -> list[str]:
    return [code for (code,) in here.connection.execute(_BELOW, (place(table, number), limit))]


def is_below(here: Connected, table: int, number: int, above: int) -> bool:
    return here.connection.execute(_IS_BELOW, (place(table, above), place(table, number))).get is not None


def _found(
    table: int, conditions: Sequence[Condition], phrases: Sequence[str], also: Sequence[int], after: int
) -> tuple[str, str, tuple[Any, ...]]:
    """The order, FROM and WHERE, values. One condition drives; the others are seeks for each place.

    What drives comes in the order of places, so that nothing is sorted.
    """
    rest = [*conditions]
    first, last = place(table, after + 1) if after >= 0 else place(table, 0), place(table, _LAST)
    if phrases and not also:
        order, source = "t.rowid", "FROM concept_text t CROSS JOIN concept c ON c.place = t.rowid"
        where: list[Fragment] = [
            ("concept_text MATCH ?", (_match(phrases),)),
            _between("t.rowid", first, last),
        ]
    elif driver := next((each for each in rest if isinstance(each, Below | StrictlyBelow)), None):
        rest.remove(driver)
        order, source = "a.place", "FROM concept_above a CROSS JOIN concept c ON c.place = a.place"
        where = [("a.above = ?", (place(table, driver.number),)), _between("a.place", first, last)]
        if isinstance(driver, StrictlyBelow):
            where.append(("a.place <> a.above", ()))
    else:
        order, source, where = "c.place", "FROM concept c", [_between("c.place", first, last)]
    if phrases and also:
        where.append(_said(table, phrases, also))
    where += [_fragment(table, each) for each in rest]
    text = " AND ".join(sql for sql, _ in where)
    return order, f"{source} WHERE {text}", tuple(value for _, values in where for value in values)


def _between(column: str, first: int, last: int) -> Fragment:
    return f"{column} BETWEEN ? AND ?", (first, last)


def _match(phrases: Sequence[str]) -> str:
    """Each phrase as it stands, of its last word the beginning; they are tokens, so they need no escapes."""
    return " ".join(f'"{phrase.strip()}" *' for phrase in phrases)


def _said(table: int, phrases: Sequence[str], also: Sequence[int]) -> Fragment:
    sql = (
        "c.place IN (SELECT rowid FROM concept_text WHERE concept_text MATCH ? AND rowid BETWEEN ? AND ?"
        " UNION SELECT value FROM json_each(?))"
    )
    places = json.dumps([place(table, number) for number in also])
    return sql, (_match(phrases), place(table, 0), place(table, _LAST), places)


def _fragment(table: int, condition: Condition) -> Fragment:
    match condition:
        case Below(number):
            return (
                "EXISTS (SELECT 1 FROM concept_above WHERE above = ? AND place = c.place)",
                (place(table, number),),
            )
        case StrictlyBelow(number):
            sql = (
                "EXISTS (SELECT 1 FROM concept_above WHERE above = ? AND place = c.place AND place <> above)"
            )
            return sql, (place(table, number),)
        case NumberIn(numbers):
            places = json.dumps([place(table, number) for number in numbers])
            return "c.place IN (SELECT value FROM json_each(?))", (places,)
        case PropertyIn(name, None):
            return "c.place IN (SELECT place FROM concept_property WHERE tabled = ? AND name = ?)", (
                table,
                name,
            )
        case PropertyIn(name, values):
            sql = (
                "c.place IN (SELECT place FROM concept_property WHERE tabled = ? AND name = ?"
                " AND value IN (SELECT value FROM json_each(?)))"
            )
            return sql, (table, name, json.dumps(values))
        case Without(unwanted):
            sql, given = _fragment(table, unwanted)
            return f"NOT ({sql})", given


class SqliteConcepts:
    def __init__(self, patiently: Patiently) -> None:
        self._patiently = patiently

    async def table(self, url: str, version: str) -> ConceptTable | None:
        return await self._patiently(table, url, version)

    async def tables(self) -> list[ConceptTable]:
        return await self._patiently(tables)

    async def concepts(self, table: int, codes: Collection[str]) -> list[StoredConcept]:
        return await self._patiently(concepts, table, codes)

    async def page(
        self,
        table: int,
        conditions: Sequence[Condition],
        phrases: Sequence[str],
        also: Sequence[int],
        span: Span,
    ) -> list[StoredConcept]:
        return await self._patiently(page, table, conditions, phrases, also, span)

    async def count(
        self, table: int, conditions: Sequence[Condition], phrases: Sequence[str], also: Sequence[int]
    ) -> int:
        return await self._patiently(count, table, conditions, phrases, also)

    async def children(self, table: int, number: int) -> list[str]:
        return await self._patiently(children, table, number)

    async def below(self, table: int, number: int, limit: int) -> list[str]:
        return await self._patiently(below, table, number, limit)

    async def is_below(self, table: int, number: int, above: int) -> bool:
        return await self._patiently(is_below, table, number, above)

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
_PAGE = "SELECT place, code, display, detail FROM concept"
_CONCEPTS = "SELECT concepts FROM concept_table WHERE id = ?"
_ENDS = """
SELECT (SELECT min(place) FROM concept WHERE place BETWEEN ? AND ?),
(SELECT max(place) FROM concept WHERE place BETWEEN ? AND ?)"""
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
    after, skip = span.after, span.skip
    if skip and not conditions and not phrases and _is_gapless(here, table):
        after, skip = after + skip, 0
    source, values = _found(table, conditions, phrases, also, after)
    sql = f"{_PAGE} WHERE place IN ({source} LIMIT ? OFFSET ?) ORDER BY place"
    return [_concept(row) for row in here.connection.execute(sql, (*values, span.limit, skip))]


def _is_gapless(here: Connected, table: int) -> bool:
    """Whether the concepts are numbered from 0 on without a gap: a page far behind is one seek away."""
    concepts: int | None = here.connection.execute(_CONCEPTS, (table,)).get
    first, last = place(table, 0), place(table, _LAST)
    ends: Any = here.connection.execute(_ENDS, (first, last, first, last)).get
    return concepts is not None and ends == (first, place(table, concepts - 1))


def count(
    here: Connected, table: int, conditions: Sequence[Condition], phrases: Sequence[str], also: Sequence[int]
) -> int:
    source, values = _found(table, conditions, phrases, also, -1)
    found: int = here.connection.execute(f"SELECT count(*) FROM ({source})", values).get
    return found


def children(here: Connected, table: int, number: int) -> list[str]:
    return [code for (code,) in here.connection.execute(_CHILDREN, (place(table, number),))]


def below(here: Connected, table: int, number: int, limit: int) -> list[str]:
    return [code for (code,) in here.connection.execute(_BELOW, (place(table, number), limit))]


def is_below(here: Connected, table: int, number: int, above: int) -> bool:
    return here.connection.execute(_IS_BELOW, (place(table, above), place(table, number))).get is not None


def _found(
    table: int, conditions: Sequence[Condition], phrases: Sequence[str], also: Sequence[int], after: int
) -> tuple[str, tuple[Any, ...]]:
    """SELECT of the places, in their order, and its values: no concept is read, so that counting is cheap.

    One condition drives; the others are seeks for each place. What drives comes in the order of places, so
    that nothing is sorted.
    """
    rest = [*conditions]
    first, last = place(table, after + 1) if after >= 0 else place(table, 0), place(table, _LAST)
    if phrases and not also:
        at, source = "t.rowid", "FROM concept_text t"
        where: list[Fragment] = [("concept_text MATCH ?", (_match(phrases),))]
    elif driver := next((each for each in rest if isinstance(each, Below | StrictlyBelow)), None):
        rest.remove(driver)
        at, source = "a.place", "FROM concept_above a"
        where = [("a.above = ?", (place(table, driver.number),))]
        if isinstance(driver, StrictlyBelow):
            where.append(("a.place <> a.above", ()))
    else:
        at, source, where = "c.place", "FROM concept c", []
    where.append((f"{at} BETWEEN ? AND ?", (first, last)))
    if phrases and also:
        where.append(_said(at, table, phrases, also))
    where += [_fragment(at, table, each) for each in rest]
    text = " AND ".join(sql for sql, _ in where)
    values = tuple(value for _, values in where for value in values)
    return f"SELECT {at} {source} WHERE {text} ORDER BY {at}", values


def _match(phrases: Sequence[str]) -> str:
    """Each phrase as it stands; they are tokens, so they need no escapes.

    Looking for what begins with a token first makes a list of all that it stands in, maybe half of them.
    """
    return " ".join(f'"{phrase.strip()}"{"" if phrase.endswith(" ") else " *"}' for phrase in phrases)


def _said(at: str, table: int, phrases: Sequence[str], also: Sequence[int]) -> Fragment:
    sql = (
        f"{at} IN (SELECT rowid FROM concept_text WHERE concept_text MATCH ? AND rowid BETWEEN ? AND ?"
        " UNION SELECT value FROM json_each(?))"
    )
    places = json.dumps([place(table, number) for number in also])
    return sql, (_match(phrases), place(table, 0), place(table, _LAST), places)


def _fragment(at: str, table: int, condition: Condition) -> Fragment:
    match condition:
        case Below(number):
            return (
                f"EXISTS (SELECT 1 FROM concept_above WHERE above = ? AND place = {at})",
                (place(table, number),),
            )
        case StrictlyBelow(number):
            sql = f"EXISTS (SELECT 1 FROM concept_above WHERE above = ? AND place = {at} AND place <> above)"
            return sql, (place(table, number),)
        case NumberIn(numbers):
            places = json.dumps([place(table, number) for number in numbers])
            return f"{at} IN (SELECT value FROM json_each(?))", (places,)
        case PropertyIn(name, None):
            return f"{at} IN (SELECT place FROM concept_property WHERE tabled = ? AND name = ?)", (
                table,
                name,
            )
        case PropertyIn(name, values):
            sql = (
                f"{at} IN (SELECT place FROM concept_property WHERE tabled = ? AND name = ?"
                " AND value IN (SELECT value FROM json_each(?)))"
            )
            return sql, (table, name, json.dumps(values))
        case Without(unwanted):
            sql, given = _fragment(at, table, unwanted)
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

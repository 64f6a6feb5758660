"""Rows with one of some values. A few are sought one by one; of many, only those that occur are.

A value set has thousands of codes, a store has hundreds of them: one seek for each tells which.
"""

from array import array
from collections.abc import Callable
from typing import Any

import apsw

from fhir_server.store.sqlite.terms import NOWHERE, Bounded, Leaf, Sql, Term, equal

MANY = 64
BY_KEY = {"reference": "reference_by_key"}  # the other table has no index of a key's rows


def one_of(
    execute: Callable[..., Any],
    bounded: Bounded,
    table: str,
    value: str,
    column: int,
    values: tuple[int, ...],
) -> Term:
    """The rows of a column whose `value` is one of `values`."""
    if len(values) > MANY:
        values = _occurring(execute, table, value, column, values)
    values = tuple(sorted(set(values)))
    if not values:
        return NOWHERE
    condition = _condition(f"{{a}}.{value}", column, values)
    if len(values) > MANY:
        by_key = BY_KEY.get(table)
        if by_key is None:
            return Leaf(bounded, table, column, condition, collected=True)
        # with the + the values of a key are looked up in the list; without it each of the list is sought
        tested = _condition(f"+{{a}}.{value}", column, values)
        return Leaf(bounded, table, column, tested, by_key=by_key, ways=(("", condition),))
    one = f"{{a}}.column = ? AND {{a}}.{value} = ?"
    return Leaf(
        bounded, table, column, condition, ordered=tuple(Sql(one, (column, found)) for found in values)
    )


def _condition(value: str, column: int, values: tuple[int, ...]) -> Sql:
    where = among(value, values)
    return Sql(f"{{a}}.column = ? AND {where.text}", (column, *where.values))


def among(expression: str, values: tuple[int, ...]) -> Sql:
    """One of the values; many are bound as one array, as SQLite allows 32,766 variables."""
    if len(values) <= MANY:
        return equal(expression, values)
    return Sql(f"{expression} IN (SELECT value FROM carray(?))", (apsw.carray(array("q", values)),))


def _occurring(
    execute: Callable[..., Any], table: str, value: str, column: int, values: tuple[int, ...]
) -> tuple[int, ...]:
    rows = execute(
        "SELECT c.value FROM carray(?) c"
        f" WHERE EXISTS(SELECT 1 FROM {table} t WHERE t.column = ? AND t.{value} = c.value)",
        (apsw.carray(array("q", values)), column),
    ).fetchall()
    return tuple(row[0] for row in rows)

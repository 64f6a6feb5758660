"""A search by ranges of one index, along that index: only as many rows are read as a page needs.

Several ranges are read side by side, as SQLite merges SELECTs that are in order already. A resource comes
with the first of its values that fits, in any of them.
"""

from typing import Any

from fhir_server.store.sqlite.combined import Any as Either
from fhir_server.store.sqlite.combined import terms_of
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.plan import COLUMNS
from fhir_server.store.sqlite.schema import DATE_LIMIT, WIDE_DATE, WIDE_NUMBER
from fhir_server.store.sqlite.sort import VALUE_COLUMNS, Order
from fhir_server.store.sqlite.terms import Leaf, Sql, Term, Universe, join, tests

_NARROW = {"date": WIDE_DATE, "number": WIDE_NUMBER}


def others(universe: Universe, term: Term, first: Order) -> tuple[Term, ...] | None:
    """The terms beside the ranges that a search is ordered by; None: those are not among them."""
    ranges = first.ranges[0] if len(first.ranges) == 1 else Either(first.ranges)
    terms = terms_of(universe, term)
    found = tuple(each for each in terms if each != ranges)
    return found if len(found) < len(terms) else None


def is_narrow(compiler: Compiler, first: Order) -> bool:
    """Whether no value begins far below a range that it reaches into: then the index has little else."""
    return all(
        leaf.high_from is None or compiler.statistics(leaf.column)[1] <= _NARROW[leaf.table]
        for leaf in first.ranges
    )


def along(
    compiler: Compiler,
    universe: Universe,
    first: Order,
    rest: tuple[Term, ...],
    position: tuple[Any, ...] | None,
) -> Sql:
    """A statement whose rows come in the order of the ranges; `rest` is tested of each."""
    direction = "DESC" if first.key.descending else "ASC"
    many = any(compiler.statistics(leaf.column)[0] for leaf in first.ranges)
    distinct = "DISTINCT " if many and len(first.ranges) == 1 else ""
    arms = join(" UNION ", (_arm(compiler, first, leaf, position, distinct) for leaf in first.ranges))
    # the LIMIT keeps SQLite from dropping the order
    rows = f"{arms.text} ORDER BY 1 {direction}, 2 {direction} LIMIT -1"
    types, tested = universe.of_type("r"), tests(rest, "d.key", 1)
    earlier = _none_earlier(first) if many or len(first.ranges) > 1 else Sql("")
    return Sql(
        f"SELECT {COLUMNS}, d.s0 FROM ({rows}) d CROSS JOIN resource r ON r.key = d.key"
        f" WHERE r.live AND {types.text}{earlier.text}{tested.text}",
        arms.values + types.values + earlier.values + tested.values,
    )


def _arm(
    compiler: Compiler, first: Order, leaf: Leaf, position: tuple[Any, ...] | None, distinct: str
) -> Sql:
    """Values and keys of one range."""
    value, descending = VALUE_COLUMNS[leaf.table], first.key.descending
    condition = leaf.condition
    widest = compiler.statistics(leaf.column)[1]
    if leaf.high_from is not None and widest < DATE_LIMIT:
        # twice: the width may have been rounded
        edge = leaf.high_from - 2 * widest
        condition = Sql(f"{condition.text} AND {{a}}.{value} >= ?", (*condition.values, edge))
    if position is not None:
        # with the + a bound is no way into the index, which the position is: that lies behind it
        bound = f"{{a}}.{value} {'<=' if descending else '>='}"
        begun = condition.text.replace(bound, f"+{bound}")
        behind = f"({{a}}.{value}, {{a}}.key) {'<' if descending else '>'} (?, ?)"
        condition = Sql(f"{begun} AND {behind}", (*condition.values, *position))
    where = condition.text.format(a="d")
    return Sql(
        f"SELECT {distinct}d.{value} AS s0, d.key AS key FROM {leaf.table} d WHERE {where}", condition.values
    )


def _none_earlier(first: Order) -> Sql:
    """Tested of what was merged: a range may have many values of resources that came before it."""
    value, earlier = VALUE_COLUMNS[first.key.kind], ">" if first.key.descending else "<"
    found = []
    for leaf in first.ranges:
        rows = leaf.rows("e")
        where = f"{rows.text} AND e.key = d.key AND e.{value} {earlier} d.s0"
        found.append(Sql(f"NOT EXISTS(SELECT 1 FROM {where})", rows.values))
    both = join(" AND ", found)
    return Sql(f" AND {both.text}", both.values)

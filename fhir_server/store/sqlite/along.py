"""A search by ranges of one index, along that index: only as many rows are read as a page needs.

Several ranges are read side by side, as SQLite merges SELECTs that are in order already. A resource comes
with the first of its values that fits, in any of them: the statements leave out what came on an earlier page,
and who reads the rows what comes again.
"""

from typing import Any

from fhir_server.store.sqlite.combined import Any as Either
from fhir_server.store.sqlite.combined import terms_of
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.plan import COLUMNS
from fhir_server.store.sqlite.schema import DATE_LIMIT, WIDE_DATE, WIDE_NUMBER
from fhir_server.store.sqlite.sort import VALUE_COLUMNS, Order
from fhir_server.store.sqlite.terms import Leaf, Sql, Term, Universe, join, tests

REPEATED = 20  # rows with one text, from which on it is faster to seek the next text than to read them
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
) -> list[Sql]:
    """Statements whose rows each come in the order of the ranges; `rest` is tested of each row."""
    if not any(_repeats(compiler, leaf) for leaf in first.ranges):
        return [_merged(compiler, universe, first, first.ranges, rest, position)]
    return [
        _by_text(universe, first, leaf, rest, position)
        if _repeats(compiler, leaf)
        else _merged(compiler, universe, first, (leaf,), rest, position)
        for leaf in first.ranges
    ]


def _repeats(compiler: Compiler, leaf: Leaf) -> bool:
    """Whether all texts of the column are looked at, and many rows have the same one."""
    if leaf.of_text is None:
        return False
    texts, rows = compiler.texts(leaf.column)
    return rows >= REPEATED * texts


def _by_text(
    universe: Universe, first: Order, leaf: Leaf, rest: tuple[Term, ...], position: tuple[Any, ...] | None
) -> Sql:
    """Each text is looked at once, and sought from the one before it."""
    assert leaf.of_text is not None
    begin, behind = Sql(""), Sql("")
    if position is not None:
        begin, behind = Sql(" AND text >= ?", position[:1]), Sql(" AND (d.text, d.key) > (?, ?)", position)
    column, looked = (leaf.column,), Sql(leaf.of_text.text.format(a="t"), leaf.of_text.values)
    types, tested, earlier = universe.of_type("r"), tests(rest, "d.key", 1), _not_shown(first, position)
    return Sql(
        "WITH RECURSIVE t(text) AS NOT MATERIALIZED ("
        f"SELECT min(text) FROM string WHERE column = ?{begin.text} UNION ALL"
        " SELECT (SELECT min(text) FROM string WHERE column = ? AND text > t.text) FROM t"
        " WHERE t.text IS NOT NULL)"
        f" SELECT {COLUMNS}, d.text AS s0 FROM t CROSS JOIN string d ON d.column = ? AND d.text = t.text"
        f" CROSS JOIN resource r ON r.key = d.key WHERE {looked.text}"
        f" AND r.live AND {types.text}{behind.text}{earlier.text}{tested.text}",
        (*column, *begin.values, *column, *column, *looked.values, *types.values, *behind.values,
         *earlier.values, *tested.values),
    )  # fmt: skip


def _merged(
    compiler: Compiler,
    universe: Universe,
    first: Order,
    ranges: tuple[Leaf, ...],
    rest: tuple[Term, ...],
    position: tuple[Any, ...] | None,
) -> Sql:
    """Ranges that SQLite reads side by side."""
    direction = "DESC" if first.key.descending else "ASC"
    many = any(compiler.statistics(leaf.column)[0] for leaf in ranges)
    arms = join(" UNION ", (_arm(compiler, first, leaf, position) for leaf in ranges))
    # the LIMIT keeps SQLite from dropping the order
    rows = f"{arms.text} ORDER BY 1 {direction}, 2 {direction} LIMIT -1"
    types, tested = universe.of_type("r"), tests(rest, "d.key", 1)
    earlier = _not_shown(first, position) if many or len(first.ranges) > 1 else Sql("")
    return Sql(
        f"SELECT {COLUMNS}, d.s0 FROM ({rows}) d CROSS JOIN resource r ON r.key = d.key"
        f" WHERE r.live AND {types.text}{earlier.text}{tested.text}",
        arms.values + types.values + earlier.values + tested.values,
    )


def _arm(compiler: Compiler, first: Order, leaf: Leaf, position: tuple[Any, ...] | None) -> Sql:
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
    return Sql(f"SELECT d.{value} AS s0, d.key AS key FROM {leaf.table} d WHERE {where}", condition.values)


def _not_shown(first: Order, position: tuple[Any, ...] | None) -> Sql:
    """Tested of what was merged: a range may have many values of resources that came up to the position."""
    if position is None:
        return Sql("")
    value, up_to = VALUE_COLUMNS[first.key.kind], ">=" if first.key.descending else "<="
    found = []
    for leaf in first.ranges:
        rows = leaf.rows("e")
        where = f"{rows.text} AND e.key = d.key AND (e.{value}, e.key) {up_to} (?, ?)"
        found.append(Sql(f" AND NOT EXISTS(SELECT 1 FROM {where})", (*rows.values, *position)))
    return join("", found)

"""Ranges of dates, numbers and places: which rows lie within, and by which index they are found."""

from dataclasses import dataclass

from fhir_server.store.algebra import Between, Near
from fhir_server.store.earth import around
from fhir_server.store.sqlite.schema import DATE_LIMIT, WIDE_DATE, WIDE_NUMBER
from fhir_server.store.sqlite.terms import Bounded, Leaf, Sql, equal


@dataclass(frozen=True, slots=True)
class _Range:
    """How a table of ranges writes the high end, and which rows the index of wide ones has too."""

    table: str
    high: str
    wide: str
    widest_narrow: int


_DATES = _Range("date", "{a}.low + {a}.width", f"{{a}}.width > {WIDE_DATE}", WIDE_DATE)
_NUMBERS = _Range("number", "{a}.high", f"{{a}}.high - {{a}}.low > {WIDE_NUMBER}", WIDE_NUMBER)


def within(
    bounded: Bounded, node: Between, column: int, units: tuple[int, ...] | None, widest: float
) -> Leaf:
    """units: hashes of the units that a number may have; None: any. widest: no row of the column is wider"""
    kind = _DATES if node.kind == "date" else _NUMBERS
    bounds = _bounds(node)
    where = Sql("{a}.column = ?", (column,))
    ends = ("{a}.low >= ?", "{a}.low <= ?", f"{kind.high} >= ?", f"{kind.high} <= ?")
    for expression, bound in zip(ends, bounds, strict=True):
        if bound is not None:
            where = Sql(f"{where.text} AND {expression}", (*where.values, bound))
    if units is not None:
        found = equal("{a}.unit", units)
        where = Sql(f"{where.text} AND {found.text}", where.values + found.values)
    ways = _ways(where, kind, bounds[0], bounds[2], widest)
    by_key = f"{kind.table}_by_key"
    return Leaf(bounded, kind.table, column, where, by_key, ways, high_from=bounds[2])


def _bounds(node: Between) -> tuple[float | None, ...]:
    """Bounds of low and high ends, the low end's also from the high end's: it is not above it."""
    low_to = min((b for b in (node.low_to, node.high_to) if b is not None), default=None)
    bounds = (node.low_from, low_to, node.high_from, node.high_to)
    if node.kind == "number":
        return bounds
    return tuple(None if b is None else max(-DATE_LIMIT, min(DATE_LIMIT, b)) for b in bounds)


def _ways(
    where: Sql, kind: _Range, low_from: float | None, high_from: float | None, widest: float
) -> tuple[tuple[str, Sql], ...]:
    """A lower bound of the high end bounds the low end of narrow rows, and wide rows have their own index."""
    if high_from is None:
        return ()
    # twice, so that rounding of floats leaves no gap between the two ways
    edge = high_from - 2 * min(widest, kind.widest_narrow)
    if low_from is not None and low_from >= edge:
        return ()
    near = Sql(f"{where.text} AND {{a}}.low >= ?", (*where.values, edge))
    if widest <= kind.widest_narrow:
        return (("", near),)
    far = Sql(f"{where.text} AND {kind.wide} AND {{a}}.low < ?", (*where.values, edge))
    return ("", near), (f"{kind.table}_wide", far)


def near(bounded: Bounded, node: Near, column: int) -> Leaf:
    """Positions within a distance: those in the cells around are measured."""
    place = node.latitude, node.longitude
    where = Sql(
        "{a}.column = ? AND metres({a}.latitude, {a}.longitude, ?, ?) <= ?", (column, *place, node.metres)
    )
    cells = [
        Sql(f"{where.text} AND {{a}}.cell BETWEEN ? AND ?", (*where.values, first, last))
        for first, last in around(*place, node.metres)
    ]
    return Leaf(bounded, "position", column, where, "position_by_key", tuple(("", each) for each in cells))

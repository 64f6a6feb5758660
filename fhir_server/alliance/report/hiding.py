"""Small numbers: which cells of a table are hidden so that none of them can be worked out from the rest.

A number from 1 to 4 is hidden. When others would give it away, because a sum is known in which nothing else
is missing, the smallest of those is hidden too, until the sums leave every hidden cell open. It is the number
of cases of others that counts: what an organisation knows of its own it could subtract.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

Name = tuple[str, str]
"""A cell: stratifier and stratum."""
TOTAL: Name = ("", "")
Equation = tuple[frozenset[Name], frozenset[Name]]
"""The cells of one side add up to those of the other."""

SMALLEST_SHOWN = 5


def hidden(sizes: Mapping[Name, float], equations: Sequence[Equation]) -> frozenset[Name]:
    """Which of the cells are hidden.

    sizes: the number of cases of others in a cell, TOTAL among them
    """
    found = {name for name, size in sizes.items() if 0 < size < SMALLEST_SHOWN}
    while True:
        open_ = _given_away(found, sizes, equations)
        if open_ is None or TOTAL in found:
            break
        candidates = [name for name in open_ if name not in found and sizes[name] > 0 and name != TOTAL]
        # with nothing else left to hide, the total itself gives away
        found.add(min(candidates, key=lambda name: (sizes[name], name)) if candidates else TOTAL)
    if TOTAL in found:
        return frozenset(name for name, size in sizes.items() if size > 0)
    return frozenset(found)


def _given_away(
    found: set[Name], sizes: Mapping[Name, float], equations: Sequence[Equation]
) -> frozenset[Name] | None:
    """The cells of an equation in which something else must be hidden; None: there is none."""
    for one, other in equations:
        here, there = found & one, found & other
        if (here and not there and not _is_open(here, sizes)) or (
            there and not here and not _is_open(there, sizes)
        ):
            return one | other
    # the narrower question only when the cheaper one finds nothing
    for name in _determined(found, equations) or _pinned(found, sizes, equations):
        for one, other in equations:
            # an equation that cannot take another is of no help
            if name in one | other and any(
                each not in found and sizes[each] > 0 and each != TOTAL for each in one | other
            ):
                return one | other
        return frozenset((name,))
    return None


def _is_open(cells: set[Name], sizes: Mapping[Name, float]) -> bool:
    """Whether a known sum of hidden cells leaves each of them open; all of them are known to be positive."""
    known = sum(sizes[each] for each in cells)
    return len(cells) > 1 and known >= SMALLEST_SHOWN and known > len(cells)


def _pinned(found: set[Name], sizes: Mapping[Name, float], equations: Sequence[Equation]) -> list[Name]:
    """Hidden cells of which one value alone is possible: each is 1 at least, and sums say how much at most.

    Numbers that do not add up (a distinct count is less than the sum of its strata) tell nothing in this way.
    """
    bounds = _Bounds(dict.fromkeys(found, 1), dict.fromkeys(found, sizes[TOTAL]))
    rows = []
    for one, other in equations:
        known = sum(sizes[each] for each in other - found) - sum(sizes[each] for each in one - found)
        rows.append((one & found, other & found, known))
    while any([bounds.narrow(*row) for row in rows]):
        if any(bounds.most[name] < bounds.least[name] for name in found):
            return []
    return sorted(name for name in found if bounds.least[name] == bounds.most[name])


class _Bounds(NamedTuple):
    """What each hidden cell is at least and at most."""

    least: dict[Name, float]
    most: dict[Name, float]

    def narrow(self, cells: Iterable[Name], opposite: Iterable[Name], known: float) -> bool:
        """By a row: `cells` less those `opposite` come to `known`; whether it told anything new."""
        least, most = self.least, self.most
        one, other = ((sum(least[each] for each in side), sum(most[each] for each in side))
                      for side in (cells, opposite))  # fmt: skip
        news = False
        for name, most_of_all, least_of_all in (
            *((each, known + other[1] - one[0], known + other[0] - one[1]) for each in cells),
            *((each, one[1] - known - other[0], one[0] - known - other[1]) for each in opposite),
        ):
            high, low = most_of_all + least[name], least_of_all + most[name]
            if high < most[name] or low > least[name]:
                most[name], least[name], news = min(high, most[name]), max(low, least[name]), True
        return news


def _determined(found: set[Name], equations: Sequence[Equation]) -> list[Name]:
    """Hidden cells that follow from the equations together: rows of the reduced matrix with one unknown."""
    rows = [
        {name: Fraction(1) for name in one & found} | {name: Fraction(-1) for name in other & found}
        for one, other in equations
    ]
    reduced: list[tuple[Name, dict[Name, Fraction]]] = []
    for row in rows:
        for pivot, other_row in reduced:
            _subtract(row, other_row, row.get(pivot))
        if not row:
            continue
        pivot = min(row)
        scale = row[pivot]
        row = {name: factor / scale for name, factor in row.items()}
        for _, other_row in reduced:
            _subtract(other_row, row, other_row.get(pivot))
        reduced.append((pivot, row))
    return sorted(pivot for pivot, row in reduced if len(row) == 1)


def _subtract(row: dict[Name, Fraction], other: Mapping[Name, Fraction], factor: Fraction | None) -> None:
    """`row` less `factor` times `other`."""
    if factor is None:
        return
    for name, each in other.items():
        found = row.get(name, Fraction(0)) - factor * each
        if found:
            row[name] = found
        else:
            row.pop(name, None)

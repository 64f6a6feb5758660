"""What somebody who reads one report can work out of the numbers that are hidden in it."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from fhir_server.alliance.report.figures import TIERS
from fhir_server.alliance.report.hiding import TOTAL, Name

Shown = Mapping[Name, int | None]
"""The cells of one measure, TOTAL among them; None: hidden."""
Row = tuple[dict[Name, int], int]
"""Unknown cells with their factors, and what they come to together."""


def rows(cells: Shown, tiers: Mapping[str, str]) -> list[Row]:
    """What the reader knows to hold, as equations of the hidden cells."""
    stratifiers = {stratifier for stratifier, _ in cells if stratifier}
    sums: list[tuple[list[Name], list[Name]]] = [
        ([name for name in cells if name[0] == stratifier], [TOTAL]) for stratifier in stratifiers
    ]
    for side, stratifier in enumerate(("from-member", "to-member")):
        for level in set(tiers.values()):
            members = [name for name in cells if name[0] == stratifier and tiers[name[1]] == level]
            pairs = [name for name in cells if name[0] == "tier-pair" and name[1].split(TIERS)[side] == level]
            sums.append((members, pairs))
    found = []
    for one, other in sums:
        factors = {name: 1 for name in one if cells[name] is None} | {
            name: -1 for name in other if cells[name] is None
        }
        known = sum(cells[name] or 0 for name in other) - sum(cells[name] or 0 for name in one)
        if factors:
            found.append((factors, known))
    return found


def solved(found: list[Row]) -> set[Name]:
    """Cells that are a combination of the equations."""
    names = {name for factors, _ in found for name in factors}
    return {name for name in names if _is_solvable([factors for factors, _ in found], name)}


def _is_solvable(found: Iterable[Mapping[Name, int]], name: Name) -> bool:
    """By elimination, `name` last."""
    wanted = [dict(each) for each in found]
    names = [*sorted({each for row in wanted for each in row} - {name}), name]
    matrix = [[Fraction(row.get(each, 0)) for each in names] for row in wanted]
    rank = 0
    for column in range(len(names)):
        pivot = next((number for number in range(rank, len(matrix)) if matrix[number][column]), None)
        if pivot is None:
            continue
        if column == len(names) - 1:
            return True
        matrix[rank], matrix[pivot] = matrix[pivot], matrix[rank]
        for number in range(rank + 1, len(matrix)):
            factor = matrix[number][column] / matrix[rank][column]
            matrix[number] = [
                one - factor * other for one, other in zip(matrix[number], matrix[rank], strict=True)
            ]
        rank += 1
    return False


def bounded(found: list[Row], own: Mapping[Name, int]) -> set[Name]:
    """Cells of which one value alone is possible, as what is hidden has a case of others at least.

    own: the cases that the reader knows
    """
    names = {name for factors, _ in found for name in factors}
    least = {name: own.get(name, 0) + 1 for name in names}
    most = dict.fromkeys(names, 10**9)
    changed = True
    while changed:
        changed = False
        for factors, known in found:
            for name, factor in factors.items():
                rest = {each: sign for each, sign in factors.items() if each != name}
                low = sum(sign * (least if sign > 0 else most)[each] for each, sign in rest.items())
                high = sum(sign * (most if sign > 0 else least)[each] for each, sign in rest.items())
                lowest, highest = sorted((factor * (known - low), factor * (known - high)))
                if lowest > least[name] or highest < most[name]:
                    least[name], most[name] = max(lowest, least[name]), min(highest, most[name])
                    changed = True
    return {name for name in names if least[name] == most[name]}

"""Figures of a report: what the events of a measure come to, as a whole and by stratum."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median

from fhir_server.alliance.report import hiding
from fhir_server.alliance.report.measure import EVERYWHERE, NONE, Event, Measure, Statistic
from fhir_server.alliance.report.period import month

TIERS = ">"
"""Stands between the two tiers of a tier-pair."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One number."""

    value: float
    cases: int  # how many events, or of a distinct count how many different ones, it rests on
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    measure: Measure
    total: Cell
    strata: Mapping[str, Mapping[str, Cell]]  # stratifier, stratum


@dataclass(slots=True)
class _Tally:
    values: list[float] = field(default_factory=list)
    who: set[str | None] = field(default_factory=set)

    def add(self, event: Event) -> None:
        self.values.append(event.value)
        self.who.add(event.who)

    def value(self, statistic: Statistic) -> float:
        match statistic:
            case "distinct":
                return len(self.who)
            case "median":
                return round(median(self.values), 1) if self.values else 0
            case _:
                return sum(self.values)

    def size(self, statistic: Statistic) -> float:
        """By which it is small."""
        return len(self.values) if statistic == "median" else self.value(statistic)

    def cases(self, statistic: Statistic) -> int:
        return len(self.who) if statistic == "distinct" else len(self.values)


class _Pair:
    """All events of a cell, and those in which the asking organisation has no part."""

    __slots__ = ("all", "others")

    def __init__(self) -> None:
        self.all, self.others = _Tally(), _Tally()

    def add(self, event: Event, own: bool) -> None:
        self.all.add(event)
        if not own:
            self.others.add(event)


def figure(
    measure: Measure, events: Iterable[Event], tier: Callable[[str | None], str], asking: str | None
) -> Figure:
    """What `events` come to, small numbers hidden from `asking` (`Organization/1`; None: from everybody).

    tier: of a member; NONE for None
    """
    total = _Pair()
    stratifiers = (*EVERYWHERE, *measure.stratifiers)
    pairs: dict[str, dict[str, _Pair]] = {each: {} for each in stratifiers}
    for event in events:
        own = asking is not None and asking in event.parties
        total.add(event, own)
        for stratifier, cells in pairs.items():
            cells.setdefault(_stratum(stratifier, event, tier), _Pair()).add(event, own)
    hidden = _hidden(measure, total, pairs, tier) if measure.hides_small_cells else frozenset()
    return Figure(
        measure,
        _cell(measure, total, hiding.TOTAL in hidden),
        {
            stratifier: {
                name: _cell(measure, cells[name], (stratifier, name) in hidden) for name in sorted(cells)
            }
            for stratifier, cells in pairs.items()
        },
    )


def _stratum(stratifier: str, event: Event, tier: Callable[[str | None], str]) -> str:
    match stratifier:
        case "from-member":
            return event.origin or NONE
        case "to-member":
            return event.destination or NONE
        case "tier-pair":
            return f"{tier(event.origin)}{TIERS}{tier(event.destination)}"
        case "month":
            return month(event.at)
        case _:
            return event.strata.get(stratifier, NONE)


def _cell(measure: Measure, pair: _Pair, hidden: bool) -> Cell:
    tally = pair.all
    return Cell(tally.value(measure.statistic), tally.cases(measure.statistic), hidden)


def _hidden(
    measure: Measure,
    total: _Pair,
    pairs: Mapping[str, Mapping[str, _Pair]],
    tier: Callable[[str | None], str],
) -> frozenset[hiding.Name]:
    sizes: dict[hiding.Name, float] = {hiding.TOTAL: total.others.size(measure.statistic)}
    for stratifier, cells in pairs.items():
        for name, pair in cells.items():
            sizes[stratifier, name] = pair.others.size(measure.statistic)
    return hiding.hidden(sizes, list(_equations(pairs, tier)))


def _equations(
    pairs: Mapping[str, Mapping[str, _Pair]], tier: Callable[[str | None], str]
) -> Iterable[hiding.Equation]:
    """What anybody can add up: each stratifier to the total, members of a tier to the pairs of that tier."""
    for stratifier, cells in pairs.items():
        yield frozenset((stratifier, name) for name in cells), frozenset((hiding.TOTAL,))
    for side, stratifier in enumerate(("from-member", "to-member")):
        members: dict[str, set[hiding.Name]] = {}
        for name in pairs[stratifier]:
            members.setdefault(tier(None if name == NONE else name), set()).add((stratifier, name))
        for level, names in members.items():
            of_level = (name for name in pairs["tier-pair"] if name.split(TIERS)[side] == level)
            yield frozenset(names), frozenset(("tier-pair", name) for name in of_level)

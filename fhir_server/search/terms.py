"""What a search means beyond its own words: looked up in the store before it runs.

Compiling is synchronous, looking things up is not. So a search is compiled once with what is known; what it
lacked stands in `Terms.missing`, is looked up by the caller, and the search is compiled again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from fhir_server.outcome import not_supported
from fhir_server.search.named_query import NamedQuery

Codes = frozenset[tuple[str, str]]
"""(system, code)"""


@dataclass(frozen=True, slots=True)
class InValueSet:
    """All codes of a value set."""

    canonical: str  # with or without `|version`, or `ValueSet/id`


@dataclass(frozen=True, slots=True)
class Related:
    """A code and what it subsumes, or (`above`) a code and what subsumes it."""

    system: str
    code: str
    above: bool


@dataclass(frozen=True, slots=True)
class InHierarchy:
    """A resource and what is part of it, or (`above`) what it is part of, directly and indirectly."""

    resource_type: str
    id: str
    columns: tuple[str, ...]  # by which resources of the type refer to what they are part of
    above: bool


@dataclass(frozen=True, slots=True)
class QueryName:
    """What a named query stands for (`_query`)."""

    resource_types: tuple[str, ...]  # (): all types
    code: str


Need = InValueSet | Related | InHierarchy | QueryName
Answer = Codes | frozenset[str] | NamedQuery
"""Codes of a value set; of a code, those related to it; of a hierarchy, ids; of a name, the query."""


@dataclass(slots=True)
class Terms:
    """What is known when a search is compiled, and what was found to be missing."""

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """system of identifiers -> all names of the same system, this one with them"""
    known: dict[Need, Answer] = field(default_factory=dict)
    missing: dict[Need, None] = field(default_factory=dict)
    named: bool = False  # whether names of systems were asked for
    timed: bool = False  # whether the time was

    @property
    def are_needed(self) -> bool:
        """Whether the same words may come to something else at another time."""
        return bool(self.named or self.timed or self.known or self.missing)

    def names_of(self, system: str) -> tuple[str, ...]:
        self.named = True
        return self.names.get(system, (system,))

    def codes_in(self, canonical: str) -> Codes:
        return cast(Codes, self._answer(InValueSet(canonical)))

    def related(self, system: str, code: str, *, above: bool) -> frozenset[str]:
        return cast(frozenset[str], self._answer(Related(system, code, above)))

    def hierarchy(self, need: InHierarchy) -> frozenset[str]:
        return cast(frozenset[str], self._answer(need))

    def query(self, resource_types: tuple[str, ...], code: str) -> NamedQuery | None:
        """None: it must be looked up."""
        need = QueryName(resource_types, code)
        found = self.known.get(need)
        if found is None:
            self.missing[need] = None
        return cast(NamedQuery | None, found)

    def _answer(self, need: Need) -> Answer:
        found = self.known.get(need)
        if found is None:
            self.missing[need] = None
            return frozenset()
        return found


def required(terms: Terms | None, modifier: str) -> Terms:
    """Raises 400 where a search is compiled with nothing to look things up in."""
    if terms is None:
        raise not_supported(f"the modifier :{modifier} cannot be used here")
    return terms


def names_by_system(groups: Iterable[Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """For each system all of its names; groups that share a name are one system."""
    found: dict[str, set[str]] = {}
    for group in groups:
        together = set(group)
        for name in tuple(together):
            together |= found.get(name, set())
        found |= dict.fromkeys(together, together)
    return {name: tuple(sorted(together)) for name, together in found.items() if len(together) > 1}

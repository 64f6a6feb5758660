"""A column of the index, and what the meaning of a value depends on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from fhir_server.definitions.types import SearchParameterType
from fhir_server.search.terms import Terms
from fhir_server.store.rows import Rows

Emit = Callable[[Any, Rows], None]
"""Adds the index rows of one value."""


@dataclass(frozen=True, slots=True)
class Column:
    """One indexed expression of one resource type, as one search parameter uses it.

    Parameters that share an expression share the column by its name; they may differ in `targets`.
    """

    name: str
    type: SearchParameterType
    value_types: tuple[str, ...]  # FHIR types that the expression can select and the parameter type can index
    targets: tuple[str, ...] = ()  # references: the resource types that are meant; (): any
    narrowed: bool = False  # references: the expression selects those to `targets` and no others
    systems: frozenset[str] = frozenset()  # code systems that an element of type `code` implies
    single: bool = False  # a resource has at most one value
    by_sound: bool = False  # strings: what sounds alike is found too


@dataclass(frozen=True, slots=True)
class Indexing:
    """What index rows depend on beside the resource. A change of it needs a new index."""

    zone: tzinfo  # of dates without an offset
    bases: tuple[str, ...] = ()  # base URLs of this server; absolute references below them are local
    plain: bool = False  # only rows that are compared without a modifier: composites know none


@dataclass(frozen=True, slots=True)
class Scope:
    """What the meaning of a search string depends on beside the string."""

    zone: tzinfo
    bases: tuple[str, ...]  # without a slash at the end
    now_ms: int
    resource_types: frozenset[str]  # every resource type there is
    terms: Terms | None = None  # None: nothing can be looked up, what needs it is refused

    def now(self) -> int:
        """In milliseconds; what comes of it is of this moment only."""
        if self.terms is not None:
            self.terms.timed = True
        return self.now_ms

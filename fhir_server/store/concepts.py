"""Concepts of large code systems, kept as rows of their own beside the resources.

One table holds the concepts of one version of one code system. It is filled bit by bit, and found by url and
version from the moment on in which it is published, in the place of the one that was there before.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class ConceptTable(NamedTuple):
    id: int
    url: str
    version: str  # "": the code system has none
    concepts: int


class StoredConcept(NamedTuple):
    number: int  # its place in the order of the code system
    code: str
    display: str | None
    detail: str  # JSON, as whoever put it there made it


class NewConcept(NamedTuple):
    number: int
    code: str
    display: str | None
    detail: str
    text: str  # tokens to search in, each after a blank
    properties: tuple[tuple[str, str], ...] = ()


class Ancestry(NamedTuple):
    """All concepts above one, by number; the concept itself need not be among them."""

    number: int
    parents: tuple[int, ...]
    others: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Below:
    """The concept with this number, and all that it subsumes."""

    number: int


@dataclass(frozen=True, slots=True)
class StrictlyBelow:
    """All that the concept with this number subsumes, itself not among them."""

    number: int


@dataclass(frozen=True, slots=True)
class NumberIn:
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PropertyIn:
    name: str
    values: tuple[str, ...] | None  # None: any value


@dataclass(frozen=True, slots=True)
class Without:
    condition: "Below | StrictlyBelow | NumberIn | PropertyIn"


class Span(NamedTuple):
    """Which of what is found."""

    after: int  # only concepts with a higher number; -1: all
    limit: int
    skip: int = 0  # how many of these are left out before


Condition = Below | StrictlyBelow | NumberIn | PropertyIn | Without


class ConceptReader(Protocol):
    async def table(self, url: str, version: str) -> ConceptTable | None: ...

    async def tables(self) -> list[ConceptTable]:
        """Those that are published."""

    async def concepts(self, table: int, codes: Collection[str]) -> list[StoredConcept]:
        """Those with these codes, in any case of letters."""

    async def page(
        self,
        table: int,
        conditions: Sequence[Condition],
        phrases: Sequence[str],
        also: Sequence[int],
        span: Span,
    ) -> list[StoredConcept]:
        """In order, those that fit all conditions, and whose text has all phrases.

        A phrase is tokens, a blank before each; the last is the beginning of one, unless a blank ends it.
        also: numbers of concepts that have the phrases elsewhere than in their text.
        """

    async def count(
        self, table: int, conditions: Sequence[Condition], phrases: Sequence[str], also: Sequence[int]
    ) -> int: ...

    async def children(self, table: int, number: int) -> list[str]:
        """Codes of the concepts right below one."""

    async def below(self, table: int, number: int, limit: int) -> list[str]:
        """Codes of the concept itself and of all that it subsumes, as many as `limit`."""

    async def is_below(self, table: int, number: int, above: int) -> bool: ...


class ConceptWriter(Protocol):
    """Within a transaction."""

    async def begin(self, url: str, version: str) -> int:
        """A new table, which nobody finds yet."""

    async def add(self, table: int, concepts: Sequence[NewConcept]) -> None: ...

    async def add_ancestries(self, table: int, ancestries: Sequence[Ancestry]) -> None: ...

    async def publish(self, table: int) -> None:
        """From now on it is the one with its url and version."""

    async def drop_unpublished(self, limit: int) -> bool:
        """Remove up to `limit` concepts of tables that nobody finds; False: there are none left."""

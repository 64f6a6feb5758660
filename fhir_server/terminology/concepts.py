"""Concepts, and what every code system can be asked, wherever its concepts are kept.

https://hl7.org/fhir/R4/codesystem.html
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

Content = Literal["complete", "fragment", "example"]
Op = Literal[
    "=", "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes", "exists"
]  # fmt: skip


class Designation(NamedTuple):
    value: str
    language: str | None = None
    use: dict[str, Any] | None = None  # a Coding


class Property(NamedTuple):
    code: str
    type: str  # `valueCode`, `valueString`…
    value: Any


class Filter(NamedTuple):
    """https://hl7.org/fhir/R4/valueset-definitions.html#ValueSet.compose.include.filter"""

    property: str
    op: Op
    value: str


@dataclass(frozen=True, slots=True)
class Concept:
    code: str
    display: str | None = None
    definition: str | None = None
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = ()
    inactive: bool = False
    abstract: bool = False  # not to be chosen: it groups others


@dataclass(frozen=True, slots=True)
class About:
    """What a code system says of itself."""

    url: str
    version: str | None = None
    name: str | None = None
    language: str | None = None  # of displays
    content: Content = "complete"
    # False: codes of any case are accepted; so it is where the code system does not say
    case_sensitive: bool = False
    properties: Mapping[str, str] | None = None  # code of a property: its description, where it has one

    @property
    def canonical(self) -> str:
        return self.url if self.version is None else f"{self.url}|{self.version}"


class Selection(Protocol):
    """The concepts of a code system that filters leave, in the order in which it defines them."""

    async def page(
        self, phrases: tuple[str, ...], after: int, limit: int, skip: int = 0
    ) -> "list[tuple[int, Concept]]":
        """Up to `limit` concepts whose texts have the phrases, with their places.

        Of those after place `after` (-1: of all) the first `skip` are left out.
        """

    async def having(self, codes: Collection[str]) -> dict[str, Concept]:
        """Those of `codes` that are in it, as they were given."""

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        """None: only listing them all would tell."""


class CodeSystem(Protocol):
    @property
    def about(self) -> About: ...

    async def concept(self, code: str) -> Concept | None: ...

    async def concepts(self, codes: Collection[str]) -> dict[str, Concept]:
        """Those that there are, by the codes that were given."""

    async def parents(self, code: str) -> Sequence[str]: ...

    async def children(self, code: str) -> Sequence[str]: ...

    async def above(self, code: str) -> frozenset[str]:
        """Codes that subsume it, itself not among them; raises 422 when the hierarchy has a cycle."""

    async def below(self, code: str) -> frozenset[str]: ...

    async def subsumes(self, above: str, below: str) -> bool:
        """Whether one is truly above the other."""

    async def select(self, filters: tuple[Filter, ...]) -> Selection:
        """Raises 400 for a filter that makes no sense here."""

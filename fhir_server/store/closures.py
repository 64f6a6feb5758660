"""The tables of $closure that clients keep: codes that were given, and which of them subsume which.

Every addition makes a new version; what a version added can be asked for again.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class ClosureConcept(NamedTuple):
    system: str
    code: str


class ClosureEntry(NamedTuple):
    system: str
    below: str  # code
    above: str  # code


class ClosureReader(Protocol):
    async def version(self, name: str) -> int | None:
        """Of the last addition, 0 for a table that is empty; None: there is no such table."""

    async def concepts(self, name: str) -> list[ClosureConcept]: ...

    async def entries(self, name: str, after: int) -> list[ClosureEntry]:
        """Those of later versions, in the order in which they came."""


class ClosureWriter(Protocol):
    """Within a transaction."""

    async def version(self, name: str) -> int | None: ...

    async def reset(self, name: str) -> None:
        """Make the table, or empty it."""

    async def extend(
        self, name: str, concepts: Sequence[ClosureConcept], entries: Sequence[ClosureEntry]
    ) -> int:
        """The number of the version that this makes."""

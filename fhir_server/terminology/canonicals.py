"""Where definitions come from, and which of several with one canonical is meant.

https://hl7.org/fhir/R4/references.html#canonical
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from fhir_server.resource import Resource

ResourceType = Literal["CodeSystem", "ValueSet", "ConceptMap"]
RESOURCE_TYPES: tuple[ResourceType, ...] = ("CodeSystem", "ValueSet", "ConceptMap")


class Found(NamedTuple):
    resource: Resource
    source: int  # 0: the user's store, then packages, last the core
    sequence: int  # of the version within its source
    size_bytes: int

    @property
    def identity(self) -> tuple[int, str, int]:
        """The same for the same content: what was made of it can be kept."""
        return self.source, self.resource["resourceType"], self.sequence


class Known(NamedTuple):
    """A code system, in short."""

    url: str
    version: str | None
    content: str
    language: str | None


class Canonicals(Protocol):
    """Handed in: the store, as terminology needs it."""

    async def stamp(self) -> int:
        """Another number once any definition has changed, in whatever process."""

    async def read(self, resource_type: ResourceType, url: str) -> Sequence[Found]:
        """All versions of a definition."""

    async def maps(self, system: str, *, target: bool) -> Sequence[Found]:
        """ConceptMaps with a group that maps from the code system, or (target) to it."""

    async def code_systems(self) -> Sequence[Known]:
        """All that there are, supplements too."""

    async def supplements(self) -> Sequence[Found]:
        """CodeSystems with `content` supplement."""


def split(canonical: str) -> tuple[str, str | None]:
    """`url|version` -> url and version."""
    url, _, version = canonical.partition("|")
    return url, version or None


def chosen(found: Sequence[Found], version: str | None) -> Found | None:
    """The one that is meant by a canonical, of all that have its url.

    version: None: that of the first source, of it an active one before others, of these the latest.
    """
    fitting = [each for each in found if version is None or each.resource.get("version") == version]
    if not fitting:
        return None
    return min(sorted(fitting, key=_age, reverse=True), key=_rank)


def _rank(found: Found) -> tuple[bool, int, bool]:
    status = found.resource.get("status")
    return status == "retired", found.source, status != "active"


def _age(found: Found) -> tuple[object, ...]:
    return in_order(found.resource.get("version") or ""), found.resource.get("date") or ""


_RUN = re.compile(r"(\d+)")


def in_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """A key by which 4.10.0 comes after 4.9.0, and 2024 after 2019."""
    return tuple((1, int(run), "") if run.isdigit() else (0, 0, run) for run in _RUN.split(version) if run)

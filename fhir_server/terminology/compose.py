"""ValueSet.compose as sets of codes that are not written out: what is in them, one chunk after the other.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from fhir_server.terminology.concepts import CodeSystem, Concept, Designation, Selection
from fhir_server.terminology.inline import text_of
from fhir_server.terminology.words import matches

CHUNK = 1000

Key = tuple[str, str]
"""(system, code)"""


class Entry(NamedTuple):
    """A code of a value set."""

    system: str
    version: str | None  # of the code system; None: it has none, or nobody knows
    concept: Concept

    @property
    def key(self) -> Key:
        return self.system, self.concept.code


class Members(Protocol):
    def chunks(self, phrases: tuple[str, ...]) -> AsyncIterator[list[Entry]]:
        """The codes whose texts have the phrases, each once."""

    async def having(self, keys: Collection[Key]) -> dict[Key, Entry]:
        """Those of `keys` that are in it, as they were given."""

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        """How many there are; None: to know it they must all be listed."""

    async def slice(self, phrases: tuple[str, ...], skip: int, limit: int) -> list[Entry] | None:
        """A page of them; None: only listing what comes before it gives it."""

    @property
    def systems(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Selected:
    """What filters leave of a code system."""

    system: CodeSystem
    selection: Selection

    async def chunks(self, phrases: tuple[str, ...]) -> AsyncIterator[list[Entry]]:
        url, version, after = self.system.about.url, self.system.about.version, -1
        while found := await self.selection.page(phrases, after, CHUNK):
            yield [Entry(url, version, concept) for _, concept in found]
            if len(found) < CHUNK:
                return
            after = found[-1][0]

    async def having(self, keys: Collection[Key]) -> dict[Key, Entry]:
        about = self.system.about
        found = await self.selection.having([code for system, code in keys if system == about.url])
        return {(about.url, code): Entry(about.url, about.version, each) for code, each in found.items()}

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        return await self.selection.count(phrases)

    async def slice(self, phrases: tuple[str, ...], skip: int, limit: int) -> list[Entry] | None:
        about = self.system.about
        found = await self.selection.page(phrases, -1, limit, skip)
        return [Entry(about.url, about.version, concept) for _, concept in found]

    @property
    def systems(self) -> frozenset[str]:
        return frozenset((self.system.about.url,))


class Listed:
    """Codes that are listed one by one, with what the code system says of them."""

    def __init__(self, entries: Sequence[Entry], system: CodeSystem | None = None) -> None:
        self._entries = {entry.key: entry for entry in entries}
        self._system = system
        # codes of any case mean the same where the code system says so, or does not say
        folds = system is not None and not system.about.case_sensitive
        self._folded = {_fold(key): entry for key, entry in self._entries.items()} if folds else {}

    async def chunks(self, phrases: tuple[str, ...]) -> AsyncIterator[list[Entry]]:
        yield [
            entry
            for entry in self._entries.values()
            if not phrases or matches(text_of(entry.concept), phrases)
        ]

    async def having(self, keys: Collection[Key]) -> dict[Key, Entry]:
        found = {}
        for key in keys:
            entry = self._entries.get(key) or (self._folded.get(_fold(key)) if self._folded else None)
            if entry is not None:
                found[key] = entry
        return found

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        return None if phrases else len(self._entries)

    async def slice(self, phrases: tuple[str, ...], skip: int, limit: int) -> list[Entry] | None:
        return None

    @property
    def systems(self) -> frozenset[str]:
        return frozenset(system for system, _ in self._entries)


def _fold(key: Key) -> Key:
    return key[0], key[1].casefold()


def listed(concept: Concept | None, code: str, display: str | None, more: tuple[Designation, ...]) -> Concept:
    """A concept of a list, which may have a display and designations of its own."""
    found = concept or Concept(code)
    if display is None and not more:
        return found
    return replace(found, display=display or found.display, designations=more + found.designations)


@dataclass(frozen=True, slots=True)
class Intersection:
    """Codes that are in all of `parts`, in the order of the first one."""

    parts: tuple[Members, ...]

    async def chunks(self, phrases: tuple[str, ...]) -> AsyncIterator[list[Entry]]:
        first, *others = self.parts
        async for entries in first.chunks(phrases):
            for other in others:
                within = await other.having([entry.key for entry in entries])
                entries = [entry for entry in entries if entry.key in within]
            yield entries

    async def having(self, keys: Collection[Key]) -> dict[Key, Entry]:
        first, *others = self.parts
        found = await first.having(keys)
        for other in others:
            within = await other.having(found.keys())
            found = {key: entry for key, entry in found.items() if key in within}
        return found

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        return None

    async def slice(self, phrases: tuple[str, ...], skip: int, limit: int) -> list[Entry] | None:
        return None

    @property
    def systems(self) -> frozenset[str]:
        return frozenset.intersection(*(part.systems for part in self.parts))


@dataclass(frozen=True, slots=True)
class Composed:
    """Codes that are in some of `includes` and in none of `excludes`."""

    includes: tuple[Members, ...]
    excludes: tuple[Members, ...] = ()
    active_only: bool = False

    async def chunks(self, phrases: tuple[str, ...]) -> AsyncIterator[list[Entry]]:
        for place, part in enumerate(self.includes):
            unwanted = (*self.includes[:place], *self.excludes)
            async for entries in part.chunks(phrases):
                yield await self._left(entries, unwanted)

    async def _left(self, entries: list[Entry], unwanted: tuple[Members, ...]) -> list[Entry]:
        if self.active_only:
            entries = [entry for entry in entries if not entry.concept.inactive]
        for other in unwanted:
            if entries:
                gone = await other.having([entry.key for entry in entries])
                entries = [entry for entry in entries if entry.key not in gone]
        return entries

    async def having(self, keys: Collection[Key]) -> dict[Key, Entry]:
        found: dict[Key, Entry] = {}
        for part in self.includes:
            if missing := [key for key in keys if key not in found]:
                found |= await part.having(missing)
        if self.active_only:
            found = {key: entry for key, entry in found.items() if not entry.concept.inactive}
        for part in self.excludes:
            if found:
                gone = await part.having(found.keys())
                found = {key: entry for key, entry in found.items() if key not in gone}
        return found

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        return await self.includes[0].count(phrases) if self._is_one else None

    async def slice(self, phrases: tuple[str, ...], skip: int, limit: int) -> list[Entry] | None:
        return await self.includes[0].slice(phrases, skip, limit) if self._is_one else None

    @property
    def _is_one(self) -> bool:
        """Whether it is what its one part is."""
        return len(self.includes) == 1 and not self.excludes and not self.active_only

    @property
    def systems(self) -> frozenset[str]:
        return frozenset().union(*(part.systems for part in self.includes))

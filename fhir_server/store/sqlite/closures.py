"""The tables of $closure in SQLite."""

from collections.abc import Sequence

from fhir_server.store.closures import ClosureConcept, ClosureEntry
from fhir_server.store.sqlite.patience import Patiently
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.writing import Writing

_VERSION = "SELECT version FROM closure WHERE name = ?"
_CONCEPTS = """
SELECT t.system, t.code FROM closure c CROSS JOIN closure_concept t ON t.closure = c.id WHERE c.name = ?"""
_ENTRIES = """
SELECT t.system, t.below, t.above FROM closure c CROSS JOIN closure_entry t ON t.closure = c.id
WHERE c.name = ? AND t.version > ? ORDER BY t.version, t.system, t.below, t.above"""
_MAKE = (
    "INSERT INTO closure(name, version) VALUES(?, 0) ON CONFLICT(name) DO UPDATE SET version = 0 RETURNING id"
)
_NEXT = "UPDATE closure SET version = version + 1 WHERE name = ? RETURNING id, version"
_ADD_CONCEPT = "INSERT OR IGNORE INTO closure_concept(closure, system, code, version) VALUES(?, ?, ?, ?)"
_ADD_ENTRY = (
    "INSERT OR IGNORE INTO closure_entry(closure, version, system, below, above) VALUES(?, ?, ?, ?, ?)"
)


def version(here: Connected, name: str) -> int | None:
    found: int | None = here.connection.execute(_VERSION, (name,)).get
    return found


def concepts(here: Connected, name: str) -> list[ClosureConcept]:
    return [ClosureConcept(*row) for row in here.connection.execute(_CONCEPTS, (name,))]


def entries(here: Connected, name: str, after: int) -> list[ClosureEntry]:
    return [ClosureEntry(*row) for row in here.connection.execute(_ENTRIES, (name, after))]


class SqliteClosures:
    def __init__(self, patiently: Patiently) -> None:
        self._patiently = patiently

    async def version(self, name: str) -> int | None:
        return await self._patiently(version, name)

    async def concepts(self, name: str) -> list[ClosureConcept]:
        return await self._patiently(concepts, name)

    async def entries(self, name: str, after: int) -> list[ClosureEntry]:
        return await self._patiently(entries, name, after)


class WrittenClosures:
    """Within a transaction."""

    def __init__(self, here: Writing) -> None:
        self._here = here

    async def version(self, name: str) -> int | None:
        return version(self._here, name)

    async def reset(self, name: str) -> None:
        self._here.before_write()
        execute = self._here.connection.execute
        closure: int = execute(_MAKE, (name,)).get
        execute("DELETE FROM closure_concept WHERE closure = ?", (closure,))
        execute("DELETE FROM closure_entry WHERE closure = ?", (closure,))

    async def extend(
        self, name: str, concepts: Sequence[ClosureConcept], entries: Sequence[ClosureEntry]
    ) -> int:
        self._here.before_write()
        closure, number = self._here.connection.execute(_NEXT, (name,)).get
        many = self._here.connection.executemany
        many(_ADD_CONCEPT, [(closure, each.system, each.code, number) for each in concepts])
        many(_ADD_ENTRY, [(closure, number, *each) for each in entries])
        found: int = number
        return found

"""Concepts of large code systems in SQLite: how they get there, and how they go."""

from collections.abc import Sequence

from fhir_server.store.concepts import Ancestry, NewConcept
from fhir_server.store.sqlite.concepts import place
from fhir_server.store.sqlite.writing import Writing

_BEGIN = "INSERT INTO concept_table(url, version, current, concepts) VALUES(?, ?, 0, 0) RETURNING id"
_ADD = "INSERT INTO concept(place, tabled, code, display, detail) VALUES(?, ?, ?, ?, ?)"
_ADD_TEXT = "INSERT INTO concept_text(rowid, text) VALUES(?, ?)"
_ADD_PROPERTY = "INSERT OR IGNORE INTO concept_property(tabled, name, value, place) VALUES(?, ?, ?, ?)"
_ADD_ABOVE = "INSERT INTO concept_above(above, place, direct) VALUES(?, ?, ?)"
_RETIRE = """
UPDATE concept_table SET current = 0 WHERE current AND (url, version) =
(SELECT url, version FROM concept_table WHERE id = ?)"""
_PUBLISH = """
UPDATE concept_table SET current = 1, concepts = (SELECT count(*) FROM concept WHERE tabled = ?)
WHERE id = ?"""
_UNPUBLISHED = "SELECT id FROM concept_table WHERE NOT current ORDER BY id LIMIT 1"
_DROP_PROPERTIES = """
DELETE FROM concept_property WHERE (tabled, name, value, place) IN
(SELECT tabled, name, value, place FROM concept_property WHERE tabled = ? LIMIT ?)"""
_PROPERTIES_LEFT = "SELECT count(*) FROM (SELECT 1 FROM concept_property WHERE tabled = ? LIMIT 1)"
_LAST_PLACE = """
SELECT max(place) FROM (SELECT place FROM concept WHERE place >= ? AND place < ? ORDER BY place LIMIT ?)"""


class WrittenConcepts:
    """Within a transaction."""

    def __init__(self, here: Writing) -> None:
        self._here = here
        self._execute = here.connection.execute

    async def begin(self, url: str, version: str) -> int:
        self._here.before_write()
        found: int = self._execute(_BEGIN, (url, version)).get
        return found

    async def add(self, table: int, concepts: Sequence[NewConcept]) -> None:
        self._here.before_write()
        many = self._here.connection.executemany
        many(_ADD, [(place(table, each.number), table, *each[1:4]) for each in concepts])
        many(_ADD_TEXT, [(place(table, each.number), each.text) for each in concepts if each.text])
        properties = [
            (table, name, value, place(table, each.number))
            for each in concepts
            for name, value in each.properties
        ]
        many(_ADD_PROPERTY, properties)

    async def add_ancestries(self, table: int, ancestries: Sequence[Ancestry]) -> None:
        self._here.before_write()
        rows = []
        for number, parents, others in ancestries:
            own = place(table, number)
            rows.append((own, own, 0))
            rows += [(place(table, above), own, 1) for above in parents]
            rows += [(place(table, above), own, 0) for above in others]
        self._here.connection.executemany(_ADD_ABOVE, rows)

    async def publish(self, table: int) -> None:
        self._here.before_write()
        self._execute(_RETIRE, (table,))
        self._execute(_PUBLISH, (table, table))

    async def drop_unpublished(self, limit: int) -> bool:
        table: int | None = self._execute(_UNPUBLISHED).get
        if table is None:
            return False
        self._here.before_write()
        self._execute(_DROP_PROPERTIES, (table, limit))
        first = place(table, 0)
        last: int | None = self._execute(_LAST_PLACE, (first, place(table + 1, 0), limit)).get
        if last is not None:
            self._execute("DELETE FROM concept_text WHERE rowid BETWEEN ? AND ?", (first, last))
            self._execute("DELETE FROM concept_above WHERE above BETWEEN ? AND ?", (first, last))
            self._execute("DELETE FROM concept WHERE place BETWEEN ? AND ?", (first, last))
        elif not self._execute(_PROPERTIES_LEFT, (table,)).get:
            self._execute("DELETE FROM concept_table WHERE id = ?", (table,))
        return True

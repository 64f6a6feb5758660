"""What was changed after a moment of the log, as it was then.

A later page of a search shows the state of the log at the first page. What was not changed since is found by
the index of the present; what was, and existed then, is judged in memory by the version that was current.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fhir_server.outcome import FhirError, page_gone
from fhir_server.store import algebra
from fhir_server.store.algebra import Moment, Node
from fhir_server.store.matching import Identity, Subject, fits
from fhir_server.store.protocol import Version, Words
from fhir_server.store.sqlite.compile import Compiler
from fhir_server.store.sqlite.reading import Connected
from fhir_server.store.sqlite.terms import Term, Universe

CHANGED_AT_MOST = 5000  # resources of the types that a search is about
LOG_AT_MOST = 1_000_000  # versions

_AT = "SELECT last_updated FROM version WHERE seq = ?"
# the newest version up to the moment of each resource that has newer ones
_CHANGED = """
SELECT o.seq, r.type, r.id, o.version_id, o.last_updated, o.method, o.body, o.key
FROM (SELECT DISTINCT key FROM version {index} WHERE seq > ?1 {types}) c
CROSS JOIN version o ON o.seq = (
  SELECT seq FROM version INDEXED BY version_of WHERE key = c.key AND seq <= ?1
  ORDER BY version_id DESC LIMIT 1)
CROSS JOIN resource r ON r.key = c.key
LIMIT {limit}"""


@dataclass(frozen=True, slots=True)
class Then:
    """A resource that was changed since, and what it was."""

    key: int
    version: Version
    subject: Subject


def past_of(here: Connected, moment: Moment) -> "Past | None":
    """None when the log has not gone on since. Raises 410 when it does not lead to that moment."""
    return None if here.moment() == moment else Past(here, moment)


class Past:
    """Asked within one snapshot; `Around` of the subjects that it makes."""

    def __init__(self, here: Connected, moment: Moment) -> None:
        """Raises 410 when the log does not lead to that moment, or too far back."""
        self.sequence = moment.sequence
        self._here = here
        self._changed: dict[int | None, dict[int, Then]] = {}  # by type and key
        self._texts: dict[tuple[str, int], frozenset[str]] = {}
        self._terms: dict[tuple[str, Node], Term] = {}
        self._compiler = Compiler(here, self)
        if moment.sequence and here.connection.execute(_AT, (moment.sequence,)).get != moment.last_updated_ms:
            raise page_gone(
                "the store was restored since the first page, it has another history: search again"
            )
        if here.moment().sequence - moment.sequence > LOG_AT_MOST:
            raise _too_much()

    def fitting(self, where: Node, universe: Universe) -> list[Then]:
        """What was changed since, of some types, and fitted then."""
        return [then for then in self._of(universe.type_ids).values() if fits(where, then.subject, self)]

    def _of(self, type_ids: tuple[int, ...] | None) -> dict[int, Then]:
        if type_ids is None:
            return self._of_type(None)
        return {key: then for type_id in type_ids for key, then in self._of_type(type_id).items()}

    def _of_type(self, type_id: int | None) -> dict[int, Then]:
        """None: of every type."""
        found = self._changed.get(type_id)
        if found is None:
            found = self._changed[type_id] = self._load(type_id)
        return found

    def _load(self, type_id: int | None) -> dict[int, Then]:
        here = self._here
        found: dict[int, Then] = {}
        index, types = ("", "") if type_id is None else ("INDEXED BY version_by_type", "AND type = ?2")
        values = (self.sequence,) if type_id is None else (self.sequence, type_id)
        select = _CHANGED.format(index=index, types=types, limit=CHANGED_AT_MOST + 1)
        changed: list[Any] = here.connection.execute(select, values).fetchall()
        for count, row in enumerate(changed):
            if count == CHANGED_AT_MOST:
                raise _too_much()
            here.require_time()
            version = here.version(row[:7])
            if not version.deleted:
                body = here.bodies.expand(row[6])
                rows = here.extract(version.resource_type, body)
                sequence, updated = version.sequence, version.last_updated_ms
                subject = Subject(version.resource_type, version.id, sequence, updated, rows, body)
                found[row[7]] = Then(row[7], version, subject)
        return found

    def texts(self, column: str, hash_: int) -> frozenset[str]:
        found = self._texts.get((column, hash_))
        if found is None:
            id_ = self._here.names.column_id(self._here.connection, column)
            rows: Any = self._here.connection.execute(
                "SELECT text FROM lexicon INDEXED BY lexicon_by_hash WHERE column = ? AND hash = ?",
                (id_, hash_),
            ).fetchall()
            found = self._texts[column, hash_] = frozenset(row[0] for row in rows)
        return found

    def words(self, body: bytes) -> Words:
        return self._here.wording.words(body)

    def any_fits(self, identities: Iterable[Identity], where: Node) -> bool:
        return any(self._fitted(*identity, where) for identity in identities)

    def _fitted(self, resource_type: str, id_: str, where: Node) -> bool:
        universe, key = self._compiler.universe((resource_type,)), self._here.key(resource_type, id_)
        if universe is None or key is None:
            return False
        changed = self._of(universe.type_ids).get(key)
        if changed is not None:
            return fits(where, changed.subject, self)
        return self._is_true(self._term(resource_type, where, universe), universe, key)

    def _is_true(self, term: Term, universe: Universe, key: int) -> bool:
        """Of a resource that is there and was not changed since."""
        types, tested = universe.of_type("r"), term.test("r.key", 1)
        where = f"r.key = ? AND r.live AND {types.text} AND {tested.text}"
        select = f"SELECT EXISTS(SELECT 1 FROM resource r WHERE {where})"
        return bool(self._here.connection.execute(select, (key, *types.values, *tested.values)).get)

    def is_referred(self, identity: Identity, node: algebra.Backward | algebra.Referred) -> bool:
        universe, key = self._compiler.universe((identity[0],)), self._here.key(*identity)
        if universe is None or key is None:
            return False
        tested = self._term(identity[0], node, universe).test("k.key", 1)
        select = f"SELECT EXISTS(SELECT 1 FROM (SELECT ? AS key) k WHERE {tested.text})"
        return bool(self._here.connection.execute(select, (key, *tested.values)).get)

    def _term(self, resource_type: str, where: Node, universe: Universe) -> Term:
        found = self._terms.get((resource_type, where))
        if found is None:
            found = self._terms[resource_type, where] = self._compiler.term(where, universe)
        return found


def _too_much() -> FhirError:
    return page_gone("too much was changed since the first page to show what it was then: search again")

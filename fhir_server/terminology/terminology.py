"""What the rest of the server asks of terminology.

https://hl7.org/fhir/R4/terminology-service.html
"""

from fhir_server.outcome import not_found, too_costly
from fhir_server.store.concepts import ConceptReader
from fhir_server.terminology.canonicals import Canonicals
from fhir_server.terminology.compose import Composed, Entry, Key
from fhir_server.terminology.kept import Kept
from fhir_server.terminology.remote import RemoteServer
from fhir_server.terminology.snapshot import CONCEPTS_KEPT, Prepared, Snapshot
from fhir_server.terminology.value_set import composed


class Terminology:
    """What there is of codes.

    `concepts`: of large code systems, None: there are none; `remote`: another server, None: none is asked;
    `limit`: codes that one expansion may have.
    """

    def __init__(
        self,
        canonicals: Canonicals,
        concepts: ConceptReader | None = None,
        *,
        remote: RemoteServer | None = None,
        limit: int = 50_000,
    ) -> None:
        self.limit = limit
        self._canonicals = canonicals
        self._concepts = concepts
        self._remote = remote
        prepared: Prepared = Kept(CONCEPTS_KEPT)
        self._snapshot = self._made(-1, prepared)

    async def snapshot(self) -> Snapshot:
        """The definitions as they are now: what other processes have changed is seen too."""
        stamp = await self._canonicals.stamp()
        if stamp != self._snapshot.stamp:
            self._snapshot = self._made(stamp, self._snapshot.prepared)
        return self._snapshot

    def _made(self, stamp: int, prepared: Prepared) -> Snapshot:
        return Snapshot(self._canonicals, self._concepts, self._remote, stamp, prepared)

    @property
    def is_closed(self) -> bool:
        """Whether everything it says follows from definitions that are here."""
        return self._remote is None

    async def codes(self, value_set: str) -> frozenset[Key]:
        """(system, code) of all codes of a value set, by its canonical.

        Raises 404 when it, or a code system that it needs, is not here, and 400 when there are too many.
        """
        snapshot = await self.snapshot()
        members = await composed(snapshot, value_set)
        found = await self.entries(snapshot, members, value_set)
        if found is None:
            raise too_costly(
                f"{value_set} has more than {self.limit} codes, the most that are listed at once"
            )
        return frozenset(entry.key for entry in found)

    async def contains(self, value_set: str, system: str | None, code: str) -> bool:
        """Whether a code is in a value set; system: None: whatever the system is."""
        members = await composed(await self.snapshot(), value_set)
        systems = members.systems if system is None else (system,)
        return bool(await members.having([(each, code) for each in systems]))

    async def related(self, system: str, code: str, *, up: bool) -> frozenset[str]:
        """The code itself with all that subsume it (up), or with all that it subsumes.

        system: `url` or `url|version`. Raises 404 when its codes are not here, or this one is none of them.
        """
        url, _, version = system.partition("|")
        found = await (await self.snapshot()).require_code_system(url, version or None)
        concept = await found.concept(code)
        if concept is None:
            raise not_found(f"{code!r} is not a code of {found.about.canonical}")
        others = await (found.above(concept.code) if up else found.below(concept.code))
        return others | {concept.code}

    async def entries(
        self, snapshot: Snapshot, members: Composed, canonical: str
    ) -> tuple[Entry, ...] | None:
        """Everything in the value set `canonical`; None: it is more than the limit."""
        found = snapshot.expanded.get(canonical)
        if found is None and canonical not in snapshot.too_large:
            listed = await self.listed(members)
            if listed is None:
                snapshot.too_large.add(canonical)
                return None
            found = tuple(listed)
            snapshot.expanded.put(canonical, found, 1 + len(found))
        return found

    async def listed(self, members: Composed, phrases: tuple[str, ...] = ()) -> list[Entry] | None:
        """All codes whose texts have the phrases; None: they are more than the limit."""
        counted = await members.count(phrases)
        if counted is not None and counted > self.limit:
            return None
        found: list[Entry] = []
        async for entries in members.chunks(phrases):
            found += entries
            if len(found) > self.limit:
                return None
        return found

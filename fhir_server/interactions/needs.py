"""What searches have to look up before they run: codes by their meaning, hierarchies, names of systems.

https://hl7.org/fhir/R4/search.html#token, https://hl7.org/fhir/R4/search.html#recursive

A search that needs none of it is remembered. One that names a system of identifiers is compiled with the
names that are known, and again when a NamingSystem has changed since.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from fhir_server.interactions.named_queries import NamedQueries
from fhir_server.interactions.naming import NamingSystems
from fhir_server.outcome import FhirError, too_costly, unknown_definition
from fhir_server.recurring import Recurring
from fhir_server.resource import decode
from fhir_server.search.access import Access, permitted, visible
from fhir_server.search.combine import all_of, any_of
from fhir_server.search.terms import Answer, Codes, InHierarchy, InValueSet, Need, QueryName, Related, Terms
from fhir_server.store.algebra import Backward, IdIn, Node, ReferenceIn
from fhir_server.store.protocol import Reader
from fhir_server.terminology.compose import Entry
from fhir_server.terminology.terminology import Terminology
from fhir_server.terminology.value_set import composed, composed_of

T = TypeVar("T")

HIERARCHY_LIMIT = 10_000  # resources above or below one
CODES_KEPT = 100_000  # codes of the value sets that are kept as sets
REMEMBERED = 2000  # searches
COMPILED_LATELY = 50_000  # searches that are known to have been compiled once
_VALUE_SET = "ValueSet/"


class Needs:
    """`store` shows what is committed, also to a transaction: what is made of it is kept for others.

    It is made anew when the definitions change, by which searches are compiled.
    """

    def __init__(self, store: Reader, terminology: Terminology) -> None:
        self._store = store
        self._terminology = terminology
        self._naming = NamingSystems(store)
        self._queries = NamedQueries(store)
        self._kept: dict[str, tuple[tuple[Entry, ...], Codes]] = {}  # by canonical, of late last
        self._remembered: OrderedDict[Hashable, Any] = OrderedDict()  # what was compiled; of late last
        self._recurring = Recurring(COMPILED_LATELY)

    async def compiled(
        self,
        compile_: Callable[[Terms], T],
        reader: Reader,
        access: Access | None,
        words: Hashable = None,
    ) -> T:
        """What `compile_` makes when it lacks nothing.

        reader: what the search will run on; access: what the client may see, of which alone it is told
        words: all that `compile_` works on, to remember what it made where nothing had to be looked up for
        it, from the second time on; None: it is not remembered

        Raises what `compile_` raises, and 400 for a value set, code system or code that is not here.
        """
        if words is not None and (remembered := self._remembered.get(words)) is not None:
            self._remembered.move_to_end(words)
            made: T = remembered
            return made
        known: dict[Need, Answer] = {}
        while True:
            terms = Terms(self._naming.names, known)
            found = compile_(terms)
            if terms.named and await self._naming.refresh():
                continue
            if not terms.missing:
                if words is not None and not terms.are_needed and self._recurring.has_come(words):
                    self._remember(words, found)
                return found
            # a named query that was looked up may need more
            assert known.keys().isdisjoint(terms.missing)
            known |= {need: await self._answer(need, reader, access) for need in terms.missing}

    def _remember(self, words: Hashable, found: object) -> None:
        self._remembered[words] = found
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    async def _answer(self, need: Need, reader: Reader, access: Access | None) -> Answer:
        match need:
            case InHierarchy():
                return await _hierarchy(reader, need, access)
            case InValueSet(canonical):
                if canonical.startswith(_VALUE_SET):
                    await self._require_visible(canonical, access)
                return await _of_definitions(self._codes(canonical))
            case QueryName():
                return await self._queries.query(need)
            case Related(system, code, above):
                return await _of_definitions(self._terminology.related(system, code, up=above))

    async def _require_visible(self, value_set: str, access: Access | None) -> None:
        where = permitted(IdIn((value_set.removeprefix(_VALUE_SET),)), access, ("ValueSet",))
        if not await self._store.identities("ValueSet", where, 1):
            raise unknown_definition(f"there is no {value_set}")

    async def _codes(self, canonical: str) -> Codes:
        entries = await self._entries(canonical)
        if entries is None:
            raise too_costly(f"{canonical} has more than {self._terminology.limit} codes")
        kept = self._kept.pop(canonical, None)
        if kept is None or kept[0] is not entries:
            kept = entries, frozenset(entry.key for entry in entries)
        self._kept[canonical] = kept
        while sum(len(codes) for _, codes in self._kept.values()) > CODES_KEPT:
            del self._kept[next(iter(self._kept))]
        return kept[1]

    async def _entries(self, canonical: str) -> tuple[Entry, ...] | None:
        """What the value set has, the same object as long as it has not changed; None: too much."""
        snapshot = await self._terminology.snapshot()
        if not canonical.startswith(_VALUE_SET):
            members = await composed(snapshot, canonical)
            return await self._terminology.entries(snapshot, members, canonical)
        version = await self._store.read("ValueSet", canonical.removeprefix(_VALUE_SET))
        if version is None or version.deleted:
            raise unknown_definition(f"there is no {canonical}")
        name = f"{canonical}/_history/{version.version_id}"
        found = snapshot.expanded.get(name)
        if found is None:
            members = await composed_of(snapshot, decode(version.body))
            found = await self._terminology.entries(snapshot, members, name)
        return found


async def _of_definitions(found: Awaitable[T]) -> T:
    """404 is for what the URL names; a parameter that names a definition that is not here is 400."""
    try:
        return await found
    except FhirError as error:
        if error.status != 404:
            raise
        raise unknown_definition(error.issues[0].diagnostics) from None


async def _hierarchy(reader: Reader, need: InHierarchy, access: Access | None) -> frozenset[str]:
    """Step by step; what was met before is not followed again, so that a ring comes to its end.

    Only references that stand in resources that may be seen are followed.
    """
    allowed = visible(access, (need.resource_type,))
    seen, step = {need.id}, [need.id]
    while step:
        where = _next(need, tuple(step), allowed)
        identities = await reader.identities(need.resource_type, where, HIERARCHY_LIMIT + 1)
        step = [id_ for _, id_ in identities if id_ not in seen]
        seen.update(step)
        if len(seen) > HIERARCHY_LIMIT:
            name, side = f"{need.resource_type}/{need.id}", "above" if need.above else "below"
            raise too_costly(f"more than {HIERARCHY_LIMIT} resources are {side} {name}")
    return frozenset(seen)


def _next(need: InHierarchy, ids: tuple[str, ...], allowed: Node) -> Node:
    if need.above:
        lower = all_of((IdIn(ids), allowed))
        return any_of(Backward(column, need.resource_type, lower) for column in need.columns)
    targets = tuple((need.resource_type, id_) for id_ in ids)
    return all_of((any_of(ReferenceIn(column, targets) for column in need.columns), allowed))

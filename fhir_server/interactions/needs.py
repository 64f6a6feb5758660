"""What searches have to look up before they run: codes by their meaning, hierarchies, names of systems.

https://hl7.org/fhir/R4/search.html#token, https://hl7.org/fhir/R4/search.html#recursive

A search that needs none of it is compiled once. One that names a system of identifiers is compiled with the
names that are known, and again when a NamingSystem has changed since.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from fhir_server.interactions.naming import NamingSystems
from fhir_server.outcome import FhirError, too_costly, unknown_definition
from fhir_server.resource import decode
from fhir_server.search.terms import Answer, Codes, InHierarchy, InValueSet, Need, Related, Terms
from fhir_server.store.algebra import And, Backward, IdIn, Node, Or, ReferenceIn
from fhir_server.store.protocol import Reader
from fhir_server.terminology.compose import Entry
from fhir_server.terminology.terminology import Terminology
from fhir_server.terminology.value_set import composed, composed_of

T = TypeVar("T")

HIERARCHY_LIMIT = 10_000  # resources above or below one
KEPT = 32  # value sets whose codes are kept as a set
_VALUE_SET = "ValueSet/"


class Needs:
    """`store` shows what is committed, also to a transaction: what is made of it is kept for others."""

    def __init__(self, store: Reader, terminology: Terminology) -> None:
        self._store = store
        self._terminology = terminology
        self._naming = NamingSystems(store)
        self._kept: dict[str, tuple[tuple[Entry, ...], Codes]] = {}  # by canonical, those of late

    async def compiled(self, compile_: Callable[[Terms], T], reader: Reader) -> T:
        """What `compile_` makes when it lacks nothing; `reader` is what the search will run on.

        Raises what `compile_` raises, and 400 for a value set, code system or code that is not here.
        """
        terms = Terms(self._naming.names)
        found = compile_(terms)
        if terms.named and await self._naming.refresh():
            terms = Terms(self._naming.names)
            found = compile_(terms)
        if terms.missing:
            known = {need: await self._answer(need, reader) for need in terms.missing}
            terms = replace(terms, known=known, missing={})
            found = compile_(terms)
            assert not terms.missing, "a search needs the same whenever it is compiled"
        return found

    async def _answer(self, need: Need, reader: Reader) -> Answer:
        match need:
            case InHierarchy():
                return await _hierarchy(reader, need)
            case InValueSet(canonical):
                return await _of_definitions(self._codes(canonical))
            case Related(system, code, above):
                return await _of_definitions(self._terminology.related(system, code, up=above))

    async def _codes(self, canonical: str) -> Codes:
        entries = await self._entries(canonical)
        if entries is None:
            raise too_costly(f"{canonical} has more than {self._terminology.limit} codes")
        kept = self._kept.get(canonical)
        if kept is None or kept[0] is not entries:
            if len(self._kept) == KEPT:
                self._kept.pop(next(iter(self._kept)))
            kept = self._kept[canonical] = entries, frozenset(entry.key for entry in entries)
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


async def _hierarchy(reader: Reader, need: InHierarchy) -> frozenset[str]:
    """Step by step; what was seen before is not followed again, so that a ring comes to its end."""
    seen, step = {need.id}, [need.id]
    while step:
        where = _next(need, tuple(step))
        identities = await reader.identities(need.resource_type, where, HIERARCHY_LIMIT + 1)
        step = [id_ for _, id_ in identities if id_ not in seen]
        seen.update(step)
        if len(seen) > HIERARCHY_LIMIT:
            name, side = f"{need.resource_type}/{need.id}", "above" if need.above else "below"
            raise too_costly(f"more than {HIERARCHY_LIMIT} resources are {side} {name}")
    return frozenset(seen)


def _next(need: InHierarchy, ids: tuple[str, ...]) -> Node:
    if need.above:
        lower = And((IdIn(ids), need.where))
        return Or(tuple(Backward(column, need.resource_type, lower) for column in need.columns))
    targets = tuple((need.resource_type, id_) for id_ in ids)
    return And((Or(tuple(ReferenceIn(column, targets) for column in need.columns)), need.where))

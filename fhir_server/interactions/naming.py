"""The names of a system of identifiers, as the NamingSystem resources of the store tell them.

https://hl7.org/fhir/R4/namingsystem.html

The system of resident identity numbers is `urn:oid:2.16.156.10011.1.3` to some and a URL to others: when a
NamingSystem has both as `uniqueId`, what is stored under the one is found under the other.
"""

from collections.abc import AsyncIterator, Iterator, Mapping

from fhir_server.resource import Resource, decode
from fhir_server.search.terms import names_by_system
from fhir_server.store.algebra import Everything, Query
from fhir_server.store.protocol import Reader

_TYPE = "NamingSystem"
_PAGE = 500
_IN_USE = frozenset(("active", "retired"))  # what was stored under a retired system has kept its name
_PREFIXES = {"oid": "urn:oid:", "uuid": "urn:uuid:"}


class NamingSystems:
    """Read when first asked for, and again when one has changed, in whatever process."""

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._as_of = -1  # sequence number of the last change that is known
        self.names: Mapping[str, tuple[str, ...]] = {}
        """system -> all of its names; systems with one name are left out"""

    async def refresh(self) -> bool:
        """Whether names have changed."""
        last = await self._store.last_sequence((_TYPE,))
        if last == self._as_of:
            return False
        names = names_by_system([_names(each) async for each in self._all()])
        changed = names != self.names
        self.names, self._as_of = names, last
        return changed

    async def _all(self) -> AsyncIterator[Resource]:
        after = None
        while True:
            page = await self._store.find(Query((_TYPE,), Everything(), _PAGE, after=after))
            for hit in page.hits:
                yield decode(hit.version.body)
            if not page.more:
                return
            after = page.hits[-1].position


def _names(resource: Resource) -> list[str]:
    """As they stand in `Identifier.system`; of systems of identifiers that are, or were, in use."""
    if resource.get("kind") != "identifier" or resource.get("status") not in _IN_USE:
        return []
    return list(_unique_ids(resource))


def _unique_ids(resource: Resource) -> Iterator[str]:
    for unique_id in resource.get("uniqueId", ()):
        value = unique_id.get("value", "").strip()
        prefix = _PREFIXES.get(unique_id.get("type"), "")
        if value.startswith(prefix):
            prefix = ""
        # the type `other` has names that are no URIs and cannot be a system
        if ":" in prefix + value:
            yield prefix + value

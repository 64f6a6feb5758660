"""The searches that OperationDefinitions of the store have names for.

https://hl7.org/fhir/R4/search.html#query
"""

from collections.abc import AsyncIterator

from fhir_server.outcome import FhirError, not_supported
from fhir_server.resource import Resource, decode
from fhir_server.search.named_query import NamedQuery, named_query
from fhir_server.search.terms import QueryName
from fhir_server.store.algebra import Everything, Query
from fhir_server.store.protocol import Reader
from fhir_server.suggestion import choices

_TYPE = "OperationDefinition"
_PAGE = 200


class NamedQueries:
    """Read when one is first asked for, and again when one has changed, in whatever process."""

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._as_of = -1  # sequence number of the last change that is known
        self._queries: dict[str, list[NamedQuery | FhirError]] = {}  # by name; errors: of what cannot be run

    async def query(self, asked: QueryName) -> NamedQuery:
        """Raises 400 for a name that is not known, naming those that are; and for what cannot be run."""
        last = await self._store.last_sequence((_TYPE,))
        if last != self._as_of:
            self._queries = await self._all()
            self._as_of = last
        found = self._queries.get(asked.code, [])
        for each in found:
            if isinstance(each, NamedQuery) and each.is_for(asked.resource_types):
                return each
        for each in found:
            if isinstance(each, FhirError):
                raise FhirError(each.status, *each.issues)
        names = {
            query.code
            for queries in self._queries.values()
            for query in queries
            if isinstance(query, NamedQuery) and query.is_for(asked.resource_types)
        }
        of = " and ".join(asked.resource_types) or "all types"
        known = choices(asked.code, names) if names else "; there is none"
        raise not_supported(f"{asked.code!r} is not the name of a query of {of}{known}")

    async def _all(self) -> dict[str, list[NamedQuery | FhirError]]:
        found: dict[str, list[NamedQuery | FhirError]] = {}
        async for definition in self._definitions():
            try:
                query: NamedQuery | FhirError | None = named_query(definition)
            except FhirError as error:
                query = error
            if query is not None:
                found.setdefault(definition.get("code", ""), []).append(query)
        return found

    async def _definitions(self) -> AsyncIterator[Resource]:
        after = None
        while True:
            page = await self._store.find(Query((_TYPE,), Everything(), _PAGE, after=after))
            for hit in page.hits:
                yield decode(hit.version.body)
            if not page.more:
                return
            after = page.hits[-1].position

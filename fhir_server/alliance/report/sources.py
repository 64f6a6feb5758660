"""What a report reads: whole result lists of searches, and what resources refer to, each once.

Nothing is left out by what the asking client may see: a report is made of numbers, and small ones are hidden.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fhir_server.alliance.elements import counts, target
from fhir_server.interactions.context import Context
from fhir_server.interactions.search import options_of
from fhir_server.resource import Resource, decode
from fhir_server.search.compile import Parameters, compile_search
from fhir_server.store.algebra import Query

_AT_ONCE = 500  # resources read and decoded between other requests


class Sources:
    def __init__(self, context: Context, base_url: str) -> None:
        self._context = context
        self._base_url = base_url
        self._bases = (base_url.rstrip("/"),)
        self._found: dict[str, Resource] = {}
        self._asked: set[str] = set()

    async def walk(self, resource_type: str, parameters: Parameters = ()) -> list[Resource]:
        """All resources that a search finds and that reports may count."""
        context = self._context
        compiled = compile_search(
            context.definitions,
            (resource_type,),
            parameters,
            base_url=self._base_url,
            now_ms=context.clock(),
            options=options_of(context.settings),
        )
        query = Query(compiled.resource_types, compiled.where, _AT_ONCE)
        resources: list[Resource] = []
        while True:
            page = await context.store.find(query)
            resources += map(decode, (hit.version.body for hit in page.hits))
            if not page.more:
                break
            query = replace(query, after=page.hits[-1].position, as_of=page.moment or query.as_of)
        self._found |= {f"{resource_type}/{each['id']}": each for each in resources}
        return [each for each in resources if counts(each)]

    async def load(self, names: Iterable[str | None]) -> None:
        """Read `Organization/1` and others, unless they were read before; what is not there stays away."""
        wanted = list({name for name in names if name and name not in self._found} - self._asked)
        self._asked |= set(wanted)
        for start in range(0, len(wanted), _AT_ONCE):
            identities = [tuple(name.split("/")) for name in wanted[start : start + _AT_ONCE]]
            for version in await self._context.store.read_many([(one, other) for one, other in identities]):
                self._found[f"{version.resource_type}/{version.id}"] = decode(version.body)

    def get(self, name: str | None) -> Resource | None:
        """A resource that was loaded; None: it is not there."""
        return self._found.get(name) if name else None

    def target(self, reference: Any) -> str | None:
        """`Organization/1` of a Reference to a resource of this server."""
        return target(reference, self._bases)

    def targets(self, references: Iterable[Any], *resource_types: str) -> list[str]:
        """Those of `target` that are of some types."""
        found = (self.target(each) for each in references)
        return [each for each in found if each and each.partition("/")[0] in resource_types]

    def resource(self, reference: Any) -> Resource | None:
        """What a Reference leads to, when it was loaded."""
        return self.get(self.target(reference))

"""Resources that come along with the hits of a page: `_include` and `_revinclude`.

https://hl7.org/fhir/R4/search.html#include
"""

from collections.abc import Iterable, Sequence
from typing import Any

from fhir_server.resource import decode
from fhir_server.search.combine import any_of
from fhir_server.search.index import Indexer
from fhir_server.search.options import Options
from fhir_server.search.reference import ELSEWHERE
from fhir_server.search.result import Include
from fhir_server.store.algebra import Node, Query, ReferenceIn, TokenIn
from fhir_server.store.protocol import Reader, Version

Identity = tuple[str, str]
"""(resource type, id)"""


class Inclusion:
    """The resources included in one page, each once, and never one that is a hit."""

    def __init__(self, reader: Reader, indexer: Indexer, options: Options) -> None:
        self._reader = reader
        self._indexer = indexer
        self._options = options
        self._seen: set[Identity] = set()
        self.found: list[Version] = []
        self.complete = True  # False: a limit cut something off

    async def include(self, hits: Sequence[Version], includes: Sequence[Include]) -> None:
        """Follow `includes` from the hits, the iterating ones also from what they bring."""
        self._seen = {_identity(hit) for hit in hits}
        frontier: Sequence[Version] = hits
        for _ in range(self._options.iterations):
            before = len(self.found)
            for each in includes:
                await self._follow(each, frontier)
            frontier = self.found[before:]
            includes = [each for each in includes if each.iterate]
            if not frontier or not includes or not self.complete:
                return
        # the last round may have brought something to go on from
        self.complete = False

    async def _follow(self, include: Include, versions: Sequence[Version]) -> None:
        if not self.complete:
            return
        if include.reverse:
            found = await self._referrers(include, versions)
        else:
            found = await self._targets(include, versions)
        for version in found:
            if _identity(version) in self._seen:
                continue
            if len(self.found) == self._options.included:
                self.complete = False
                return
            self._seen.add(_identity(version))
            self.found.append(version)

    async def _targets(self, include: Include, versions: Iterable[Version]) -> list[Version]:
        identities: dict[Identity, None] = {}
        canonicals: set[int] = set()
        for version in versions:
            if version.resource_type == include.source:
                self._collect(include, decode(version.body), identities, canonicals)
        wanted = [each for each in identities if each not in self._seen]
        # one more than fits tells that something was cut off
        found = await self._reader.read_many(wanted[: self._room() + 1])
        return found + await self._by_url(include, canonicals)

    def _collect(
        self, include: Include, resource: Any, identities: dict[Identity, None], canonicals: set[int]
    ) -> None:
        for column in include.parameter.columns:
            rows = self._indexer.of_columns(resource, (column.name,))
            for _, resource_type, id_ in rows.references:
                if include.target in (None, resource_type) and (
                    not column.narrowed or resource_type in column.targets
                ):
                    identities[resource_type, id_] = None
            canonicals |= {hashed for name, hashed in rows.tokens if name == column.name + ELSEWHERE}

    async def _by_url(self, include: Include, canonicals: set[int]) -> list[Version]:
        """Targets of canonicals, which are found by their `url`."""
        if not canonicals:
            return []
        targets = {each for column in include.parameter.columns for each in column.targets}
        columns = {
            target: parameter.columns
            for target in sorted(targets)
            if include.target in (None, target)
            and (parameter := self._indexer.parameter(target, "url")) is not None
        }
        if not columns:
            return []
        hashes = tuple(sorted(canonicals))
        where = any_of(TokenIn(column.name, hashes) for found in columns.values() for column in found)
        return await self._find(tuple(columns), where)

    async def _referrers(self, include: Include, versions: Iterable[Version]) -> list[Version]:
        identities = [
            _identity(version) for version in versions if include.target in (None, version.resource_type)
        ]
        nodes: list[Node] = []
        for column in include.parameter.columns:
            targets = tuple(each for each in identities if not column.narrowed or each[0] in column.targets)
            if targets:
                nodes.append(ReferenceIn(column.name, targets))
        return await self._find((include.source,), any_of(nodes)) if nodes else []

    async def _find(self, resource_types: tuple[str, ...], where: Node) -> list[Version]:
        # what is there already may come again, and must not take the place of what is new
        limit = self._room() + 1 + len(self._seen)
        page = await self._reader.find(Query(resource_types, where, limit))
        return [hit.version for hit in page.hits]

    def _room(self) -> int:
        return self._options.included - len(self.found)


def _identity(version: Version) -> Identity:
    return version.resource_type, version.id

"""Resources that come along with the hits of a page: `_include` and `_revinclude`.

https://hl7.org/fhir/R4/search.html#include
"""

from collections.abc import Iterable, Iterator, Sequence

from fhir_server.resource import decode
from fhir_server.search.access import Access, permitted
from fhir_server.search.column import Column
from fhir_server.search.combine import any_of
from fhir_server.search.index import Indexer
from fhir_server.search.options import Options
from fhir_server.search.reference import ELSEWHERE
from fhir_server.search.result import Include
from fhir_server.store.algebra import IdIn, Node, Query, ReferenceIn, TokenIn
from fhir_server.store.protocol import Reader, Version
from fhir_server.store.rows import Rows, hash64

AT_ONCE = 200  # that are read

Identity = tuple[str, str]
"""(resource type, id)"""


class Inclusion:
    """The resources included in one page, each once, and never one that is a hit."""

    def __init__(
        self, reader: Reader, indexer: Indexer, options: Options, access: Access | None = None
    ) -> None:
        self._reader = reader
        self._indexer = indexer
        self._options = options
        self._access = access
        self._seen: set[Identity] = set()
        self.found: list[Version] = []
        self.complete = True  # False: a limit cut something off

    async def include(self, hits: Sequence[Version], includes: Sequence[Include]) -> None:
        """Follow `includes` from the hits, the iterating ones also from what they bring."""
        self._seen = {_identity(hit) for hit in hits}
        frontier: Sequence[Version] = hits
        for number in range(self._options.iterations + 1):
            before = len(self.found)
            for each in includes:
                await self._follow(each, frontier)
            frontier = self.found[before:]
            includes = [each for each in includes if each.iterate]
            if not frontier or not includes or not self.complete:
                break
            if number == self._options.iterations:  # one round more tells whether the last one was
                del self.found[before:]
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
        kinds: set[str] = set()  # types that the canonicals may be of
        of_types: dict[str, Columns] = {}
        for version in versions:
            columns = of_types.get(version.resource_type)
            if columns is None:
                columns = of_types[version.resource_type] = _columns(include, version.resource_type)
            if not columns:
                continue
            rows = self._indexer.of_columns(decode(version.body), tuple(columns))
            identities |= dict.fromkeys(_local(include, columns, rows))
            for name, same in columns.items():
                found = {hashed for each, hashed in rows.tokens if each == name + ELSEWHERE}
                canonicals |= found
                kinds.update(*(column.targets for column in same if found))
        wanted = [each for each in identities if each not in self._seen]
        return await self._read(wanted) + await self._by_url(include, canonicals, kinds)

    async def _read(self, wanted: list[Identity]) -> list[Version]:
        """Those of the wanted that there are, one more than fits telling that something is cut off."""
        found: list[Version] = []
        for start in range(0, len(wanted), AT_ONCE):
            found += await self._read_some(wanted[start : start + AT_ONCE])
            if len(found) > self._room():
                break
        return found

    async def _read_some(self, wanted: list[Identity]) -> list[Version]:
        if self._access is None:
            return await self._reader.read_many(wanted)
        of_types: dict[str, list[str]] = {}
        for resource_type, id_ in wanted:
            of_types.setdefault(resource_type, []).append(id_)
        found: list[Version] = []
        for resource_type, ids in of_types.items():
            found += await self._find((resource_type,), IdIn(tuple(ids)))
        return found

    async def _by_url(self, include: Include, canonicals: set[int], kinds: set[str]) -> list[Version]:
        """Targets of canonicals, which are found by their `url`."""
        if not canonicals:
            return []
        columns = {
            target: parameter.columns
            for target in sorted(kinds)
            if include.target in (None, target)
            and (parameter := self._indexer.parameter(target, "url")) is not None
        }
        if not columns:
            return []
        hashes = tuple(sorted(canonicals))
        where = any_of(TokenIn(column.name, hashes) for found in columns.values() for column in found)
        return await self._find(tuple(columns), where)

    async def _referrers(self, include: Include, versions: Iterable[Version]) -> list[Version]:
        targets = [version for version in versions if include.target in (None, version.resource_type)]
        if not targets:
            return []
        identities, urls = [_identity(version) for version in targets], _urls(targets)
        sources = [include.source] if include.source else sorted(await self._reader.totals())
        nodes: dict[str, list[Node]] = {}
        for source in sources:
            for name, same in _columns(include, source).items():
                meant = tuple(each for each in identities if _is_meant(same, each[0]))
                if meant:
                    nodes.setdefault(source, []).append(ReferenceIn(name, meant))
                hashes = tuple(hashed for kind, hashed in urls if any(kind in each.targets for each in same))
                if hashes:
                    nodes.setdefault(source, []).append(TokenIn(name + ELSEWHERE, hashes))
        if not nodes:
            return []
        return await self._find(tuple(nodes), any_of(node for found in nodes.values() for node in found))

    async def _find(self, resource_types: tuple[str, ...], where: Node) -> list[Version]:
        # what is there already may come again, and must not take the place of what is new
        limit = self._room() + 1 + len(self._seen)
        where = permitted(where, self._access, resource_types)
        page = await self._reader.find(Query(resource_types, where, limit))
        return [hit.version for hit in page.hits]

    def _room(self) -> int:
        return self._options.included - len(self.found)


def _identity(version: Version) -> Identity:
    return version.resource_type, version.id


Columns = dict[str, list[Column]]
"""By name: `subject` and `patient` of an Encounter are one column, the second for patients only."""


def _columns(include: Include, source: str) -> Columns:
    """The columns that are followed from resources of a type."""
    found: Columns = {}
    for parameter in include.parameters(source):
        for column in parameter.columns:
            found.setdefault(column.name, []).append(column)
    return found


def _local(include: Include, columns: Columns, rows: Rows) -> Iterator[Identity]:
    for name, resource_type, id_ in sorted(rows.references):
        if include.target in (None, resource_type) and _is_meant(columns[name], resource_type):
            yield resource_type, id_


def _is_meant(columns: Iterable[Column], resource_type: str) -> bool:
    return any(not column.narrowed or resource_type in column.targets for column in columns)


def _urls(versions: Iterable[Version]) -> list[tuple[str, int]]:
    """(type, hash) of the texts by which canonicals name resources."""
    found = []
    for version in versions:
        if b'"url":' in version.body:
            resource = decode(version.body)
            url, business_version = resource.get("url"), resource.get("version")
            if isinstance(url, str):
                texts = [url, f"{url}|{business_version}"] if business_version else [url]
                found += [(version.resource_type, hash64(text)) for text in texts]
    return found

"""The definitions as they are at one stamp, read and prepared when first asked for.

Nothing of it goes stale: what follows from definitions lives as long as the stamp; what follows from one
version of one CodeSystem alone is handed on to the next stamp.
"""

from collections.abc import Sequence

from fhir_server.outcome import FhirError, not_found
from fhir_server.resource import Resource
from fhir_server.store.concepts import ConceptReader, ConceptTable
from fhir_server.terminology.canonicals import Canonicals, Found, Known, ResourceType, chosen, split
from fhir_server.terminology.compose import Composed, Entry
from fhir_server.terminology.concepts import CodeSystem
from fhir_server.terminology.inline import InlineCodeSystem
from fhir_server.terminology.kept import Kept
from fhir_server.terminology.remote import RemoteServer
from fhir_server.terminology.remote_system import remote_code_system
from fhir_server.terminology.stored import StoredCodeSystem

CONCEPTS_KEPT = 100_000  # in memory, of code systems
ENTRIES_KEPT = 100_000  # in memory, of expansions, and as many of lists of codes
COUNTS_KEPT = 10_000
BYTES_KEPT = 8_000_000  # of definitions as they were read
_HEAD_BYTES = 2_000  # about that of a CodeSystem without its concepts
_LEAST_BYTES = 200  # that a url without any definition counts
_SHOWN = 5

Prepared = Kept[tuple[object, ...], CodeSystem]
"""Code systems by the identity of what they were made of."""


class Snapshot:
    def __init__(
        self,
        canonicals: Canonicals,
        concepts: ConceptReader | None,
        remote: RemoteServer | None,
        stamp: int,
        prepared: Prepared,
    ) -> None:
        self.stamp = stamp
        self.prepared = prepared
        self._canonicals = canonicals
        self._concepts = concepts  # None: there are no tables of concepts
        self._remote = remote  # None: no other server is asked
        self._read: Kept[tuple[str, str], Sequence[Found]] = Kept(BYTES_KEPT)
        self._resolved: Kept[tuple[str, str | None], CodeSystem] = Kept(CONCEPTS_KEPT)
        self._supplements: dict[str, list[Found]] | None = None
        # by canonical, of value sets as they are without parameters that change what is in them
        self.composed: Kept[str, Composed] = Kept(ENTRIES_KEPT)
        self.expanded: Kept[str, tuple[Entry, ...]] = Kept(ENTRIES_KEPT)
        # by canonical and phrases of a filter, how many codes there are; None: that cannot be counted
        self.counts: Kept[tuple[str, tuple[str, ...]], tuple[int | None]] = Kept(COUNTS_KEPT)
        # by what was asked: expansions as they were answered
        self.answers: Kept[tuple[object, ...], bytes] = Kept(BYTES_KEPT)
        self.too_large: set[str] = set()  # canonicals of value sets with more codes than are listed

    async def found(self, resource_type: ResourceType, url: str, version: str | None = None) -> Found | None:
        found = chosen(await self._versions(resource_type, url), version)
        if found is None and version is not None:
            # some code systems of R4 itself have their version in their url: …/v2-0360|2.7
            found = chosen(await self._versions(resource_type, f"{url}|{version}"), None)
        return found

    async def _versions(self, resource_type: ResourceType, url: str) -> Sequence[Found]:
        key = resource_type, url
        found = self._read.get(key)
        if found is None:
            read = await self._canonicals.read(resource_type, url)
            # concepts are kept in the form that answers questions, and not a second time as they were read
            found = [_head(each) for each in read] if resource_type == "CodeSystem" else read
            self._read.put(key, found, _LEAST_BYTES + sum(each.size_bytes for each in found))
        return found

    async def resource(self, resource_type: ResourceType, canonical: str) -> Resource:
        """Raises 404 with the versions that there are."""
        url, version = split(canonical)
        found = await self.found(resource_type, url, version)
        if found is None:
            raise not_found(await self._absence(resource_type, url, version))
        return found.resource

    async def _absence(self, resource_type: ResourceType, url: str, version: str | None) -> str:
        versions = await self._versions(resource_type, url)
        there = sorted({str(each.resource.get("version")) for each in versions})
        if version is None or not there:
            return f"there is no {resource_type} {url}"
        more = "" if len(there) <= _SHOWN else " …"
        shown = ", ".join(there[:_SHOWN]) + more
        return f"there is no version {version} of the {resource_type} {url}, but {shown}"

    async def code_system(self, url: str, version: str | None = None) -> CodeSystem | None:
        """None: its concepts cannot be had. version: None: the one that a canonical without version means."""
        here = await self._here(url, version)
        if here is None and self._remote is not None:
            return await remote_code_system(self._remote, url, version)
        return here

    async def code_systems(self) -> list[Known]:
        """Those whose codes are here, in the order of their urls and versions."""
        tables: set[tuple[str, str]] = set()
        if self._concepts is not None:
            tables = {(each.url, each.version) for each in await self._concepts.tables()}
        found = {
            each
            for each in await self._canonicals.code_systems()
            if each.content in ("complete", "fragment", "example") or (each.url, each.version or "") in tables
        }
        return sorted(found, key=lambda each: (each.url, each.version or ""))

    async def _here(self, url: str, version: str | None) -> CodeSystem | None:
        found = self._resolved.get((url, version))
        return found if found is not None else await self._resolve(url, version)

    async def _resolve(self, url: str, version: str | None) -> CodeSystem | None:
        found = await self.found("CodeSystem", url, version)
        content = None if found is None else found.resource.get("content")
        if found is None or content == "supplement":
            return None
        table = await self._table(found.resource) if content == "not-present" else None
        if content == "not-present" and table is None:
            return None
        supplements = await self._of(found)
        key = (found.identity, table, *(each.identity for each in supplements))
        prepared = self.prepared.get(key)
        if prepared is None:
            resource = found.resource if table is not None else await self._whole(found)
            prepared = self._prepared(resource, table, [each.resource for each in supplements])
            self.prepared.put(key, prepared, _size(prepared))
        self._resolved.put((url, version), prepared, _size(prepared))
        return prepared

    async def _whole(self, head: Found) -> Resource:
        """The CodeSystem with its concepts."""
        versions = await self._canonicals.read("CodeSystem", head.resource["url"])
        return next((each.resource for each in versions if each.identity == head.identity), head.resource)

    def _prepared(
        self, resource: Resource, table: ConceptTable | None, supplements: list[Resource]
    ) -> InlineCodeSystem | StoredCodeSystem:
        if table is None:
            return InlineCodeSystem(resource, supplements)
        assert self._concepts is not None
        return StoredCodeSystem(resource, table, self._concepts, supplements)

    async def _table(self, resource: Resource) -> ConceptTable | None:
        if self._concepts is None:
            return None
        return await self._concepts.table(resource["url"], resource.get("version", ""))

    async def code_system_of(self, resource: Resource) -> CodeSystem:
        """A code system that is at hand, and perhaps not stored."""
        if "url" not in resource:
            resource = resource | {"url": ""}
        if resource.get("content") in ("not-present", "supplement"):
            raise not_found(f"the codes of {resource['url'] or 'the code system'} are not in its resource")
        supplements = await self._of(Found(resource, 0, 0, 0))
        return InlineCodeSystem(resource, [each.resource for each in supplements])

    async def maps(self, system: str, *, target: bool) -> list[Resource]:
        """ConceptMaps that map from the code system, or (target) to it; one a canonical."""
        key = "maps to" if target else "maps from", system
        found = self._read.get(key)
        if found is None:
            found = await self._canonicals.maps(system, target=target)
            self._read.put(key, found, _LEAST_BYTES + sum(each.size_bytes for each in found))
        return [
            each.resource
            for each in found
            if each.resource.get("status") != "retired"
            and chosen([other for other in found if _url(other) == _url(each)], None) is each
        ]

    async def require_code_system(self, url: str, version: str | None = None) -> CodeSystem:
        """Raises 404 when the concepts are not here."""
        system = await self.code_system(url, version)
        if system is None:
            raise await self.absent(url, version)
        return system

    async def absent(self, url: str, version: str | None = None) -> FhirError:
        """Why the concepts of a code system cannot be used."""
        if await self.found("CodeSystem", url, version) is not None:
            return not_found(f"the codes of {_canonical(url, version)} are not here, only its description")
        return not_found(await self._absence("CodeSystem", url, version))

    async def _of(self, found: Found) -> list[Found]:
        """The supplements of a code system."""
        if self._supplements is None:
            self._supplements = {}
            for each in await self._canonicals.supplements():
                url, _ = split(each.resource.get("supplements", ""))
                self._supplements.setdefault(url, []).append(each)
        return [
            each
            for each in self._supplements.get(found.resource["url"], ())
            if split(each.resource["supplements"])[1] in (None, found.resource.get("version"))
            and each.resource.get("status") != "retired"
        ]


def _size(system: CodeSystem) -> int:
    """Of its concepts, those that are in memory."""
    return len(system) if isinstance(system, InlineCodeSystem) else 1


def _head(found: Found) -> Found:
    head = {name: value for name, value in found.resource.items() if name != "concept"}
    return found._replace(resource=head, size_bytes=_HEAD_BYTES)


def _url(found: Found) -> str:
    url: str = found.resource.get("url") or found.resource["id"]
    return url


def _canonical(url: str, version: str | None) -> str:
    return url if version is None else f"{url}|{version}"

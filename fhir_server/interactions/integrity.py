"""Referential integrity: what a resource refers to on this server is there, and stays there.

https://hl7.org/fhir/R4/references.html, https://hl7.org/fhir/R4/http.html#delete

For the types that the setting `referential_integrity` names. Everything is judged at the end of the unit of
work, inside its lock: entries of a transaction may refer to each other in any order, and nobody deletes a
target meanwhile. References to other servers are not looked at, nor those within a Bundle that is stored.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from fhir_server.config import Settings
from fhir_server.definitions.registry import Definitions
from fhir_server.interactions.context import Context
from fhir_server.interactions.links import links
from fhir_server.outcome import Issue, edit_conflict, unprocessable
from fhir_server.resource import Resource
from fhir_server.search.access import Access, permitted
from fhir_server.search.combine import any_of
from fhir_server.search.index import Indexer
from fhir_server.search.local import local
from fhir_server.store.algebra import IdIn, Query, ReferenceIn
from fhir_server.store.protocol import Reader, Transaction
from fhir_server.validation.profile.occurrence import step
from fhir_server.validation.scope import shown

ANY_TYPE = "*"
_WITHIN = ("urn:uuid:", "urn:oid:")  # they name an entry of the Bundle that they came in, and nothing else

Identity = tuple[str, str]
"""(resource type, id)"""


class Links(NamedTuple):
    """What one resource refers to that has to be there."""

    resource: Resource
    at: str  # its FHIRPath in the body
    texts: tuple[str, ...]

    def without(self, texts: set[str]) -> "Links":
        return self._replace(texts=tuple(text for text in self.texts if text not in texts))


class _Written(NamedTuple):
    context: Context
    access: Access | None
    links: Links


class _Removed(NamedTuple):
    context: Context
    access: Access | None
    identity: Identity


def is_kept(settings: Settings, resource_type: str) -> bool:
    """Whether references of resources of a type must lead to something."""
    types = settings.referential_integrity
    return bool(types) and (ANY_TYPE in types or resource_type in types)


def links_of(context: Context, resource: Resource, at: str | None) -> Links | None:
    """None: there is nothing to look for."""
    if not is_kept(context.settings, resource["resourceType"]):
        return None
    gathered = _Gathered()
    links(context.definitions).replace(resource, gathered)
    texts = tuple(filter(lambda text: _is_here(context, text), gathered.texts))
    return Links(resource, at or resource["resourceType"], texts) if texts else None


def written(context: Context, transaction: Transaction, access: Access | None, links: Links) -> None:
    """Look at the end of the unit whether the targets are there; raises 422 then."""
    transaction.at_end(_require_targets, _Written(context, access, links))


def removed(context: Context, transaction: Transaction, access: Access | None, identity: Identity) -> None:
    """Look at the end of the unit whether something still refers to a deleted resource; raises 409 then."""
    if context.settings.referential_integrity:
        transaction.at_end(_require_unreferred, _Removed(context, access, identity))


async def issues(
    context: Context, reader: Reader, access: Access | None, all_links: Sequence[Links]
) -> list[Issue]:
    """References without a target. What the client may not see is as if it were not there."""
    if not all_links:
        return []
    identities = {text: _identity(context, text) for each in all_links for text in each.texts}
    versions = await _there(reader, access, {found for found in identities.values() if found})
    found: list[Issue] = []
    for each in all_links:
        for text in each.texts:
            problem = await _problem(reader, access, text, identities[text], versions)
            if problem is not None:
                places = _places(context.definitions, each.resource, each.at, text)
                found += [_without_target(place, f"{shown(text)} {problem}") for place in places]
    return found


def _without_target(at: str, text: str) -> Issue:
    return Issue("error", "business-rule", f"{at}: {text}", at, "reference-target")


async def referrer(context: Context, reader: Reader, identity: Identity) -> Identity | None:
    """A resource whose type keeps its references, and which refers to `identity`; None: there is none."""
    types = context.settings.referential_integrity
    columns = _columns(context.indexer, context.definitions, types, identity[0])
    if not columns:
        return None
    where = any_of(ReferenceIn(name, (identity,)) for found in columns.values() for name in found)
    page = await reader.find(Query(tuple(columns), where, 1))
    return (page.hits[0].version.resource_type, page.hits[0].version.id) if page.hits else None


class _Gathered:
    """`links.Replace` that only looks."""

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}

    def link(self, link: str) -> str:
        return link

    def reference(self, link: str) -> str:
        self.texts[link] = None
        return link


def _is_here(context: Context, text: str) -> bool:
    """Whether a reference leads to this server, or nowhere."""
    return text.startswith(_WITHIN) or _identity(context, text) is not None


def _identity(context: Context, text: str) -> Identity | None:
    return local(text, context.indexer.indexing.bases)


async def _require_targets(transaction: Transaction, items: list[_Written]) -> None:
    first = items[0]  # one request, one client
    found = await issues(first.context, transaction, first.access, [item.links for item in items])
    if found:
        raise unprocessable(found)


async def _require_unreferred(transaction: Transaction, items: list[_Removed]) -> None:
    for context, access, identity in items:
        version = await transaction.read(*identity)
        if version is not None and not version.deleted:
            continue  # the same unit wrote it again
        found = await referrer(context, transaction, identity)
        if found is not None:
            # a client that may not see everything does not learn of it here
            who = "/".join(found) if access is None else "another resource"
            raise edit_conflict(f"{'/'.join(identity)} cannot be deleted: {who} refers to it")


async def _there(reader: Reader, access: Access | None, identities: set[Identity]) -> dict[Identity, int]:
    """The current versions of those that are there and may be seen."""
    if access is not None:
        seen: set[Identity] = set()
        for resource_type in {name for name, _ in identities}:
            ids = tuple(sorted(id_ for name, id_ in identities if name == resource_type))
            where = permitted(IdIn(ids), access, (resource_type,))
            seen.update(await reader.identities(resource_type, where, len(ids)))
        identities = seen
    versions = await reader.read_many(sorted(identities))
    return {(version.resource_type, version.id): version.version_id for version in versions}


async def _problem(
    reader: Reader,
    access: Access | None,
    text: str,
    identity: Identity | None,
    versions: dict[Identity, int],
) -> str | None:
    """What is wrong with the target of a reference; None: nothing."""
    if identity is None:
        return "names no entry of the Bundle that it came in"
    number = versions.get(identity)
    if number is None:
        version = await reader.read(*identity) if access is None else None
        return "is not here" if version is None else "is deleted"
    _, has_version, wanted = text.partition("/_history/")
    if has_version and not (wanted.isdecimal() and 0 < int(wanted) <= number):
        return f"names a version that is not here, the last is {number}"
    return None


def _places(definitions: Definitions, resource: Resource, at: str, text: str) -> Iterator[str]:
    """Where a reference with this text stands in a resource and those that it contains."""
    return _within(definitions, resource, str(resource["resourceType"]), at, text)


def _within(definitions: Definitions, value: Any, type_name: str, at: str, text: str) -> Iterator[str]:
    if type_name == "Reference" and value.get("reference") == text:
        yield f"{at}.reference"
    properties = definitions.type(type_name).properties
    for name, child in value.items():
        found = properties.get(name.removeprefix("_"))
        if found is None:
            continue
        element, child_type = found
        if name.startswith("_"):
            child_type = "Element"
        place = step(at, element.name)
        for index, one in enumerate(child if isinstance(child, list) else [child]):
            if isinstance(one, dict):
                here = f"{place}[{index}]" if isinstance(child, list) else place
                inner = one.get("resourceType") if child_type == "Resource" else child_type
                yield from _within(definitions, one, str(inner), here, text)


@lru_cache(maxsize=1024)
def _columns(
    indexer: Indexer, definitions: Definitions, types: tuple[str, ...], target: str
) -> dict[str, tuple[str, ...]]:
    """By resource type that keeps its references, the columns that may refer to a `target`."""
    known = definitions.resource_types
    sources: Iterable[str] = known if ANY_TYPE in types else known.intersection(types)
    found: dict[str, tuple[str, ...]] = {}
    for source in sorted(sources):
        names = {
            column.name
            for described in definitions.search_parameters(source)
            if (parameter := indexer.parameter(source, described)) is not None
            for column in parameter.columns
            if parameter.type == "reference" and (not column.targets or target in column.targets)
        }
        if names:
            found[source] = tuple(sorted(names))
    return found

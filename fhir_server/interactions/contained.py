"""Contained resources as the hits of a search: `_contained=true&_containedType=contained`.

https://hl7.org/fhir/R4/search.html#contained

The store finds containers. Which of the resources in one fit is asked of the store again, where there are
several that could.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from fhir_server.resource import decode
from fhir_server.search.compile import Inside, Search
from fhir_server.search.contained import contained_resources, with_id
from fhir_server.store.algebra import And, IdIn, Moment, Node, Nothing, Query
from fhir_server.store.protocol import Hit, Page, Reader, Version

_AT_ONCE = 500  # containers that are read to count what fits in them


class Found(NamedTuple):
    """A hit of a search that looks inside."""

    version: Version  # the resource itself, or what contains it
    contained: Any = None  # None: the resource itself


def is_cut(found: Search) -> bool:
    """Whether a page may end before the store's does."""
    return found.inside is not None and found.inside.alone


async def hits_of(
    reader: Reader, found: Search, page: Page, moment: Moment | None
) -> tuple[Sequence[Hit | Found], Page]:
    """The hits of a page, and the page as far as they go: not more than the client wants.

    What fits in one container is not cut apart, so that a page can go on behind it.
    moment: of the page; None: the page knows it, or the cursor
    """
    inside = found.inside
    if inside is None or not inside.alone:
        return page.hits, page
    hits: list[Found] = []
    for number, hit in enumerate(page.hits):
        more = await _within(reader, inside, hit.version)
        if hits and len(hits) + len(more) > found.count:
            return hits, Page(page.hits[:number], True, page.moment or moment)
        hits += more
    return hits, page


async def count(reader: Reader, found: Search) -> int:
    """How many hits there are."""
    inside = found.inside
    if inside is None or not inside.alone:
        return await reader.count(found.resource_types, found.where)
    total = 0
    async for version in _containers(reader, found):
        total += len(await _within(reader, inside, version))
    return total


async def _containers(reader: Reader, found: Search) -> AsyncIterator[Version]:
    query = Query(found.resource_types, found.where, _AT_ONCE)
    while True:
        page = await reader.find(query)
        for hit in page.hits:
            yield hit.version
        if not page.more:
            return
        query = replace(query, after=page.hits[-1].position)


async def _within(reader: Reader, inside: Inside, version: Version) -> list[Found]:
    """The resource itself, where it fits, and what fits in it."""
    hits = [Found(version)] if await _fits(reader, version, inside.itself) else []
    candidates = list(contained_resources(decode(version.body), inside.resource_types))
    if not hits and len(candidates) == 1:
        return [Found(version, candidates[0])]  # something in it does
    fitting = [
        Found(version, each)
        for each in candidates
        if await _fits(reader, version, with_id(inside.containers, each["id"]))
    ]
    # a version that is not the current one fitted when it was, and which in it did is not known any more
    return hits + fitting or [Found(version, each) for each in candidates]


async def _fits(reader: Reader, version: Version, where: Node) -> bool:
    if where == Nothing():
        return False
    about = And((IdIn((version.id,), version.resource_type), where))
    return bool(await reader.identities(version.resource_type, about, 1))

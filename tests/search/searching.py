"""Searches in memory: the node of a search string, evaluated on the rows of a resource."""

from collections.abc import Iterable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fhir_server.definitions.registry import Definitions, load
from fhir_server.outcome import FhirError
from fhir_server.search.compile import Search, compile_search
from fhir_server.search.index import Indexer
from fhir_server.search.words import words_of
from fhir_server.store.rows import Rows
from tests.store.oracle import Kept, Oracle

BASE = "http://example.org/fhir"
NOW_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z

Resource = dict[str, Any]


@cache
def definitions() -> Definitions:
    return load()


@cache
def indexer() -> Indexer:
    return Indexer(definitions(), bases=(BASE,))


def rows(resource: Resource) -> Rows:
    return indexer().rows(resource)


def compiled(query: str, **settings: Any) -> Search:
    """The search of `Patient?name=eve`; types are separated by commas, none means all."""
    types, _, parameters = query.partition("?")
    return compile_search(
        definitions(),
        tuple(types.split(",")) if types else (),
        parse_qsl(parameters, keep_blank_values=True),
        **{"base_url": BASE, "now_ms": NOW_MS} | settings,
    )


def refused(query: str, **settings: Any) -> FhirError:
    with pytest.raises(FhirError) as caught:
        compiled(query, **settings)
    assert caught.value.status == 400
    return caught.value


def found(resources: Iterable[Resource], query: str, **settings: Any) -> list[str]:
    """The ids of those that a search finds."""
    oracle = Oracle()
    for sequence, resource in enumerate(resources, 1):
        made = rows(resource)
        oracle.lexicon |= made.lexicon
        identity = resource["resourceType"], resource.get("id", "1")
        oracle.kept[identity] = Kept(made, sequence, NOW_MS, words_of(resource))
    search = compiled(query, **settings)
    return sorted(id_ for _, id_ in oracle.find(search.resource_types, search.where))


def fits(resource: Resource, parameters: str, **settings: Any) -> bool:
    """Whether `parameters`, `name=eve&active=true`, find the resource."""
    return bool(found([resource], f"{resource['resourceType']}?{parameters}", **settings))

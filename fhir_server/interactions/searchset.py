"""Entries of a searchset.

https://hl7.org/fhir/R4/bundle.html#searchset
"""

from collections.abc import Iterable, Sequence
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.interactions.contained import Found
from fhir_server.outcome import Issue, operation_outcome
from fhir_server.resource import decode, encode
from fhir_server.search.compile import Search
from fhir_server.search.near import distance
from fhir_server.search.subset import subset
from fhir_server.store.protocol import Hit, Version

_MATCH, _INCLUDED = b',"search":{"mode":"match"}}', b',"search":{"mode":"include"}}'


def match_entries(
    definitions: Definitions, base_url: str, found: Search, hits: Sequence[Hit | Found]
) -> list[bytes]:
    if found.areas or found.elements or found.summary or found.inside:
        return [match_entry(definitions, base_url, found, hit) for hit in hits]
    return whole_entries(base_url, [hit.version for hit in hits])


def whole_entries(base_url: str, versions: Iterable[Version]) -> list[bytes]:
    """Of hits that are shown as they are."""
    base = encode(f"{base_url}/")[:-1]
    # types and ids have no character that JSON writes otherwise
    return [
        b'{"fullUrl":%b%b/%b","resource":%b%b'
        % (base, version.resource_type.encode(), version.id.encode(), version.body, _MATCH)
        for version in versions
    ]


def match_entry(definitions: Definitions, base_url: str, found: Search, hit: Hit | Found) -> bytes:
    version, contained = hit.version, hit.contained if isinstance(hit, Found) else None
    body, fragment = version.body, ""
    if contained is not None:
        # "the fullUrl points to the containing resource first, and provides the required resolution"
        body, fragment = encode(contained), f"#{contained['id']}"
    search: dict[str, Any] = {"mode": "match"}
    if found.areas and (away := distance(decode(body), found.areas)):
        search = {"extension": [away]} | search
    part = _part(definitions, body, found, found.elements)
    return _entry(base_url, version, fragment, part, b',"search":' + encode(search) + b"}")


def include_entry(definitions: Definitions, base_url: str, found: Search, version: Version) -> bytes:
    # "The list of elements does not apply to included resources"
    return _entry(base_url, version, "", _part(definitions, version.body, found, ()), _INCLUDED)


def outcome_entry(issues: Sequence[Issue]) -> bytes:
    return encode({"resource": operation_outcome(list(issues)), "search": {"mode": "outcome"}})


def _part(definitions: Definitions, body: bytes, found: Search, elements: tuple[str, ...]) -> bytes:
    """The resource, or what the client wants of it."""
    summary = found.summary if found.summary in ("true", "text", "data") else None
    if not elements and not summary:
        return body
    return encode(subset(decode(body), definitions, summary=summary, elements=elements))


def _entry(base_url: str, version: Version, fragment: str, body: bytes, tail: bytes) -> bytes:
    url = f"{base_url}/{version.resource_type}/{version.id}{fragment}"
    return b"".join((b'{"fullUrl":', encode(url), b',"resource":', body, tail))

"""Bundles: what the entries are called, and whether what they refer to is there.

https://hl7.org/fhir/R4/bundle.html#bundle-unique, https://hl7.org/fhir/R4/bundle.html#references

Not a rule of a write: R4's own examples break it, and a Bundle is kept as it came. `$validate` tells.
"""

import re
from collections.abc import Iterator
from typing import Any

from fhir_server.outcome import Issue, Severity
from fhir_server.resource import Resource
from fhir_server.validation.profile.run import entry_resource
from fhir_server.validation.scope import shown

_RESTFUL = re.compile(r"https?://.*/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")
_WITHOUT_FULL_URL = frozenset(("batch", "transaction", "batch-response", "transaction-response"))
_GIVEN_IDS = frozenset(("batch", "transaction"))  # a resource that is created may have none yet
_PAGES = frozenset(("self", "first", "previous", "prev", "next", "last"))
_WHOLE = frozenset(("document", "message"))


def issues(bundle: Resource, at: str) -> Iterator[Issue]:
    """Beyond the constraints of Bundle."""
    entries = bundle.get("entry", ())
    type_ = bundle.get("type")
    for index, entry in enumerate(entries):
        resource = entry.get("resource")
        place = f"{at}.entry[{index}]"
        if isinstance(resource, dict):
            yield from _full_url(entry, resource, str(type_), place)
    if type_ == "searchset":
        yield from _links(bundle, at)
    if type_ in _WHOLE:
        yield from _references(bundle, at, "error" if type_ == "document" else "warning")
    if type_ == "document":
        yield from _reached(bundle, at)


def _full_url(entry: dict[str, Any], resource: Resource, type_: str, at: str) -> Iterator[Issue]:
    url = entry.get("fullUrl")
    if url is None:
        if type_ not in _WITHOUT_FULL_URL:
            text = f"{at}.fullUrl: found 0, an entry of a {type_} needs 1"
            yield Issue("error", "required", text, f"{at}.fullUrl", "bundle-full-url")
        return
    match = _RESTFUL.fullmatch(str(url))
    found = str(resource.get("resourceType")), resource.get("id")
    if match is None or (type_ in _GIVEN_IDS and found[1] is None):
        return
    # "the fullUrl SHALL NOT disagree with the id in the resource", in whatever Bundle
    if (match[1], match[2]) != found:
        text = (
            f"{at}.fullUrl: {shown(url)} names {match[1]}/{match[2]}, the resource is {found[0]}/{found[1]}"
        )
        yield Issue("error", "value", text, f"{at}.fullUrl", "bundle-full-url-id")


def _links(bundle: Resource, at: str) -> Iterator[Issue]:
    """https://hl7.org/fhir/R4/bundle.html#searchset: of each of these pages there is one."""
    seen: set[str] = set()
    for index, link in enumerate(bundle.get("link", ())):
        relation, place = str(link.get("relation")), f"{at}.link[{index}]"
        if relation in _PAGES and relation in seen:
            text = f"{place}: another link is {shown(relation)}"
            yield Issue("error", "structure", text, place, "bundle-link")
        seen.add(relation)


def _references(bundle: Resource, at: str, severity: Severity) -> Iterator[Issue]:
    """References to entries that are not there; what is absolute may be anywhere else."""
    for index, entry in enumerate(bundle.get("entry", ())):
        resource, url = entry.get("resource"), str(entry.get("fullUrl", ""))
        for text, place in _texts(resource, f"{at}.entry[{index}].resource"):
            within = text.startswith(("urn:uuid:", "urn:oid:")) or ":" not in text.partition("?")[0]
            if within and entry_resource(bundle, text, url) is None:
                problem = f"{place}: {shown(text)} is in no entry of the Bundle"
                yield Issue(severity, "not-found", problem, place, "bundle-reference")


def _texts(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """(text, place) of every reference that leads out of a resource."""
    if isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str) and not text.startswith("#"):
            yield text, f"{at}.reference"
        for name, inner in value.items():
            yield from _texts(inner, f"{at}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{at}[{index}]")


def _reached(bundle: Resource, at: str) -> Iterator[Issue]:
    """A document holds what its Composition leads to, and what leads there; other entries are left over.

    https://hl7.org/fhir/R4/documents.html#content
    """
    entries = [entry for entry in bundle.get("entry", ()) if isinstance(entry.get("resource"), dict)]
    resources = [entry["resource"] for entry in entries]
    links: dict[int, set[int]] = {id(resource): set() for resource in resources}
    for entry in entries:
        for text, _ in _texts(entry["resource"], ""):
            target = entry_resource(bundle, text, str(entry.get("fullUrl", "")))
            if target is not None:
                links[id(entry["resource"])].add(id(target))
                links[id(target)].add(id(entry["resource"]))  # Provenance points at what it is about
    reached: set[int] = set()
    pending = [id(resources[0])] if resources else []
    while pending:
        one = pending.pop()
        if one not in reached:
            reached.add(one)
            pending.extend(links[one])
    for index, entry in enumerate(bundle.get("entry", ())):
        resource = entry.get("resource")
        if isinstance(resource, dict) and id(resource) not in reached:
            place = f"{at}.entry[{index}]"
            text = f"{place}: the Composition leads to it by no reference"
            yield Issue("warning", "informational", text, place, "bundle-unreached")

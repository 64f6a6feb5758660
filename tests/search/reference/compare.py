"""Both answers to one question, side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from fhir_server.interactions.answer import body_of
from fhir_server.interactions.context import Context
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import Request
from fhir_server.interactions.url import parse_url
from fhir_server.outcome import FhirError
from fhir_server.resource import decode
from fhir_server.search.access import Access
from tests.search.reference import Refused, Unsure
from tests.search.reference.hostile import BASE
from tests.search.reference.inside import container
from tests.search.reference.presentation import shown
from tests.search.reference.references import Identity
from tests.search.reference.results import included, is_sorted
from tests.search.reference.search import Answer, Question, search
from tests.search.reference.world import World
from tests.search.reference.worlds import Searched

PAGES = 12


@dataclass
class Page:
    hits: list[Identity] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)  # of the hits
    included: list[Identity] = field(default_factory=list)
    total: int | None = None
    next: str | None = None
    is_complete: bool = True  # False: an outcome says that something is missing


async def ask(context: Context, access: Access | None, path: str, query: str) -> Page:
    """One page of the server's answer."""
    request = parse_url("GET", path, query, BASE)
    request.access = access
    body = body_of(Request("GET"), await perform(context, request))
    assert body is not None
    bundle: dict[str, Any] = decode(body)
    links = {each["relation"]: each["url"] for each in bundle["link"]}
    page = Page(total=bundle.get("total"), next=links.get("next"))
    for entry in bundle.get("entry", ()):
        resource, mode = entry["resource"], entry["search"]["mode"]
        if mode == "outcome":
            page.is_complete = False
            continue
        identity = _identity(entry["fullUrl"], resource)
        if mode == "match":
            page.bodies.append(resource)
        (page.hits if mode == "match" else page.included).append(identity)
    return page


def _identity(full_url: str, resource: dict[str, Any]) -> Identity:
    """ "the fullUrl points to the containing resource first" """
    of, contained, id_ = full_url.removeprefix(f"{BASE}/").partition("#")
    assert (id_ or of.partition("/")[2]) == resource["id"]
    return resource["resourceType"], f"{of}#{id_}" if contained else resource["id"]


def differences(searched: Searched, question: Question) -> tuple[list[str], str]:
    """What the two answers differ in, and what kind of answer it was."""
    try:
        expected: Answer | None = search(searched.world, question)
        why = ""
    except Unsure:
        return [], "unsure"
    except Refused as refusal:
        expected, why = None, str(refusal)
    try:
        found: list[Page] | None = searched.runner.run(pages(searched.context, question, searched.access))
    except FhirError as error:
        if error.status != 400:
            raise
        chained = any("." in name or name.startswith("_has") for name, _ in question.parameters)
        if chained and any(each in str(error) for each in ("too many comparisons", "took more than")):
            return [], "too costly"
        found, why = None, f"{why} {error}"
    if expected is None or found is None:
        if (expected is None) == (found is None):
            return [], "refused"
        who = "server" if found is None else "reference"
        return [f"only the {who} refuses: {why}"], "refused"
    kind = "found" if expected.hits else "empty"
    if expected.summary == "count":
        return _of_count(searched.world, question, expected, found[0]), kind
    allowed = {each for page in found for each in page.hits} - expected.hits
    if allowed and allowed <= search(searched.world, question, generous=True).hits:
        expected.hits |= allowed
    return _of_pages(searched.world, expected, found), kind


def _of_count(world: World, question: Question, expected: Answer, page: Page) -> list[str]:
    assert page.total is not None and not page.hits
    least = len(expected.hits)
    if page.total == least or least < page.total <= len(search(world, question, generous=True).hits):
        return []
    return [f"counts {page.total}, at least {least}"]


async def pages(context: Context, question: Question, access: Access | None = None) -> list[Page]:
    page = await ask(context, access, question.path, urlencode(question.parameters))
    found = [page]
    while page.next and len(found) < PAGES:
        path, _, query = page.next.removeprefix(BASE).removeprefix("/").partition("?")
        page = await ask(context, access, path, query)
        found.append(page)
    return found


def _of_pages(world: World, expected: Answer, found: list[Page]) -> list[str]:
    hits = [each for page in found for each in page.hits]
    wrong = _of_hits(world, expected, hits, complete=not found[-1].next)
    for page in found:
        if page.total is not None and page.total != len(expected.hits):
            wrong.append(f"total {page.total} for {len(expected.hits)}")
        if not set(page.hits) - expected.hits:
            wrong += _of_bodies(world, expected, page)
        wrong += _of_includes(world, expected, page)
    return wrong


def _of_hits(world: World, expected: Answer, hits: list[Identity], *, complete: bool) -> list[str]:
    wrong = []
    if len(set(hits)) != len(hits):
        wrong.append(f"more than once: {sorted({each for each in hits if hits.count(each) > 1})}")
    if more := set(hits) - expected.hits:
        wrong.append(f"only the server finds {sorted(more)}")
    if complete and (less := expected.hits - set(hits)):
        wrong.append(f"only the reference finds {sorted(less)}")
    if not wrong and not is_sorted(world, [container(each) for each in hits], expected.sort):
        wrong.append(f"not sorted: {hits}")
    return wrong


def _of_includes(world: World, expected: Answer, page: Page) -> list[str]:
    holders = [container(each) for each in page.hits]
    wanted = included(world, holders, expected.includes) if expected.includes else set()
    wrong = []
    if set(page.included) - wanted:
        wrong.append(f"only the server includes {sorted(set(page.included) - wanted)}")
    if page.is_complete and wanted - set(page.included):
        wrong.append(f"only the reference includes {sorted(wanted - set(page.included))}")
    if len(set(page.included)) != len(page.included):
        wrong.append("includes more than once")
    return wrong


def _of_bodies(world: World, expected: Answer, page: Page) -> list[str]:
    """What is shown of each hit."""
    wrong = []
    for identity, body in zip(page.hits, page.bodies, strict=True):
        resource = world.resource(identity)
        wanted = shown(world.definitions, resource, expected.summary, expected.elements)
        if body != wanted:
            names = [name for name in {*body, *wanted} if body.get(name) != wanted.get(name)]
            wrong.append(f"{identity} is shown with another {sorted(names)}")
    return wrong


def smallest(searched: Searched, question: Question) -> Question:
    """The question without anything that the difference does not need."""
    for shorter in _shorter(question):
        if differences(searched, shorter)[0]:
            return smallest(searched, shorter)
    return question


def _shorter(question: Question) -> Iterator[Question]:
    given = question.parameters
    for place, (name, value) in enumerate(given):
        yield replace(question, parameters=(*given[:place], *given[place + 1 :]))
        alone = value.split(",")
        for each in alone if len(alone) > 1 else ():
            yield replace(question, parameters=(*given[:place], (name, each), *given[place + 1 :]))

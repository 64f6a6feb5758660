"""What the tests of interactions work with: short requests, resources, ids and time that are foreseen."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fhir_server.clock import format_instant
from fhir_server.config import Settings
from fhir_server.definitions.registry import Definitions, load
from fhir_server.interactions.answer import body_of
from fhir_server.interactions.canonicals import StoredCanonicals
from fhir_server.interactions.context import Context
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.needs import Needs
from fhir_server.interactions.request import Method, Request, Response
from fhir_server.interactions.sources import profiles
from fhir_server.interactions.url import parse_url
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode
from fhir_server.search.index import Indexer
from fhir_server.search.words import WORDING
from fhir_server.store.sqlite import open_store
from fhir_server.terminology.terminology import Terminology
from fhir_server.validation.structure import Validator

T = TypeVar("T")

BASE = "http://example.org/fhir"
START_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z


@cache
def definitions() -> Definitions:
    return load()


@cache
def _indexer() -> Indexer:
    return Indexer(definitions(), bases=(BASE,))


@cache
def _validator() -> Validator:
    return Validator(definitions())


class Clock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        self.now_ms += 1000
        return self.now_ms


class Fhir:
    def __init__(self, runner: asyncio.Runner, path: Path) -> None:
        self._runner = runner
        self.clock = Clock()
        ids = count(1)
        store = open_store(path, extract=_indexer().extract, wording=WORDING, clock=self.clock)
        canonicals = StoredCanonicals(store, definitions())
        terminology = Terminology(canonicals, store.concepts)
        self.context = Context(
            store=store,
            definitions=definitions(),
            indexer=_indexer(),
            validator=_validator(),
            terminology=terminology,
            profiles=profiles(store, definitions(), canonicals, terminology, Settings()),
            needs=Needs(store, terminology),
            settings=Settings(),
            clock=self.clock,
            new_id=lambda: f"new-{next(ids)}",
        )

    def __call__(self, method: Method, url: str, resource: Resource | None = None, **given: Any) -> Response:
        return self.run(perform(self.context, request(method, url, resource, **given)))

    def refused(self, method: Method, url: str, resource: Resource | None = None, **given: Any) -> FhirError:
        with pytest.raises(FhirError) as caught:
            self(method, url, resource, **given)
        return caught.value

    def together(self, requests: Iterable[Request]) -> list[Response | FhirError]:
        """All at once, on one store."""

        async def gathered() -> list[Response | FhirError]:
            calls = [perform(self.context, each) for each in requests]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for answer in answers:
                assert isinstance(answer, Response | FhirError), answer
            return answers  # type: ignore[return-value]

        return self.run(gathered())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def settings(self, **changes: Any) -> None:
        self.context = replace(self.context, settings=replace(self.context.settings, **changes))

    def read(self, url: str) -> Resource:
        return content(self("GET", url))

    def total(self, url: str) -> int:
        """How many a search finds."""
        found = content(self("GET", f"{url}{'&' if '?' in url else '?'}_summary=count"))["total"]
        assert isinstance(found, int)
        return found

    def transaction(self, *entries: Resource, **given: Any) -> list[Resource]:
        """The entries of the answer."""
        return entries_of(self("POST", "", bundle("transaction", *entries), **given))

    def batch(self, *entries: Resource, **given: Any) -> list[Resource]:
        return entries_of(self("POST", "", bundle("batch", *entries), **given))

    def refused_transaction(self, *entries: Resource) -> FhirError:
        return self.refused("POST", "", bundle("transaction", *entries))

    def log_length(self) -> int:
        """How many versions were ever made."""
        return self.run(self.context.store.last_sequence())

    def close(self) -> None:
        self.run(self.context.store.close())


def request(method: Method, url: str, resource: Resource | None = None, **given: Any) -> Request:
    path, _, query = url.partition("?")
    made = parse_url(method, path, query, BASE)
    made.resource = resource
    for name, value in given.items():
        setattr(made, name, value)
    return made


def content(response: Response) -> Resource:
    """The body of an answer as a client decodes it."""
    body = body_of(Request("GET"), response)
    assert body is not None
    found = decode(body)
    assert isinstance(found, dict)
    return found


def entries_of(response: Response) -> list[Resource]:
    found: list[Resource] = content(response).get("entry", [])
    return found


def patient(**elements: Any) -> Resource:
    return {"resourceType": "Patient"} | elements


def identified(value: str, **elements: Any) -> Resource:
    """A Patient that `identifier=http://example.org/mrn|value` finds."""
    return patient(identifier=[{"system": "http://example.org/mrn", "value": value}], **elements)


def observation(subject: str, **elements: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": subject},
    } | elements


def bundle(type_: str, *entries: Resource) -> Resource:
    found: Resource = {"resourceType": "Bundle", "type": type_}
    return found | {"entry": list(entries)} if entries else found


def entry(
    method: str, url: str, resource: Resource | None = None, full_url: str | None = None, **given: str
) -> Resource:
    found: Resource = {} if full_url is None else {"fullUrl": full_url}
    if resource is not None:
        found["resource"] = resource
    return found | {"request": {"method": method, "url": url} | given}


def basic(**elements: Any) -> Resource:
    return {"resourceType": "Basic", "code": {"text": "x"}} | elements


def post(resource: Resource, full_url: str | None = None, **given: str) -> Resource:
    return entry("POST", resource["resourceType"], resource, full_url, **given)


def put(resource: Resource, full_url: str | None = None, **given: str) -> Resource:
    return entry("PUT", f"{resource['resourceType']}/{resource['id']}", resource, full_url, **given)


def statuses(answers: list[Resource]) -> list[str]:
    return [answer["response"]["status"] for answer in answers]


def location(answer: Resource) -> str:
    """`Patient/1` of an entry of the answer."""
    found: str = answer["response"]["location"].partition("/_history/")[0]
    return found


P, Q, O = (f"urn:uuid:00000000-0000-4000-8000-00000000000{digit}" for digit in "123")  # noqa: E741
"""fullUrls of entries"""

MRN = "identifier=http://example.org/mrn|"
"""The beginning of criteria that find `identified`."""


def plain(resource: Resource) -> Resource:
    """Without what the server sets."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _STAMPS}
    rest = {name: value for name, value in resource.items() if name not in ("id", "meta")}
    return rest | ({"meta": meta} if meta else {})


_STAMPS = ("versionId", "lastUpdated")


def instant(seconds: int) -> str:
    return format_instant(START_MS + seconds * 1000)


def codes(error: FhirError) -> tuple[int, str]:
    return error.status, error.issues[0].code

"""A server without HTTP whose search parameters can change; its jobs are done when it is told."""

import asyncio
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import pytest

from fhir_server.app import OpenContext, Parts
from fhir_server.bulk.jobs import Jobs
from fhir_server.bulk.reindex import Pause
from fhir_server.config import Settings
from fhir_server.interactions.answer import body_of
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import Method, Request, Response
from fhir_server.interactions.url import parse_url
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode
from fhir_server.search.rules import KIND
from fhir_server.search.words import WORDING
from fhir_server.store.jobs import Job
from fhir_server.store.sqlite import check, rules_in

T = TypeVar("T")

BASE = "http://example.org/fhir"
EYES = "http://example.org/eyes"


class Indexed:
    """One process on a data folder; several may be opened."""

    def __init__(self, runner: asyncio.Runner, folder: Path, **settings: Any) -> None:
        self.runner = runner
        self.parts = Parts(Settings(data=str(folder), **({"alliance": False} | settings)))
        self.opened: OpenContext = self.run(self.parts.open_context())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    async def send(self, method: Method, url: str, resource: Resource | None = None) -> Response:
        path, _, query = url.partition("?")
        request = parse_url(method, path, query, BASE)
        request.resource = resource
        present = self.opened.present
        context = present.context if present.is_current else await present.renewed()
        return await perform(context, request)

    def __call__(self, method: Method, url: str, resource: Resource | None = None) -> Response:
        return self.run(self.send(method, url, resource))

    def refused(self, method: Method, url: str, resource: Resource | None = None) -> FhirError:
        with pytest.raises(FhirError) as caught:
            self(method, url, resource)
        return caught.value

    def put(self, *resources: Resource) -> None:
        """All in one transaction."""
        entries = [
            {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
            for each in resources
        ]
        self("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def content(self, url: str) -> Resource:
        found = decode(body_of(Request("GET"), self("GET", url)) or b"")
        assert isinstance(found, dict)
        return found

    def found(self, url: str) -> set[str]:
        """`Patient/1` of all that a search finds and includes."""
        entries = self.content(f"{url}&_count=1000").get("entry", [])
        return {f"{each['resource']['resourceType']}/{each['resource']['id']}" for each in entries}

    def jobs(self, *, open_only: bool = True) -> list[Job]:
        return self.run(self.opened.main.jobs(KIND, open_only=open_only))

    def work_off(self, pause: Pause | None = None) -> None:
        """All jobs, as the process that leads does."""
        self.run(Jobs(self.opened.main, {KIND: self.opened.reindex(pause)}).work_off())

    def findings(self) -> list[str]:
        """What `doctor` says."""
        file = self.parts.store_file
        extract, unfinished = self.parts.indexing_by(rules_in(file))
        return [str(each) for each in check(file, extract, unfinished=unfinished, wording=WORDING)]

    def rows_of(self, column: str) -> int:
        """How many rows a column has, of every kind."""
        connection = self.opened.main._here.connection
        tables = ("token", "string", "date", "number", "reference", "lexicon")
        of = "column IN (SELECT id FROM column_name WHERE name = ?1 OR name LIKE ?1 || '[%')"
        counts = [connection.execute(f"SELECT count(*) FROM {t} WHERE {of}", (column,)).get for t in tables]
        return sum(counts)

    def close(self) -> None:
        self.run(self.opened.close())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def parameter(**changes: Any) -> Resource:
    """Patients by the colour of their eyes."""
    found = {
        "resourceType": "SearchParameter",
        "id": "eye-colour",
        "url": f"http://example.org/SearchParameter/{changes.get('id', 'eye-colour')}",
        "name": "EyeColour",
        "status": "active",
        "description": "Colour of the eyes",
        "code": "eye-colour",
        "base": ["Patient"],
        "type": "token",
        "expression": f"Patient.extension.where(url='{EYES}').value",
        "xpathUsage": "normal",
    }
    return found | changes


PETS = {
    "resourceType": "ValueSet", "id": "pets", "url": "http://example.org/pets", "status": "active",
    "experimental": True, "name": "Pets", "date": "2024-02-29",
}  # fmt: skip

COLUMN = f"Patient.extension.where(url='{EYES}').value[token]"


def patient(id_: str, colour: str | None = None, **elements: Any) -> Resource:
    eyes = [] if colour is None else [{"url": EYES, "valueCode": colour}]
    return {"resourceType": "Patient", "id": id_, **({"extension": eyes} if eyes else {}), **elements}


def patients(count: int, colours: Sequence[str] = ("blue", "brown")) -> list[Resource]:
    return [patient(f"p{number}", colours[number % len(colours)]) for number in range(count)]

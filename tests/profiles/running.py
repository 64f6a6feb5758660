"""A server without HTTP, on an empty store, with the package as a new server has it."""

import asyncio
from pathlib import Path
from typing import Any

from fhir_server.app import OpenContext, Parts
from fhir_server.config import Settings
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import OPERATOR, Method
from fhir_server.resource import Resource
from tests.interactions.fhir import content, request


class Running:
    """An empty store as a new server has it."""

    def __init__(self, runner: asyncio.Runner, data: Path, **settings: Any) -> None:
        self._runner = runner
        self.opened: OpenContext = runner.run(Parts(Settings(data=str(data), **settings)).open_context())

    def __call__(self, method: Method, url: str, resource: Resource | None = None) -> Resource:
        context = self.opened.context
        answer = self._runner.run(perform(context, request(method, url, resource, organization=OPERATOR)))
        return content(answer)

    def found(self, url: str) -> list[str]:
        entries = self("GET", url).get("entry", ())
        return [each["resource"]["id"] for each in entries if each["search"]["mode"] == "match"]

    def close(self) -> None:
        self._runner.run(self.opened.close())

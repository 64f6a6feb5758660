"""The whole application called in this process, as a client over HTTP would."""

import asyncio
from pathlib import Path
from urllib.parse import urlencode

from fhir_server.app import Application, Parts
from fhir_server.config import Settings
from tests.rest.calling import Answer, send_to

HOST = {"host": "127.0.0.1"}
JSON = HOST | {"content-type": "application/fhir+json"}
JSON_PATCH = HOST | {"content-type": "application/json-patch+json"}
FORM = HOST | {"content-type": "application/x-www-form-urlencoded"}


class Client:
    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        settings = Settings(open=True, log="off", data=str(folder / "data"))
        self._application = Application(Parts(settings))
        self._runner.run(self._application.start())

    def ask(
        self, method: str, path: str, headers: dict[str, str] = HOST, body: bytes | None = None
    ) -> Answer:
        """`path` below the base URL."""
        return self._runner.run(send_to(self._application, method, f"/fhir{path}", headers, body))

    def search(self, path: str, *parameters: tuple[str, str]) -> Answer:
        return self.ask("GET", f"{path}?{urlencode(parameters)}")

    def close(self) -> None:
        self._runner.run(self._application.stop())
        self._runner.close()

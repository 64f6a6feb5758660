"""The whole server without a socket."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhir_server.alliance.sample.load import load_sample
from fhir_server.alliance.sample.marker import DEMONSTRATION
from fhir_server.app import Application, Parts
from fhir_server.config import Settings
from fhir_server.rest.home import EXAMPLES
from fhir_server.store.sqlite import reading
from fhir_server.store.sqlite.patience import Limits

BASE = "http://127.0.0.1:8000"


class Server:
    """An application that has been started, and a client of it."""

    def __init__(self, settings: Settings) -> None:
        self.application = Application(Parts(settings))
        self.runner = asyncio.Runner()
        self.run(self.application.start())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.application)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
                return await client.request(method, path, **given)

        answer: httpx.Response = self.run(ask())
        return answer

    def close(self) -> None:
        self.run(self.application.stop())
        self.runner.close()


def settings_of(folder: Path, **changes: Any) -> Settings:
    return replace(Settings(open=True, log="off", data=str(folder / "data")), **changes)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the demonstration alliance, which no test changes."""
    found = Server(settings_of(tmp_path_factory.mktemp("app")))
    assert found.run(load_sample(found.application.open.context, DEMONSTRATION))
    yield found
    found.close()


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Server]:
    found = Server(settings_of(tmp_path))
    yield found
    found.close()


def links(html: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)"', html)]


def test_every_link_of_the_home_page_answers(server: Server) -> None:
    home = server.ask("GET", "/")
    assert home.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in home.headers["content-security-policy"]
    found = links(home.text)
    assert len(found) > 20
    for link in found:
        assert server.ask("GET", link).status_code == 200, link


def test_the_searches_of_the_home_page_find_something(server: Server) -> None:
    targets = [
        link for link in links(server.ask("GET", "/").text) if link.startswith("/fhir/") and "?" in link
    ]
    for target in targets:
        answer = server.ask("GET", target)
        if answer.headers["content-type"].startswith("text/html"):
            assert "<svg" in answer.text, target  # a report with drawings
        elif answer.json()["resourceType"] == "Bundle":
            assert answer.json()["entry"], target


def test_examples_that_find_nothing_are_left_out(empty: Server) -> None:
    found = links(empty.ask("GET", "/").text)
    needing = [example.target.partition("?")[0] for example in EXAMPLES if example.needs]
    assert not [link for link in found for name in needing if link.startswith(f"/fhir/{name}")]


def test_docs_answer(server: Server) -> None:
    answer = server.ask("GET", "/docs")
    assert answer.status_code == 200 and "_lastUpdated" in answer.text


def test_the_server_is_healthy_and_ready(server: Server) -> None:
    assert server.ask("GET", "/health").json() == {"status": "up"}
    assert server.ask("GET", "/ready").json() == {"status": "ready"}


def test_a_page_that_is_not_there_is_404(server: Server) -> None:
    answer = server.ask("GET", "/admin")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (404, "not-found")


@pytest.mark.parametrize("path", ["/fhirx", "/Fhir/Patient", "/fhir.json"])
def test_only_the_base_is_the_base(server: Server, path: str) -> None:
    assert server.ask("GET", path).status_code == 404


def test_pages_are_refused_under_a_foreign_name(server: Server) -> None:
    answer = server.ask("GET", "/", headers={"Host": "evil.example"})
    assert answer.status_code == 403


def test_G14_an_error_in_a_page_tells_an_id_and_nothing_else(empty: Server) -> None:
    async def overview() -> None:
        raise KeyError("张三")

    empty.application.overview = overview  # type: ignore[assignment,method-assign]
    answer = empty.ask("GET", "/")
    assert answer.status_code == 500
    assert re.fullmatch("internal error [0-9a-f]{16}", answer.json()["issue"][0]["diagnostics"])


def test_definitions_are_resources_too(empty: Server) -> None:
    found = empty.ask("GET", "/fhir/StructureDefinition/Patient").json()
    assert found["url"] == "http://hl7.org/fhir/StructureDefinition/Patient"
    assert empty.run(empty.application.overview()).totals == {}


def test_what_is_written_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Server(settings_of(tmp_path))
    created = first.ask("POST", "/fhir/Patient", json={"resourceType": "Patient", "gender": "male"})
    assert created.status_code == 201
    first.close()
    second = Server(settings_of(tmp_path))
    found = second.ask("GET", created.headers["location"].removeprefix(BASE))
    assert found.json() == created.json()
    second.close()


def test_pages_of_a_search_go_on_after_a_restart(tmp_path: Path) -> None:
    first = Server(settings_of(tmp_path))
    for _ in range(3):
        first.ask("POST", "/fhir/Patient", json={"resourceType": "Patient"})
    page = first.ask("GET", "/fhir/Patient?_count=2").json()
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    first.close()
    second = Server(settings_of(tmp_path))
    answer = second.ask("GET", following.removeprefix(BASE))
    assert (answer.status_code, len(answer.json()["entry"])) == (200, 1)
    second.close()


def test_the_secret_of_cursors_is_for_its_owner_alone(empty: Server) -> None:
    file = empty.application.parts.settings.data_folder / "secret"
    assert file.stat().st_mode & 0o077 == 0 and len(file.read_bytes()) == 32
    assert empty.application.parts.secret() == file.read_bytes()


def test_the_log_is_a_file_of_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "requests.log"
    server = Server(settings_of(tmp_path, log=str(file)))
    server.ask("GET", "/fhir/Patient/secret")
    server.close()
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["interaction"] == "read" and "secret" not in line


def test_cross_origin_requests_are_answered_when_the_settings_say_so(tmp_path: Path) -> None:
    origin = "https://console.example.cn"
    server = Server(settings_of(tmp_path, cors_origins=(origin,)))
    answer = server.ask("GET", "/fhir/metadata", headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    server.close()


def test_the_life_of_the_server_is_that_of_the_asgi_lifespan(tmp_path: Path) -> None:
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    async def live() -> None:
        await Application(Parts(settings_of(tmp_path)))({"type": "lifespan"}, receive, send)

    asyncio.run(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("id_", ["a" * 65, "a%20b", "%2e%2e", "%2e", "a_b", "%E5%BC%A0", "a'b"])
def test_C02_an_id_outside_the_rule_is_400(empty: Server, id_: str) -> None:
    for method in ("GET", "DELETE"):
        answer = empty.ask(method, f"/fhir/Patient/{id_}")
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "value")


def test_a_resource_goes_through_its_life(empty: Server) -> None:
    patient = {"resourceType": "Patient", "id": "1", "gender": "male"}
    created = empty.ask("PUT", "/fhir/Patient/1", json=patient)
    assert (created.status_code, created.headers["etag"]) == (201, 'W/"1"')
    assert created.headers["location"] == f"{BASE}/fhir/Patient/1/_history/1"
    read = empty.ask("GET", "/fhir/Patient/1")
    assert (read.content, read.headers["last-modified"]) == (
        created.content,
        created.headers["last-modified"],
    )
    for condition in ({"If-None-Match": 'W/"1"'}, {"If-Modified-Since": read.headers["last-modified"]}):
        unmodified = empty.ask("GET", "/fhir/Patient/1", headers=condition)
        assert (unmodified.status_code, unmodified.content) == (304, b"")
    stale = empty.ask("PUT", "/fhir/Patient/1", json=patient, headers={"If-Match": 'W/"7"'})
    assert (stale.status_code, stale.json()["issue"][0]["code"]) == (412, "conflict")
    patch = [{"op": "replace", "path": "/gender", "value": "female"}]
    headers = {"Content-Type": "application/json-patch+json", "Prefer": "return=minimal"}
    patched = empty.ask("PATCH", "/fhir/Patient/1", content=json.dumps(patch), headers=headers)
    assert (patched.status_code, patched.content, patched.headers["etag"]) == (200, b"", 'W/"2"')
    assert empty.ask("GET", "/fhir/Patient/1?_elements=gender").json()["gender"] == "female"
    assert (
        empty.ask("HEAD", "/fhir/Patient?gender=female")
        .headers["content-type"]
        .startswith("application/fhir")
    )
    assert empty.ask("DELETE", "/fhir/Patient/1").status_code == 204
    gone = empty.ask("GET", "/fhir/Patient/1")
    assert (gone.status_code, gone.json()["issue"][0]["code"], gone.headers["etag"]) == (
        410,
        "deleted",
        'W/"3"',
    )
    assert empty.ask("GET", "/fhir/Patient/1/_history/2").json()["gender"] == "female"
    assert empty.ask("GET", "/fhir/Patient/1/_history").json()["total"] == 3


def test_405_says_what_is_allowed(empty: Server) -> None:
    answer = empty.ask("DELETE", "/fhir/metadata")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_E19_a_search_that_would_run_away_is_stopped_and_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here every search runs away: its time is over at the first look, which comes after the first step."""
    monkeypatch.setattr(reading, "STEPS_BETWEEN_LOOKS", 1)
    server = Server(settings_of(tmp_path, search_timeout_s=0.5))
    patient = {"resourceType": "Patient", "id": "1"}
    assert server.ask("PUT", "/fhir/Patient/1", json=patient).status_code == 201
    main = server.application.open.main
    assert (main._limits.find_s, main._readers._limit_s) == (0.5, 0.5)
    with monkeypatch.context() as hasty:
        hasty.setattr(main, "_limits", Limits(inline_s=-1))
        hasty.setattr(main._readers, "_limit_s", -1)
        for _ in range(3):
            answer = server.ask("GET", "/fhir/Patient?birthdate=1980")
            assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "too-costly")
    assert server.ask("PUT", "/fhir/Patient/1", json=patient | {"active": True}).status_code == 200
    assert server.ask("GET", "/fhir/Patient?active=true").json()["total"] == 1
    server.close()

"""E.10 test 5 on a store as it is set up: by the index of `deadline`, across a restart, in two processes."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fhir_server.alliance.referral.elements import business_status
from fhir_server.alliance.referral.expiry import Expiry
from fhir_server.app import OpenContext, Parts
from fhir_server.clock import format_instant
from fhir_server.config import Settings
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.request import OPERATOR, Method
from fhir_server.resource import Resource
from tests.alliance.referral.world import (
    CONSENT,
    DIRECTORY,
    LOWER,
    UPPER,
    business,
    service_request,
    task,
)
from tests.interactions.fhir import START_MS, content, request

T = TypeVar("T")

MINUTE_MS = 60_000


class Server:
    """A store in a folder, opened and closed as a process does, by a clock that is told the time."""

    def __init__(self, runner: asyncio.Runner, data: Path) -> None:
        self.now_ms = START_MS
        self.parts = Parts(Settings(data=str(data)), clock=lambda: self.now_ms)
        self._runner = runner
        self.opened = self._open()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def _open(self) -> OpenContext:
        return self.run(self.parts.open_context())

    def restart(self) -> None:
        self.close()
        self.opened = self._open()

    def close(self) -> None:
        self.run(self.opened.close())

    def __call__(
        self,
        method: Method,
        url: str,
        resource: Resource | None = None,
        acting: str | None = None,
        **given: Any,
    ) -> Resource:
        asked = request(method, url, resource, organization=acting, **given)
        return content(self.run(perform(self.opened.context, asked)))

    def put(self, acting: str, resource: Resource) -> None:
        self("PUT", f"{resource['resourceType']}/{resource['id']}", resource, acting)

    def expiry(self, opened: OpenContext | None = None) -> Expiry:
        return Expiry((opened or self.opened).present.renewed, lambda: True)

    def look(self) -> int:
        """How many Tasks it read."""
        return self.run(self.expiry().look())

    def together(self, *others: Expiry) -> list[int]:
        async def all_of_them() -> list[int]:
            return list(await asyncio.gather(*(each.look() for each in others)))

        return self.run(all_of_them())

    def another(self) -> OpenContext:
        """As another worker has it open."""
        return self.run(self.parts.open_context(owner=False))

    def total(self, url: str) -> int:
        found = self("GET", f"{url}&_summary=count")["total"]
        assert isinstance(found, int)
        return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with asyncio.Runner() as runner:
        yield from _served(Server(runner, tmp_path / "data"))


def _served(found: Server) -> Iterator[Server]:
    for resource in [*DIRECTORY, CONSENT]:
        found.put(OPERATOR, resource)
    for id_, priority in (("now", "stat"), ("later", "routine")):
        referral = service_request(f"sr-{id_}", priority=priority)
        referral["identifier"] = [referral["identifier"][0] | {"value": id_}]
        found.put(LOWER, referral)
        asked = task(id_, focus={"reference": f"ServiceRequest/sr-{id_}"})
        found.put(LOWER, asked | {"identifier": [{"system": "urn:example:lower:task", "value": id_}]})
    yield found
    found.close()


def state(server: Server, id_: str) -> tuple[str, str | None]:
    found = server("GET", f"Task/{id_}")
    return found["status"], business_status(found)


def test_E10_05_only_what_is_overdue_is_read(server: Server) -> None:
    assert "deadline" in server.opened.context.definitions.search_parameters("Task")
    assert server.look() == 0
    server.now_ms = START_MS + 11 * MINUTE_MS
    assert server.total(f"Task?deadline=lt{format_instant(server.now_ms)}") == 1
    assert server.look() == 1
    assert state(server, "now") == ("failed", "expired")
    assert state(server, "later") == ("requested", "submitted")


def test_E10_05_what_went_by_while_the_server_was_down(server: Server) -> None:
    server.restart()
    assert server.look() == 0
    server.now_ms = START_MS + 11 * MINUTE_MS
    server.restart()
    assert state(server, "now") == ("requested", "submitted")
    assert server.look() == 1
    assert state(server, "now") == ("failed", "expired")
    server.restart()
    assert server.look() == 0


def test_E10_05_two_processes_at_once_expire_it_once(server: Server) -> None:
    """Both may lead for a moment, when one of them hangs."""
    server.now_ms = START_MS + 11 * MINUTE_MS
    other = server.another()
    try:
        read = server.together(server.expiry(), server.expiry(other))
    finally:
        server.run(other.close())
    assert read == [1, 1]
    assert state(server, "now") == ("failed", "expired")
    assert server("GET", "Task/now")["meta"]["versionId"] == "2"
    assert server.total("Communication?part-of=Task/now") == 1


def test_E10_05_an_accept_at_the_deadline_and_the_expiry_do_not_both_win(server: Server) -> None:
    server.now_ms = START_MS + 11 * MINUTE_MS
    before = server("GET", "Task/now")
    accepted = before | {"status": "accepted", "businessStatus": business("accepted")}
    asked = request("PUT", "Task/now", accepted, organization=UPPER, if_match='W/"1"')
    context = server.opened.context

    async def race() -> list[Any]:
        calls = (server.expiry().look(), perform(context, asked))
        return list(await asyncio.gather(*calls, return_exceptions=True))

    _, answer = server.run(race())
    found = state(server, "now")
    assert found in (("failed", "expired"), ("accepted", "accepted"))
    assert (getattr(answer, "status", None) == 200) == (found[0] == "accepted")
    assert server("GET", "Task/now")["meta"]["versionId"] == "2"

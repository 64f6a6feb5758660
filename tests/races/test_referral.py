"""E.10 test 2: of departments that accept one referral at the same time, one does."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.alliance.referral.world import CONSENT, DIRECTORY, LOWER, UPPER, business, service_request, task
from tests.races.crowd import CLIENTS, all_at_once, statuses, with_crowd
from tests.server import Server
from tests.wire import Answer, Connection

ACTING_LOWER, ACTING_UPPER = (("X-Acting-Organization", name) for name in (LOWER, UPPER))


async def _send(client: Connection, method: str, path: str, body: Any, *headers: tuple[str, str]) -> Answer:
    answer = await client.request(method, path, body, headers)
    assert answer.status in (200, 201), answer.body
    return answer


async def _submitted(client: Connection) -> dict[str, Any]:
    """A Task that waits to be accepted."""
    number = str(uuid4())
    request = service_request(f"sr-{number}")
    request["identifier"] = [request["identifier"][0] | {"value": number}]
    asked = task(f"t-{number}", focus={"reference": f"ServiceRequest/sr-{number}"})
    asked["identifier"] = [asked["identifier"][0] | {"value": number}]
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in (*DIRECTORY, CONSENT, request, asked)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    await _send(client, "POST", "/fhir", bundle, ACTING_LOWER)
    found: dict[str, Any] = (await _send(client, "GET", f"/fhir/Task/t-{number}", None)).json()
    return found


@pytest.mark.parametrize("rounds", [3, pytest.param(30, marks=pytest.mark.long)])
def test_E10_02_concurrent_accepts(server: Server, rounds: int) -> None:
    async def race(clients: list[Connection]) -> None:
        for _ in range(rounds):
            found = await _submitted(clients[0])
            accepted = found | {"status": "accepted", "businessStatus": business("accepted")}
            tag = ("If-Match", f'W/"{found["meta"]["versionId"]}"')

            async def accept(
                number: int, client: Connection, accepted: Any = accepted, tag: Any = tag
            ) -> Answer:
                noted = accepted | {"note": [{"text": f"department {number}"}]}
                headers = (ACTING_UPPER, tag)
                return await client.request("PUT", f"/fhir/Task/{accepted['id']}", noted, headers)

            answers = await all_at_once(clients, accept)
            assert statuses(answers) == {200: 1, 412: CLIENTS - 1}
            winner = next(answer.json() for answer in answers if answer.status == 200)
            now = (await _send(clients[0], "GET", f"/fhir/Task/{found['id']}", None)).json()
            assert json.dumps(now, sort_keys=True) == json.dumps(winner, sort_keys=True)

    with_crowd(server, race)


def test_concurrent_accepts_by_the_operation(server: Server) -> None:
    """Without If-Match the second finds it accepted already."""

    async def race(clients: list[Connection]) -> None:
        found = await _submitted(clients[0])

        async def accept(_: int, client: Connection) -> Answer:
            return await client.request("POST", f"/fhir/Task/{found['id']}/$accept", None, (ACTING_UPPER,))

        answers = await all_at_once(clients, accept)
        assert statuses(answers) == {200: CLIENTS}
        versions = {answer.json()["meta"]["versionId"] for answer in answers}
        assert len(versions) == 1

    with_crowd(server, race)

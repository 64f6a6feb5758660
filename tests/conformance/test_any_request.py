"""Whatever a client sends, it is answered or refused with issues, and never with 500."""

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from tests.conformance.client import Client
from tests.conformance.hostile import LARGEST, Drawn, Hostile
from tests.examples import official_examples
from tests.rest.calling import Answer

ONES = 400
MANY = 15_000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    found = Client(tmp_path_factory.mktemp("hostile"))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("seed", "requests"),
    [(1, ONES), (2, ONES), *(pytest.param(seed, MANY, marks=pytest.mark.long) for seed in (11, 12))],
)
def test_every_request_is_answered_or_refused(client: Client, seed: int, requests: int) -> None:
    examples = [json.loads(text) for _, text in official_examples() if len(text) < LARGEST]
    hostile = Hostile(seed, examples, client.ask("GET", "/metadata").json)
    statuses = set()
    for number in range(requests):
        drawn = hostile.draw()
        answer = client.ask(*drawn)
        statuses.add(answer.status)
        assert is_sound(drawn, answer), f"{number}: {drawn} was answered with {answer}"
    assert {200, 201, 400, 404} <= statuses


def is_sound(drawn: Drawn, answer: Answer) -> bool:
    # the index of a SearchParameter that was just written is being built
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and (answer.status, answer.code) != (
        503,
        "transient",
    ):
        return False
    if drawn.method == "HEAD" or answer.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return answer.body == b""
    if not answer.headers["content-type"].startswith("application/fhir+json"):
        return answer.status < HTTPStatus.BAD_REQUEST
    if answer.status < HTTPStatus.BAD_REQUEST:
        return "resourceType" in answer.json
    issues = answer.json["issue"]
    return all(issue["severity"] in ("fatal", "error", "warning", "information") for issue in issues) and any(
        issue["severity"] in ("fatal", "error") and issue["diagnostics"] for issue in issues
    )

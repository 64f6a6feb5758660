import asyncio

import pytest

from fhir_server.config import Settings
from fhir_server.interactions.request import Request, Response
from fhir_server.rest.application import FhirApplication
from fhir_server.rest.log import Log
from tests.rest.calling import JSON, PATIENT, TYPES, Answer, ask, send_to, version


def test_I03_101_headers_are_431() -> None:
    answer = ask("GET", "/fhir/Patient/1", [(f"x-{number}", "a") for number in range(100)])  # and Host
    assert (answer.status, answer.code) == (431, "too-long")


def test_I03_100_headers_are_read() -> None:
    assert ask("GET", "/fhir/Patient/1", [(f"x-{number}", "a") for number in range(99)]).status == 200


def test_I03_a_header_of_64_kib_is_431() -> None:
    answer = ask("GET", "/fhir/Patient/1", {"x-large": "a" * 65536})
    assert (answer.status, answer.code) == (431, "too-long")


@pytest.mark.parametrize("target", ["/fhir/Patient?name=" + "a" * 16384, "/fhir/" + "a" * 16384])
def test_I03_E13_a_url_of_16_kib_is_414(target: str) -> None:
    answer = ask("GET", target)
    assert (answer.status, answer.code) == (414, "too-long")


class Waiting:
    """Interactions that are in work until they are let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, request: Request) -> Response:
        await self.go.wait()
        return Response(200, version=version())


async def together(settings: Settings, bodies: list[bytes]) -> tuple[list[Answer], FhirApplication]:
    """One more request than is let go: the last is asked while all others are in work."""
    waiting = Waiting()
    application = FhirApplication(waiting, settings, Log(None, TYPES))
    in_work = [
        asyncio.create_task(send_to(application, "PUT", "/fhir/Patient/1", JSON, body))
        for body in bodies[:-1]
    ]
    for _ in range(5):
        await asyncio.sleep(0)
    last = await send_to(application, "PUT", "/fhir/Patient/1", JSON, bodies[-1])
    waiting.go.set()
    return [*(await asyncio.gather(*in_work)), last], application


def test_I09_more_requests_than_are_taken_at_a_time_are_503() -> None:
    answers, application = asyncio.run(together(Settings(requests_in_flight=3), [PATIENT] * 4))
    assert [answer.status for answer in answers] == [200, 200, 200, 503]
    assert answers[-1].code == "transient"
    assert answers[-1].headers["retry-after"] == "1"
    assert (application.load.requests, application.load.bytes_held) == (0, 0)


def test_I09_more_bytes_than_are_held_at_a_time_are_503() -> None:
    settings = Settings(body_bytes_held=2 * len(PATIENT) + 10)
    answers, application = asyncio.run(together(settings, [PATIENT] * 3))
    assert [answer.status for answer in answers] == [200, 200, 503]
    assert answers[-1].code == "transient"
    assert (application.load.requests, application.load.bytes_held) == (0, 0)


def test_I09_reads_go_on_while_the_bytes_of_bodies_are_used_up() -> None:
    async def run() -> list[int]:
        waiting = Waiting()
        application = FhirApplication(waiting, Settings(body_bytes_held=len(PATIENT)), Log(None, TYPES))
        write = asyncio.create_task(send_to(application, "PUT", "/fhir/Patient/1", JSON, PATIENT))
        read = asyncio.create_task(send_to(application, "GET", "/fhir/Patient/1"))
        await asyncio.sleep(0)
        waiting.go.set()
        return [(await write).status, (await read).status]

    assert asyncio.run(run()) == [200, 200]

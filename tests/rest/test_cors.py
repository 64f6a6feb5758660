import asyncio

from fhir_server.config import Settings
from fhir_server.rest.application import FhirApplication
from fhir_server.rest.cors import cross_origin
from fhir_server.rest.log import Log
from tests.rest.calling import PATIENT, TYPES, Answer, Performed, send_to

OURS = "https://console.example.cn"
PREFLIGHT = {"Origin": OURS, "Access-Control-Request-Method": "PUT"}


def ask(method: str, headers: dict[str, str], origins: tuple[str, ...] = (OURS,)) -> Answer:
    async def run() -> Answer:
        application = FhirApplication(Performed(), Settings(), Log(None, TYPES))
        return await send_to(cross_origin(application, origins), method, "/fhir/Patient/1", headers)

    return asyncio.run(run())


def test_a_page_of_an_allowed_origin_may_read_the_answer() -> None:
    answer = ask("GET", {"Origin": OURS})
    assert (answer.status, answer.body) == (200, PATIENT)
    assert answer.headers["access-control-allow-origin"] == OURS
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"


def test_a_page_of_another_origin_may_not() -> None:
    answer = ask("GET", {"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_preflight_is_answered() -> None:
    answer = ask("OPTIONS", PREFLIGHT)
    assert answer.status == 204
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert {"If-Match", "X-Acting-Organization"} <= set(
        answer.headers["access-control-allow-headers"].split(", ")
    )


def test_a_preflight_of_another_origin_is_405() -> None:
    assert ask("OPTIONS", PREFLIGHT | {"Origin": "null"}).status == 405


def test_a_star_allows_every_origin() -> None:
    answer = ask("GET", {"Origin": "https://any.example"}, ("*",))
    assert answer.headers["access-control-allow-origin"] == "https://any.example"


def test_requests_that_are_not_of_browsers_are_as_ever() -> None:
    assert not [name for name in ask("GET", {}).headers if name.startswith("access-control")]

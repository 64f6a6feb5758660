import asyncio
import json
import logging

import pytest

from fhir_server.interactions.request import Request
from fhir_server.interactions.url import parse_url
from fhir_server.rest.log import Log, Records, interaction
from tests.rest.calling import JSON, MOMENT, TYPES, Answer, ask


def logged(
    method: str, target: str | bytes, headers: dict[str, str] | None = None
) -> tuple[Answer, dict[str, object]]:
    lines: list[bytes] = []
    answer = ask(method, target, headers, log=lines)
    (line,) = b"".join(lines).splitlines()
    return answer, json.loads(line)


def test_one_line_a_request() -> None:
    answer, line = logged("GET", "/fhir/Patient/1")
    assert line.pop("ms") >= 0  # type: ignore[operator]
    assert line == {
        "time": "2026-11-18T11:06:40.123Z", "id": answer.headers["x-request-id"], "interaction": "read",
        "type": "Patient", "status": 200,
    }  # fmt: skip


@pytest.mark.parametrize(
    "target",
    [
        "/fhir/Patient/zhang-san-1970", "/fhir/Patient?name=zhang-san-1970", "/fhir/zhang-san-1970",
        "/fhir/Patient/$zhang-san-1970", "/fhir/Patient/1/zhang-san-1970", "/fhir/zhang-san-1970/1/2/3/4/5",
        "/fhir/Patient/1?_format=zhang-san-1970",
    ],
)  # fmt: skip
def test_no_id_no_value_and_nothing_unknown_is_logged(target: str) -> None:
    _, line = logged("GET", target)
    assert "zhang-san" not in json.dumps(line)


def test_an_id_of_the_client_is_echoed_and_logged() -> None:
    answer, line = logged("GET", "/fhir/Patient/1", {"X-Request-Id": "order-17.4"})
    assert answer.headers["x-request-id"] == line["id"] == "order-17.4"


@pytest.mark.parametrize(
    "given",
    ["a\r\nSet-Cookie: b", "\x1b[31mred", 'a"b', "a\\b", "a b", "\xe5\xbc\xa0", "a" * 129, ""],
)  # fmt: skip
def test_G13_an_id_of_the_client_that_is_long_or_not_harmless_is_replaced(given: str) -> None:
    answer, line = logged("GET", "/fhir/Patient/1", {"X-Request-Id": given})
    assert answer.headers["x-request-id"] == line["id"] != given
    assert 0 < len(answer.headers["x-request-id"]) <= 128


def test_G13_an_id_of_128_characters_is_kept() -> None:
    answer, _ = logged("GET", "/fhir/Patient/1", {"X-Request-Id": "a" * 128})
    assert answer.headers["x-request-id"] == "a" * 128


def test_G13_user_agent_and_query_do_not_reach_the_log() -> None:
    _, line = logged("GET", "/fhir/Patient?name=%0d%0aevil", {"User-Agent": "evil\r\n\x1b[31m"})
    assert "evil" not in json.dumps(line)


def test_own_ids_differ() -> None:
    assert logged("GET", "/fhir/Patient/1")[1]["id"] != logged("GET", "/fhir/Patient/1")[1]["id"]


def test_no_log_when_it_is_off() -> None:
    async def run() -> None:
        Log(None, TYPES).failed("1", "2", KeyError())

    asyncio.run(run())


def test_many_lines_are_written_before_the_time_is_up() -> None:
    lines: list[bytes] = []

    async def run() -> None:
        log = Log(lines.append, TYPES, lambda: MOMENT)
        for number in range(501):
            log.failed(str(number), "t", KeyError())

    asyncio.run(run())
    assert len(b"".join(lines).splitlines()) >= 500


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "metadata", "capabilities"),
        ("GET", "Patient/1", "read"),
        ("HEAD", "Patient/1", "read"),
        ("GET", "Patient/1/_history/2", "vread"),
        ("GET", "Patient/1/_history", "history-instance"),
        ("GET", "Patient/_history", "history-type"),
        ("GET", "_history", "history-system"),
        ("GET", "Patient", "search-type"),
        ("POST", "Patient/_search", "search-type"),
        ("GET", "", "search-system"),
        ("GET", "Patient/1/Observation", "search-compartment"),
        ("POST", "Patient", "create"),
        ("PUT", "Patient/1", "update"),
        ("PATCH", "Patient/1", "patch"),
        ("DELETE", "Patient/1", "delete"),
        ("POST", "", "bundle"),
        ("POST", "Patient/$validate", "operation"),
    ],
)
def test_interactions_have_the_names_of_fhir(method: str, path: str, code: str) -> None:
    request: Request = parse_url(method, path)  # type: ignore[arg-type]
    assert interaction(request) == code


def test_a_request_that_is_refused_unread_is_logged() -> None:
    lines: list[bytes] = []
    ask("POST", "/fhir/Patient", JSON, b"{", log=lines)
    assert json.loads(lines[0])["status"] == 400


def test_records_of_libraries_keep_their_first_line_and_no_text_of_an_error() -> None:
    lines: list[bytes] = []
    logger = logging.Logger("asyncio")
    logger.addHandler(Records(Log(lines.append, TYPES, lambda: MOMENT)))
    try:
        raise KeyError("zhang-san")
    except KeyError as error:
        logger.error("Task exception was never retrieved\nfuture: %r", error, exc_info=error)
    logger.info("not worth a line")
    (line,) = map(json.loads, lines)
    assert (line["level"], line["source"], line["error"]) == ("error", "asyncio", "KeyError")
    assert line["message"] == "Task exception was never retrieved"
    assert line["frames"] and "zhang-san" not in json.dumps(line)

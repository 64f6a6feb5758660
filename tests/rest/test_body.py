import asyncio
import gzip
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from fhir_server.config import Settings
from fhir_server.outcome import FhirError
from fhir_server.rest.application import FhirApplication
from fhir_server.rest.body import DisconnectError, discard, receive_body
from fhir_server.rest.log import Log
from tests.rest.calling import JSON, PATIENT, TYPES, Performed, ask, understood

SMALL = Settings(body_bytes=2048)
GZIP = {**JSON, "Content-Encoding": "gzip"}


def test_a_body_in_chunks_is_joined() -> None:
    chunks = [PATIENT[:10], b"", PATIENT[10:]]
    assert understood("PUT", "/fhir/Patient/1", JSON, chunks).resource is not None


def test_A18_a_body_over_the_limit_by_its_length_is_413_and_unread() -> None:
    answer = ask("POST", "/fhir/Patient", JSON, b" " * 2049, settings=SMALL)
    assert (answer.status, answer.code) == (413, "too-long")
    assert answer.headers["connection"] == "close"


def test_A18_a_chunked_body_over_the_limit_is_413_and_no_more_is_kept() -> None:
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        for _ in range(3):
            taken += 1
            yield b" " * 1024

    answer = ask("POST", "/fhir/Patient", JSON, chunks(), settings=SMALL)
    assert (answer.status, answer.code) == (413, "too-long")
    assert answer.headers["connection"] == "close"


def test_A18_a_body_of_exactly_the_limit_is_read() -> None:
    body = PATIENT + b" " * (2048 - len(PATIENT))
    assert ask("PUT", "/fhir/Patient/1", JSON, body, settings=SMALL).status == 200


def test_A18_what_is_discarded_after_413_is_bounded() -> None:
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": True}

    asyncio.run(discard(receive, 4096, 5))
    assert read == 4


def test_a_body_that_does_not_come_is_408() -> None:
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(FhirError) as error:
        asyncio.run(receive_body(never, 10, lambda size: None, 0.001))
    assert (error.value.status, error.value.issues[0].code) == (408, "timeout")


def test_a_request_that_is_cancelled_while_its_body_comes_is_not_told_to_be_late() -> None:
    async def cancelled() -> None:
        reading = asyncio.create_task(receive_body(asyncio.Event().wait, 10, lambda size: None, 60))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        reading.cancel()
        await reading

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_I11_a_client_that_hangs_up_before_its_body_is_whole_changes_nothing() -> None:
    performed = Performed()
    lines: list[bytes] = []
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": PATIENT[:20], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        raise AssertionError("nobody is there to be answered")

    async def run() -> int:
        log = Log(lines.append, TYPES)
        application = FhirApplication(performed, Settings(), log)
        scope = {
            "type": "http", "method": "POST", "raw_path": b"/fhir/Patient", "query_string": b"",
            "scheme": "http", "path": "/fhir/Patient",
            "headers": [
                (b"host", b"test"), (b"content-type", b"application/json"), (b"content-length", b"78")
            ],
        }  # fmt: skip
        await application(scope, receive, send)
        log.flush()
        return application.load.requests + application.load.bytes_held

    assert asyncio.run(run()) == 0
    assert performed.requests == []
    assert b'"status":499' in lines[0]


def test_hanging_up_is_an_error_of_its_own() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(DisconnectError):
        asyncio.run(receive_body(gone, 10, lambda size: None, 1))


def test_a_gzip_body_is_read() -> None:
    assert understood("PUT", "/fhir/Patient/1", GZIP, gzip.compress(PATIENT)).resource is not None


def test_a_large_gzip_body_is_read() -> None:
    noise = bytes(range(32, 34)) + bytes(35 + i * 7919 % 50 for i in range(300_000))
    body = b'{"resourceType":"Patient","id":"1","x":"' + noise.replace(b'"', b"").replace(b"\\", b"") + b'"}'
    packed = zlib.compress(body, 0, 31)
    assert len(packed) > 64 * 1024
    assert understood("PUT", "/fhir/Patient/1", GZIP, packed).resource is not None


def test_B04_a_gzip_bomb_is_413_before_it_bursts() -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    bomb = b"".join(stream.compress(zeros) for _ in range(64)) + stream.flush()
    answer = ask("POST", "/fhir/Patient", GZIP, bomb)
    assert (answer.status, answer.code) == (413, "too-long")


def test_B04_a_truncated_gzip_body_is_400() -> None:
    answer = ask("POST", "/fhir/Patient", GZIP, gzip.compress(PATIENT)[:-12])
    assert (answer.status, answer.code) == (400, "structure")


@pytest.mark.parametrize("body", [b"not gzip", PATIENT, gzip.compress(PATIENT, mtime=0) + b"more"])
def test_B04_a_body_that_is_not_one_gzip_stream_is_400(body: bytes) -> None:
    answer = ask("POST", "/fhir/Patient", GZIP, body)
    assert (answer.status, answer.code) == (400, "structure")


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "deflate", "zstd", "gzip\x1b[1m"])
def test_B04_a_coding_other_than_gzip_once_is_415(coding: str) -> None:
    answer = ask("POST", "/fhir/Patient", {**JSON, "Content-Encoding": coding}, gzip.compress(PATIENT))
    assert (answer.status, answer.code) == (415, "not-supported")
    assert answer.headers["accept-encoding"] == "gzip"


def test_an_empty_body_is_none() -> None:
    assert understood("PUT", "/fhir/Patient/1", JSON, b"").resource is None


def test_a_content_length_that_is_no_number_is_400() -> None:
    answer = ask("POST", "/fhir/Patient", {**JSON, "Content-Length": "5, 5"})
    assert (answer.status, answer.code) == (400, "invalid")


def test_a_body_of_a_get_is_not_read() -> None:
    assert understood("GET", "/fhir/Patient/1", JSON, b"{").resource is None

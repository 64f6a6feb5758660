"""The server as a process: signals, connections, and what is not HTTP."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.rest.calling import JSON, PATIENT
from tests.rest.serving import LARGE

DEADLINE_S = 15


class Server:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.port = int(self.line())
        self.url = f"http://127.0.0.1:{self.port}/fhir"

    def line(self) -> str:
        """The next line that the server prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode().strip()

    def begun_in(self) -> int:
        """The process that begins the next request."""
        return int(self.line().split()[0])

    def end(self) -> tuple[int, list[str]]:
        """Exit code, and the lines of the log."""
        _, log = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, log.decode().splitlines()

    def stop(self) -> tuple[int, list[str]]:
        self.process.terminate()
        return self.end()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE_S)

    def talk(self, sent: bytes) -> bytes:
        """What comes until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(sent)
            return all_of(connection)


def all_of(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.rest.serving", *(arguments or ("1",))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield Server(process)
        finally:
            if process.poll() is None:
                process.kill()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as found:
        yield found
        found.process.terminate()


def outcome(answer: bytes) -> tuple[bytes, str]:
    """The status line and the code of the outcome."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/fhir+json" in head
    return head.split(b"\r\n")[0], json.loads(body)["issue"][0]["code"]


def test_sigterm_finishes_what_is_in_work_and_closes() -> None:
    with serving() as server, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.get, f"{server.url}/Patient/slow", timeout=DEADLINE_S)
        assert server.begun_in() == server.process.pid
        code, log = server.stop()
        assert answer.result().status_code == 200
    assert code == 0
    assert json.loads(log[0])["status"] == 200
    assert log[-1] == "closed"


def test_an_idle_connection_does_not_hold_up_the_end() -> None:
    with serving() as server, httpx.Client() as idle:
        idle.get(f"{server.url}/Patient/1")
        code, _ = server.stop()
    assert code == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: a\r\nbroken header\r\n\r\n",
        b"POST /fhir HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /fhir HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST /fhir HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /fhir HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
        b"GET /fhir/Patient/1 HTTP/1.1\nHost: a\n\n",
        b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: a\r\nX-Folded: one\r\n two\r\n\r\n",
        b"GET /fhir/\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_I04_what_is_not_http_is_400_and_the_connection_is_closed(server: Server, sent: bytes) -> None:
    assert outcome(server.talk(sent)) == (b"HTTP/1.1 400 Bad Request", "structure")


def test_a_url_beyond_ascii_is_told_how_to_be_written(server: Server) -> None:
    answer = server.talk("GET /fhir/Patient?name=张 HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert outcome(answer) == (b"HTTP/1.1 400 Bad Request", "structure")
    assert "%E5%BC%A0" in answer.decode()


@pytest.mark.parametrize("method", [b"TRACE", b"FOO", b"PROPFIND", b"get"])
def test_I05_a_method_without_meaning_is_405(server: Server, method: bytes) -> None:
    answer = server.talk(method + b" /fhir/Patient/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert outcome(answer) == (b"HTTP/1.1 405 Method Not Allowed", "not-supported")
    assert b"\r\nallow: GET, HEAD, POST, PUT, PATCH, DELETE\r\n" in answer


def test_I03_a_head_without_an_end_is_431_and_closed(server: Server) -> None:
    line = b"x-more: " + b"a" * 1000 + b"\r\n"
    with server.connect() as connection:
        connection.sendall(b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: a\r\n")
        try:
            for _ in range(1000):
                connection.sendall(line)
        except OSError:
            pass  # it is closed while we send
        answer = b""
        try:
            answer = all_of(connection)
        except ConnectionResetError:
            return
    assert outcome(answer)[0] == b"HTTP/1.1 431 Request Header Fields Too Large"


def test_I03_many_headers_are_431(server: Server) -> None:
    answer = httpx.get(f"{server.url}/Patient/1", headers={f"x-{number}": "a" for number in range(200)})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (431, "too-long")


def test_I03_a_long_url_is_414(server: Server) -> None:
    answer = httpx.get(f"{server.url}/Patient?name={'a' * 16384}")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (414, "too-long")


def test_a_head_that_does_not_come_is_given_up() -> None:
    with serving("1", "0.1") as server, server.connect() as connection:
        connection.sendall(b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: a\r\n")
        assert connection.recv(1) == b""


def test_only_a_body_that_is_not_here_is_waited_for_and_not_for_long() -> None:
    head = b"POST /fhir/Patient HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\n"
    head += b"Content-Length: %d\r\n" % len(PATIENT)
    asking = head + b"Expect: 100-continue\r\n\r\n"
    with serving() as server:
        with server.connect() as connection:
            connection.sendall(head + b"\r\n" + PATIENT)
            assert connection.recv(12) == b"HTTP/1.1 200"
        with server.connect() as connection:
            connection.sendall(asking)
            assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"  # the server has begun to read
            connection.sendall(PATIENT)
            assert connection.recv(12) == b"HTTP/1.1 200"
    with serving("1", "0.1") as server, server.connect() as connection:
        connection.sendall(asking)
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert connection.recv(12) == b"HTTP/1.1 408"


def test_gzip_both_ways(server: Server) -> None:
    headers = {**JSON, "Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    answer = httpx.put(f"{server.url}/Patient/1", headers=headers, content=gzip.compress(PATIENT))
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert answer.content == LARGE
    assert int(answer.headers["content-length"]) < len(LARGE)


def test_head_is_answered_without_a_body(server: Server) -> None:
    answer = httpx.head(f"{server.url}/Patient/1", headers={"Accept-Encoding": "identity"})
    assert (answer.content, answer.headers["content-length"]) == (b"", str(len(LARGE)))


def test_no_header_tells_what_serves(server: Server) -> None:
    assert "server" not in httpx.get(f"{server.url}/Patient/1").headers


def test_A18_a_client_that_sends_too_much_gets_to_read_413(server: Server) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 8192

    for body in (chunks(), b" " * 100_000):
        answer = httpx.post(f"{server.url}/Patient", headers=JSON, content=body)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (413, "too-long")
        assert answer.headers["connection"] == "close"


def test_A18_nothing_is_sent_by_a_client_that_asks_first(server: Server) -> None:
    head = (
        b"POST /fhir/Patient HTTP/1.1\r\nHost: a\r\nContent-Type: application/fhir+json\r\n"
        b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
    )
    with server.connect() as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_refused_body_leaves_the_connection_usable(server: Server) -> None:
    with httpx.Client() as client:
        refused = client.post(
            f"{server.url}/Patient", headers={"Content-Type": "text/plain"}, content=b"a" * 1000
        )
        assert refused.status_code == 415
        assert client.get(f"{server.url}/Patient/1").status_code == 200


def test_an_offer_to_upgrade_is_passed_over(server: Server) -> None:
    """As Java's HTTP client makes it with its first request on a connection."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIA\r\n"
    put = (
        b"PUT /fhir/Patient/1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    )
    with server.connect() as connection:
        connection.sendall(put % len(PATIENT) + offer + b"\r\n" + PATIENT)
        answer = b""
        while not answer.endswith(LARGE):
            answer += connection.recv(65536)
        connection.sendall(b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer += all_of(connection)
    assert answer.count(b"HTTP/1.1 200 OK") == 2


def test_I11_clients_that_hang_up_leave_nothing_behind() -> None:
    head = (
        b"PUT /fhir/Patient/1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/fhir+json\r\n"
        b"Content-Length: 1000\r\n\r\n{"
    )
    with serving() as server:
        for _ in range(50):
            with server.connect() as connection:
                connection.sendall(head)
        assert httpx.get(f"{server.url}/Patient/1").status_code == 200
        assert server.line().split()[1:] == ["GET", "1"]  # none of the others was begun
        code, log = server.stop()
    statuses = [json.loads(line)["status"] for line in log if line.startswith("{")]
    assert (code, statuses.count(499), statuses.count(200), log[-1]) == (0, 50, 1, "closed")


def test_I11_a_client_that_hangs_up_while_its_request_is_in_work_does_not_stop_it() -> None:
    with serving() as server:
        with server.connect() as connection:
            connection.sendall(b"GET /fhir/Patient/slow HTTP/1.1\r\nHost: a\r\n\r\n")
            server.begun_in()
        code, log = server.stop()
    assert code == 0
    assert [json.loads(line)["status"] for line in log if line.startswith("{")] == [200]


def test_workers_are_replaced_when_they_die_and_end_together() -> None:
    with serving("2") as server:
        first = ask_until(server, lambda pid: True)
        os.kill(first, signal.SIGKILL)
        second = ask_until(server, lambda pid: pid != first)
        assert second != server.process.pid
        code, log = server.stop()
    assert code == 0
    assert "closed" in log  # the new one may be ended before it has begun


def test_workers_do_not_outlive_their_parent() -> None:
    with serving("2") as server:
        ask_until(server, lambda pid: True)
        server.process.kill()
        _, log = server.end()  # ends when the last process that holds the pipe has
    assert log.count("closed") == 2


def ask_until(server: Server, wanted: object) -> int:
    """Asks until a process of the wanted kind answers."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{server.url}/Patient/1")
        except httpx.TransportError:
            continue  # the one that was asked has just been killed
        pid = server.begun_in()
        if wanted(pid):  # type: ignore[operator]
            return pid
    raise AssertionError("no process of that kind answered in time")

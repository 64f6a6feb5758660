"""An npm registry on the loopback, for tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Registry:
    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.address = ""

    def give(self, name: str = "org.example", body: bytes = b"the bytes of a package", **dist: Any) -> None:
        tarball = f"{self.address}/-/{name}.tgz"
        self.answers[f"/{name.replace('/', '%2F')}"] = json.dumps(
            {"versions": {"1.0.0": {"dist": {"tarball": tarball, **dist}}}}
        ).encode()
        self.answers[f"/-/{name}.tgz"] = body


@contextmanager
def running() -> Iterator[Registry]:
    found = Registry()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            body = found.answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        found.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()

"""A server for tests: the real one, with interactions that are told by the id what to do.

`python -m tests.rest.serving WORKERS [TIMEOUT_S]` prints its port, then a line for each request begun.
TIMEOUT_S: of heads and of bodies.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from fhir_server.config import Settings
from fhir_server.interactions.request import Request, Response
from fhir_server.rest import protocol
from fhir_server.rest.application import FhirApplication
from fhir_server.rest.log import Log
from fhir_server.rest.server import listen, run
from fhir_server.rest.workers import Workers
from tests.rest.calling import TYPES, version

LARGE = b'{"resourceType":"Patient","id":"1","meta":{"versionId":"3"},"x":"' + b"a" * 5000 + b'"}'
SETTINGS = Settings(body_bytes=64 * 1024, stop_timeout_s=5, keep_alive_s=5)


async def perform(request: Request) -> Response:
    sys.stdout.write(f"{os.getpid()} {request.method} {request.id}\n")
    sys.stdout.flush()
    if request.id == "slow":
        await asyncio.sleep(0.3)
    return Response(200, version=version(LARGE))


def application(settings: Settings) -> Callable[..., Awaitable[None]]:
    log = Log(lambda line: os.write(2, line), TYPES)
    fhir = FhirApplication(perform, settings, log)

    async def run(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            return await fhir(scope, receive, send)
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        log.flush()
        os.write(2, b"closed\n")
        await send({"type": "lifespan.shutdown.complete"})

    return run


def main() -> None:
    workers, settings = int(sys.argv[1]), SETTINGS
    if len(sys.argv) > 2:
        protocol.HEAD_TIMEOUT_S = timeout_s = float(sys.argv[2])
        settings = replace(SETTINGS, body_timeout_s=timeout_s)
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    if workers == 1:
        run(application(settings), listener, settings)
    else:
        sys.exit(
            Workers(
                workers, lambda parent: run(application(settings), listener, settings, parent=parent), 5
            ).run()
        )


if __name__ == "__main__":
    main()

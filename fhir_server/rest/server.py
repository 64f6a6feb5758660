"""Runs an ASGI application in one process, until it is told to stop.

https://www.uvicorn.org/, signals as in https://man7.org/linux/man-pages/man7/signal.7.html
"""

import asyncio
import signal
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from fhir_server.config import Settings
from fhir_server.rest.protocol import FhirProtocol

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; raises OSError. Connections wait in it until a process takes them."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(_BACKLOG)
    except OSError:
        found.close()
        raise
    found.set_inheritable(True)
    return found


def run(
    application: Any,
    listener: socket.socket,
    settings: Settings,
    *,
    parent: int | None = None,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish what is in work.

    parent: a pipe whose other end the parent process holds open; None: there is no parent to outlive.
    started: called when requests are answered.
    """
    server = _Server(_configuration(application, settings), parent, started)
    # from now on, not only when uvicorn gets to it. It raises the signal again when it is done, and meets
    # its own handler instead of the end of the process: an ordered stop is a success
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listener])


def _configuration(application: Any, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=FhirProtocol,
        loop="auto",
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=settings.stop_timeout_s,
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, parent: int | None, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._parent = parent
        self._tell = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._parent is not None:
            asyncio.get_running_loop().add_reader(self._parent, self._orphaned)
        self._tell()

    def _orphaned(self) -> None:
        """The parent is gone, however it died: nobody could stop this process any more."""
        assert self._parent is not None
        asyncio.get_running_loop().remove_reader(self._parent)
        self.should_exit = True

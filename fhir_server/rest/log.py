"""The log: one JSON line for a request, one for an internal error.

No query, no id of a resource, no text of an exception goes in: patients stand in all of them.
"""

import asyncio
import logging
from collections.abc import Callable
from logging import LogRecord
from types import TracebackType

import msgspec

from fhir_server.clock import Clock, format_instant, system_clock
from fhir_server.interactions.request import Request
from fhir_server.rest.exchange import Exchange

Write = Callable[[bytes], object]

_FLUSH_AFTER_S = 0.1
_FLUSH_AT_LINES = 500
_LONGEST_MESSAGE = 200
_NOT_UNDERSTOOD = "unknown"


class Log:
    """Lines are gathered for a tenth of a second: to write each would cost as much as a read of the store."""

    def __init__(
        self, write: Write | None, resource_types: frozenset[str], clock: Clock = system_clock
    ) -> None:
        self._write = write  # None: nothing is logged
        self._resource_types = resource_types
        self._clock = clock
        self._lines: list[str] = []
        self._second = 0
        self._second_text = ""  # of `_second`, `2026-11-23T08:00:00`: formatting costs more than all the rest

    def answered(self, exchange: Exchange, status: int, took_s: float) -> None:
        if self._write is None:
            return
        request = exchange.request
        resource_type = None if request is None else request.resource_type
        # what is no type of FHIR could be anything that a client put there
        shown = f',"type":"{resource_type}"' if resource_type in self._resource_types else ""
        self._add(
            f'{{"time":"{self._now()}","id":"{exchange.request_id}",'
            f'"interaction":"{_NOT_UNDERSTOOD if request is None else interaction(request)}"{shown},'
            f'"status":{status},"ms":{took_s * 1000:.2f}}}\n'
        )

    def failed(self, request_id: str | None, trace_id: str, error: BaseException) -> None:
        """The class and the frames of an error, without its text."""
        line = {
            "time": self._now(),
            "level": "error",
            "id": request_id,
            "trace": trace_id,
            "error": type(error).__name__,
            "frames": _frames(error.__traceback__),
        }
        self._add(msgspec.json.encode(line).decode() + "\n")

    def noted(self, record: LogRecord) -> None:
        """A record of a library: its first line, for the others can hold the text of an error."""
        line: dict[str, object] = {
            "time": self._now(),
            "level": record.levelname.lower(),
            "source": record.name,
            "message": record.getMessage().strip().partition("\n")[0][:_LONGEST_MESSAGE],
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line |= {"error": type(error).__name__, "frames": _frames(error.__traceback__)}
        if self._write is not None:
            self._write(msgspec.json.encode(line) + b"\n")

    def flush(self) -> None:
        if self._lines and self._write is not None:
            text, self._lines = "".join(self._lines), []
            self._write(text.encode())

    def _now(self) -> str:
        second, millisecond = divmod(self._clock(), 1000)
        if second != self._second:
            self._second = second
            self._second_text = format_instant(second * 1000)[: len("2026-11-23T08:00:00")]
        return f"{self._second_text}.{millisecond:03}Z"

    def _add(self, line: str) -> None:
        if not self._lines:
            asyncio.get_running_loop().call_later(_FLUSH_AFTER_S, self.flush)
        self._lines.append(line)
        if len(self._lines) >= _FLUSH_AT_LINES:
            self.flush()


class Records(logging.Handler):
    """Takes what libraries log into ours."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: LogRecord) -> None:
        self._log.noted(record)


def interaction(request: Request) -> str:
    """Its code in https://hl7.org/fhir/R4/valueset-type-restful-interaction.html, `operation` or `bundle`."""
    if request.metadata:
        return "capabilities"
    if request.operation is not None:
        return "operation"
    if request.history:
        return "vread" if request.version_id is not None else f"history-{_level(request)}"
    if request.search or request.compartment_type is not None:
        return f"search-{_level(request)}"
    if request.method in ("GET", "HEAD"):
        return "read" if request.id is not None else f"search-{_level(request)}"
    if request.resource_type is None:
        return "bundle"
    return _WRITES[request.method]


_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def _level(request: Request) -> str:
    if request.id is not None:
        return "instance" if request.history else "compartment"
    return "system" if request.resource_type is None else "type"


def _frames(traceback: TracebackType | None) -> list[str]:
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        file = "/".join(code.co_filename.replace("\\", "/").split("/")[-3:])
        found.append(f"{file}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return found

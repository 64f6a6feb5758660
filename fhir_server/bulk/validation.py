"""Many files validated, resource by resource; nothing is kept.

https://hl7.org/fhir/R4/validation.html
"""

import os
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fhir_server.bulk.files import Source, items, sources
from fhir_server.interactions.context import Context
from fhir_server.interactions.review import review
from fhir_server.outcome import FhirError, Issue
from fhir_server.resource import parse
from fhir_server.validation.positions import Positions

_ERRORS = frozenset(("fatal", "error"))


@dataclass(frozen=True, slots=True)
class Validated:
    """One resource of a file."""

    file: str
    line: int | None  # from 1, of an NDJSON file; None: the file is the resource
    issues: tuple[Issue, ...]
    read_bytes: int  # of the file, up to here

    @property
    def failed(self) -> bool:
        return any(issue.severity in _ERRORS for issue in self.issues)

    @property
    def place(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


async def validate(context: Context, paths: Sequence[Path], asked: Sequence[str]) -> AsyncIterator[Validated]:
    """asked: profiles beyond those that the resources claim. Raises UnknownFileError.

    A file that cannot be read has an issue that says so, behind what was read of it.
    """
    for source in sources(paths):
        async for found in _of_source(context, source, asked):
            yield found


async def _of_source(context: Context, source: Source, asked: Sequence[str]) -> AsyncIterator[Validated]:
    name = os.fsencode(source.name).decode(errors="replace")
    try:
        for item in items(source):
            yield Validated(name, item.line, await _issues(context, item.body, asked), item.read_bytes)
    except (OSError, EOFError, zlib.error) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        unread = Issue("fatal", "exception", f"the file cannot be read: {told}", message="unreadable")
        yield Validated(name, None, (unread,), source.size_bytes)


async def _issues(context: Context, body: bytes, asked: Sequence[str]) -> tuple[Issue, ...]:
    try:
        resource = parse(body)
    except FhirError as error:
        return error.issues
    found = await review(context.validator, context.profiles, resource, asked)
    if not found:
        return ()
    positions = Positions(body, resource)
    return tuple(_placed(issue, positions) for issue in found)


def _placed(issue: Issue, positions: Positions) -> Issue:
    if issue.expression is None:
        return issue
    return issue.standing(*positions.of(issue.expression))

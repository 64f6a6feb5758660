"""batch: entries that are performed each on its own.

https://hl7.org/fhir/R4/http.html#brules
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import groupby

from fhir_server.interactions.bundle import error_entry, join, response_entry
from fhir_server.interactions.context import Context
from fhir_server.interactions.entries import (
    READS,
    Entry,
    bundle_of,
    envelope_issues,
    expression,
    located,
    number_of,
    read_entry,
)
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.targets import Targets
from fhir_server.outcome import FhirError, invalid, refused

Perform = Callable[[Context, Request], Awaitable[Response]]

_TOGETHER = 32  # entries in flight at once: their commits share one sync of the disk


async def batch(context: Context, request: Request, perform: Perform) -> Response:
    bundle = bundle_of(context, request)
    given = bundle.get("entry", [])
    answers: dict[int, bytes] = _malformed(context, request)
    entries: list[Entry] = []
    for number, entry in enumerate(given):
        if number not in answers:
            try:
                entries.append(read_entry(context, request, number, entry))
            except FhirError as error:
                answers[number] = error_entry(located(error, number))
    for dependent, found in _dependent(context, entries).items():
        answers[dependent] = error_entry(located(found, dependent))
    waiting = sorted(
        (entry for entry in entries if entry.number not in answers), key=lambda entry: entry.phase
    )

    async def answer(entry: Entry) -> None:
        try:
            response = await perform(context, entry.request)
        except FhirError as error:
            answers[entry.number] = error_entry(located(error, entry.number))
        else:
            answers[entry.number] = response_entry(entry.request, response)

    for _, phase in groupby(waiting, key=lambda entry: entry.phase):
        same = list(phase)
        for start in range(0, len(same), _TOGETHER):
            await asyncio.gather(*map(answer, same[start : start + _TOGETHER]))
    body = join(
        "batch-response",
        [answers[number] for number in range(len(given))],
        id_=context.new_id(),
        last_updated_ms=context.clock(),
    )
    return Response(200, body=body)


def _malformed(context: Context, request: Request) -> dict[int, bytes]:
    """Answers to entries that are no requests; raises 400 when the Bundle itself is wrong."""
    assert request.resource is not None
    issues = envelope_issues(context, request.resource)
    numbers = [number_of(issue) for issue in issues]
    if None in numbers:
        raise refused(issues)
    return {
        number: error_entry(refused([issue for issue in issues if number_of(issue) == number]))
        for number in numbers
        if number is not None
    }


def _dependent(context: Context, entries: list[Entry]) -> dict[int, FhirError]:
    """Entries that cannot be performed on their own, by number.

    "References within a Bundle.entry.resource to another Bundle.entry.resource that is being created within
    the batch are considered to be non-conformant."
    """
    found: dict[int, FhirError] = {}
    changed: dict[tuple[str | None, str], int] = {}
    targets = Targets(context.definitions)
    for entry in entries:
        request = entry.request
        if entry.phase == READS:
            continue
        if request.id is not None:
            first = changed.setdefault((request.resource_type, request.id), entry.number)
            if first != entry.number:
                name = f"{request.resource_type}/{request.id}"
                found[entry.number] = invalid(f"{name} is changed by {expression(first)} of this batch too")
        if entry.full_url and (request.id is None or entry.full_url.startswith("urn:")):
            targets.references[entry.full_url] = "entry"
    for entry in entries:
        if entry.request.resource is not None and entry.phase != READS:
            used = targets.rewrite(entry.request.resource, entry.full_url).used
            links = sorted(link for link in used if link != entry.full_url)
            if links:
                text = f"refers to {links[0]!r}, which only an entry of a transaction can"
                found.setdefault(entry.number, invalid(text))
    return found

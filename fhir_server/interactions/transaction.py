"""transaction: entries that succeed or fail together, whatever their order in the Bundle.

https://hl7.org/fhir/R4/http.html#trules

Everything that needs no lock is done before it: links are rewritten with the ids that the entries will have,
resources are checked and indexed. Where conditions have to be matched, that work is done for the matches
that are there now; inside the lock they are looked up again, and only what differs is done again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

from fhir_server.interactions.bundle import join, response_entry
from fhir_server.interactions.changes import Change, prepare, read_change, remove, write
from fhir_server.interactions.conditional import current, there_already
from fhir_server.interactions.context import Context
from fhir_server.interactions.entries import READS, Entry, bundle_of, envelope_issues, located, read_entry
from fhir_server.interactions.matching import (
    ConditionalReferences,
    guess,
    match_all,
    require_apart,
    require_distinct,
    require_unique_urls,
)
from fhir_server.interactions.operations import operation_of
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.rules import rank_of
from fhir_server.interactions.targets import Targets
from fhir_server.outcome import FhirError, Issue, not_supported, refused
from fhir_server.store.protocol import Reader, Store
from fhir_server.store.protocol import Transaction as UnitOfWork

Perform = Callable[[Context, Request], Awaitable[Response]]

_BETWEEN_PAUSES = 32  # entries prepared before other requests get their turn


async def transaction(context: Context, request: Request, perform: Perform) -> Response:
    entries = _entries(context, request)
    bundle = _Bundle(context, request, perform, entries)
    await bundle.read()
    await bundle.prepare()
    responses = await context.store.transaction(bundle.work)
    body = join(
        "transaction-response",
        [response_entry(entry.request, responses[entry.number]) for entry in entries],
        id_=context.new_id(),
        last_updated_ms=context.clock(),
    )
    return Response(200, body=body)


def _entries(context: Context, request: Request) -> list[Entry]:
    bundle = bundle_of(context, request)
    issues = envelope_issues(context, bundle)
    if issues:
        raise refused(issues)
    entries = []
    for number, entry in enumerate(bundle.get("entry", ())):
        try:
            entries.append(read_entry(context, request, number, entry))
        except FhirError as error:
            raise located(error, number) from None
    return entries


class _Bundle:
    """The entries of one transaction, and what is known of where they lead."""

    def __init__(self, context: Context, request: Request, perform: Perform, entries: list[Entry]) -> None:
        self._context = context
        self._perform = perform
        self._reads = [entry for entry in entries if entry.phase == READS]
        writes = (entry for entry in entries if entry.phase != READS)
        self._writes = sorted(writes, key=lambda entry: entry.phase)
        self._changes: list[Change] = []
        self._conditional = False
        self._targets = Targets(context.definitions)
        self._rank = rank_of(context.rules)
        self._references = ConditionalReferences(context, request, self._targets)

    async def read(self) -> None:
        """Find out what the entries change, and on which conditions."""
        self._changes = [await _change(self._context, entry) for entry in self._writes]
        self._conditional = any(change.where is not None for change in self._changes)

    async def prepare(self) -> None:
        """Before the lock."""
        store = self._context.store
        require_unique_urls(self._changes)
        if self._conditional:
            await guess(self._context, store, self._changes)
        else:
            require_distinct(self._changes)
        self._point()
        await self._prepare_all(self._changes)
        texts = await self._references.unconfirmed(self._changes)
        if texts:
            await self._references.guess(store, texts)
            await self._prepare_all(self._changes)

    def _point(self) -> None:
        """Let the links to entries lead to the resources that the entries are about."""
        targets = self._targets
        targets.references.clear()
        targets.versions.clear()
        for change in self._changes:
            if change.full_url and change.kind != "delete":
                name = f"{change.resource_type}/{change.ids[0]}"
                # a reference that leads here as it stands is kept as it was written
                if change.full_url != f"{change.request.base_url}/{name}":
                    targets.references[change.full_url] = name
                if change.kind == "create" and not change.matched:
                    targets.versions[change.full_url] = 1

    async def _prepare_all(self, changes: list[Change]) -> None:
        """Raises 400 with the issues of all entries."""
        issues: list[Issue] = []
        for count, change in enumerate(changes, 1):
            try:
                await prepare(self._context, self._targets, change)
            except FhirError as error:
                if error.status != 400:
                    raise located(error, change.number) from None
                issues += located(error, change.number).issues
            if count % _BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
        if issues:
            raise refused(issues)

    async def work(self, unit: UnitOfWork) -> dict[int, Response]:
        """Inside the lock: DELETE, POST, PUT and PATCH, what reads."""
        responses: dict[int, Response] = {}
        deletions = [change for change in self._changes if change.kind == "delete"]
        rest = [change for change in self._changes if change.kind != "delete"]
        await match_all(self._context, unit, deletions)
        for change in deletions:
            responses[change.number] = await _located(change.number, remove(self._context, unit, change))
        await self._settle(unit, rest)
        for change in rest:
            if change.matched:
                version = await current(unit, change.resource_type, change.ids[0])
                responses[change.number] = there_already(change.request, version)
        await self._write_all(unit, [change for change in rest if change.writes], responses)
        if self._conditional:
            await require_apart(unit, rest)
        await self._read_all(unit, responses)
        return responses

    async def _settle(self, unit: UnitOfWork, changes: list[Change]) -> None:
        """Look up again what was looked up before the lock, and prepare again what differs."""
        if self._conditional:
            await match_all(self._context, unit, changes)
            require_distinct(self._changes)
            self._point()
        await self._count_versions(unit, changes)
        if self._conditional or any(change.open for change in changes):
            await self._prepare_again(changes)

    async def _prepare_again(self, changes: list[Change]) -> None:
        for change in changes:
            try:
                await prepare(self._context, self._targets, change)
            except FhirError as error:
                raise located(error, change.number) from None

    async def _count_versions(self, reader: Reader, changes: list[Change]) -> None:
        """The versions that versioned references name, of resources that are there already."""
        targets = self._targets
        wanted = targets.versioned(change.rewritten for change in changes if change.rewritten)
        for change in changes:
            full_url = change.full_url
            if full_url in wanted and full_url not in targets.versions:
                version = await reader.read(change.resource_type, change.ids[0])
                number = version.version_id if version else 0
                targets.versions[full_url] = number if change.matched else number + 1
                change.force = not change.matched

    async def _write_all(
        self, unit: UnitOfWork, waiting: list[Change], responses: dict[int, Response]
    ) -> None:
        """Write what has no conditional reference first: those may be about it.

        Types with rules come last, in their order, so that rules find what a change refers to.
        """
        if self._context.rules:
            waiting = sorted(waiting, key=self._rank_of)
        while waiting:
            open_ = [change for change in waiting if await self._references.unconfirmed([change])]
            ready = self._ready(waiting, open_)
            if not ready and await self._confirm(unit, waiting, required=len(open_) == len(waiting)):
                await self._prepare_again(open_)
                continue
            numbers = {change.number for change in open_}
            # what was held back, where nothing else is to be found
            for change in ready or [each for each in waiting if each.number not in numbers]:
                written = await _located(change.number, write(self._context, unit, change))
                responses[change.number] = written
            waiting = [change for change in waiting if change.number not in responses]

    def _rank_of(self, change: Change) -> int:
        return self._rank(change.resource_type)

    def _ready(self, waiting: list[Change], open_: list[Change]) -> list[Change]:
        """What can be written while the references of `open_` are not looked up yet."""
        if not open_:
            return waiting
        numbers = {change.number for change in open_}
        highest = min(map(self._rank_of, open_))
        return [each for each in waiting if each.number not in numbers and self._rank_of(each) <= highest]

    async def _confirm(self, unit: UnitOfWork, waiting: list[Change], *, required: bool) -> bool:
        """Look up first what no entry that still waits can change; whether anything was found."""
        references = self._references
        types = {change.resource_type for change in waiting}
        texts = await references.unconfirmed(waiting)
        free = {text: number for text, number in texts.items() if references.type_of(text) not in types}
        if free:
            return await references.confirm(unit, free, required=True)
        if await references.confirm(unit, texts, required=False):
            return True
        return required and await references.confirm(unit, texts, required=True)

    async def _read_all(self, unit: UnitOfWork, responses: dict[int, Response]) -> None:
        if not self._reads:
            return
        # reads go to what the transaction sees; they use nothing of a store but its reader
        context = replace(self._context, store=cast(Store, unit))
        for entry in self._reads:
            operation = operation_of(context, entry.request.operation)
            if operation is not None and operation.affects_state:
                text = f"${entry.request.operation} changes something: it can be an entry of a batch only"
                raise located(not_supported(text), entry.number)
            responses[entry.number] = await _located(entry.number, self._perform(context, entry.request))


async def _located(number: int, answer: Awaitable[Response]) -> Response:
    try:
        return await answer
    except FhirError as error:
        raise located(error, number) from None


async def _change(context: Context, entry: Entry) -> Change:
    try:
        return await read_change(context, entry)
    except FhirError as error:
        raise located(error, entry.number) from None

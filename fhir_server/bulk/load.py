"""Load files into the store: bundles, single resources, NDJSON.

Transactions and batches are executed (https://hl7.org/fhir/R4/http.html#transaction); the entries of any
other Bundle, and resources by themselves, are put under their ids, many in one commit. The rules of their
types judge them like the entries of a Bundle, as what an operator brings in.

A load can be killed anywhere and started again. Two things make that sound:

- `Progress` is written after the commit, so what it calls done is durable;
- what was committed and not yet called done is done again, and changes nothing then: the ids of resources
  that come without one are not drawn, they follow from the file's name, the place in it and the bytes. The
  same resource with the same content makes no version (`Transaction.put`).

So a load that is repeated makes no duplicates either. Only what depends on a version, If-Match and PATCH in a
Bundle, may be reported as failed when it had been committed in the instant of the kill.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import xxhash
from tqdm import tqdm

from fhir_server.bulk.files import Item, Source, items, sources
from fhir_server.bulk.progress import Progress
from fhir_server.interactions.context import Context
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.names import require_id
from fhir_server.interactions.request import OPERATOR, Request, Response
from fhir_server.interactions.write import Draft, draft, judged
from fhir_server.outcome import FhirError, malformed, operation_outcome
from fhir_server.resource import Resource, decode, parse
from fhir_server.store.protocol import Extract, Method, Transaction
from fhir_server.store.ruled import OutdatedError

GROUP = 200  # resources in one commit
SHOWN = 20  # failures that a report keeps for a person

_IDS = UUID("6f2d9a52-6e0b-5c39-9c53-0d8f1f3c7a11")
_EXECUTED = ("transaction", "batch")


@dataclass(frozen=True, slots=True)
class Report:
    files: int
    resources: int  # written, or there already with the same content
    failed: int
    shown: list[Resource]  # the first failures: file, line or entry, outcome


async def load(
    context: Context,
    paths: Sequence[Path],
    *,
    state: Path,
    failures: Path | None = None,
    show_progress: bool = True,
) -> Report:
    """Load `paths`; `state`: the folder that remembers; `failures`: where to write them as NDJSON.

    Raises what `sources` raises, and FhirError when the store cannot write: start it again to go on.
    """
    found = sources(paths)
    total = sum(source.size_bytes for source in found)
    hide = None if show_progress else True  # None: shown on a terminal only
    with (
        Progress(state, found) as progress,
        tqdm(total=total, unit="B", unit_scale=True, disable=hide) as bar,
    ):
        for source in found:
            bar.set_description(source.name)
            await _Loading(context, source, progress).run(bar)
    report = _report(progress, len(found), failures)
    progress.forget()
    return report


def _report(progress: Progress, files: int, path: Path | None) -> Report:
    failed = 0
    shown: list[Resource] = []
    out = path.open("w", encoding="utf-8") if path else None
    try:
        for failure in progress.failures():
            failed += 1
            if len(shown) < SHOWN:
                shown.append(failure)
            if out:
                out.write(json.dumps(failure, ensure_ascii=False) + "\n")
    finally:
        if out:
            out.close()
    return Report(files, progress.resources, failed, shown)


class _Put(NamedTuple):
    draft: Draft
    method: Method
    place: Resource  # line or entry


class _Loading:
    """One file on its way into the store, with what the next commit writes."""

    def __init__(self, context: Context, source: Source, progress: Progress) -> None:
        self.context = context
        self.source = source
        self.progress = progress
        self.puts: list[_Put] = []
        self.failures: list[Resource] = []
        self.written = 0  # resources that were committed and are not recorded yet
        self.done = 0  # items that are dealt with once `puts` are committed

    async def run(self, bar: Any) -> None:
        before, read = self.progress.done(self.source), 0
        try:
            for number, item in enumerate(items(self.source), start=1):
                if number > before:
                    await self._item(item)
                self.done = number
                if len(self.puts) >= GROUP:
                    await self._commit()
                bar.update(item.read_bytes - read)
                read = item.read_bytes
        except (OSError, EOFError) as error:  # not readable, or gzip that is cut off
            self._fail({}, malformed(f"the file cannot be read: {error}"))
        await self._commit()
        bar.update(self.source.size_bytes - read)

    async def _write(self) -> None:
        """Commit what has gathered, without calling the item done that it came from."""

        while self.puts:
            try:
                refused = await self.context.store.transaction(self._put_all)
            except OutdatedError:
                await self._index_again()
                continue
            self.written += len(self.puts) - len(refused)
            self.puts = []
            for place, error in refused:
                self._fail(place, error)

    async def _put_all(self, transaction: Transaction) -> list[tuple[Resource, FhirError]]:
        """What the rules of its type refuse; they do so before they write anything."""
        refused = []
        for each in self.puts:
            content = each.draft.content
            try:
                if content is None:
                    checked = await judged(
                        self.context, transaction, self._request(), each.draft, each.method
                    )
                    content = checked.content(each.draft.id)
            except FhirError as error:
                if error.status >= 500:
                    raise
                refused.append((each.place, error))
            else:
                await transaction.put(content, method=each.method)
        return refused

    def _request(self, bundle: Resource | None = None) -> Request:
        base_url = self.context.settings.base_url or ""
        return Request("POST", resource=bundle, base_url=base_url, organization=OPERATOR)

    async def _index_again(self) -> None:
        """By the search parameters that are there now."""
        self.context = await self.context.renewed()
        extract = self.context.indexer.extract
        self.puts = [each._replace(draft=_extracted(each.draft, extract)) for each in self.puts]

    async def _commit(self) -> None:
        """Commit what has gathered, and record that the items it came from are done."""
        await self._write()
        if self.written or self.failures:
            self.progress.record(self.source, self.done, self.written, self.failures)
        self.written, self.failures = 0, []

    async def _item(self, item: Item) -> None:
        place: Resource = {} if item.line is None else {"line": item.line}
        digest = xxhash.xxh3_128_hexdigest(item.body)
        new_id = _ids(f"{self.source.name}\n{item.line}\n{digest}")
        try:
            resource = parse(item.body)
        except FhirError as error:
            self._fail(place, error)
            return
        if resource.get("resourceType") != "Bundle":
            await self._take(place, resource, new_id)
        elif resource.get("type") in _EXECUTED:
            await self._execute(place, resource, new_id)
        else:
            await self._take_entries(place, resource, new_id)

    async def _take(self, place: Resource, resource: Resource, new_id: Callable[[], str]) -> None:
        try:
            self.puts.append(await self._put(place, resource, new_id))
        except FhirError as error:
            self._fail(place, error)

    async def _put(self, place: Resource, resource: Resource, new_id: Callable[[], str]) -> _Put:
        resource_type = resource.get("resourceType")
        if resource_type not in self.context.definitions.resource_types:
            raise malformed(f"resourceType is {resource_type!r}, which is no resource type of FHIR R4")
        given = await draft(self.context, resource)
        if "id" not in resource:
            return _Put(given.under(new_id()), "POST", place)
        require_id(resource["id"], f"{resource_type}.id")
        return _Put(given.under(resource["id"]), "PUT", place)

    async def _take_entries(self, place: Resource, bundle: Resource, new_id: Callable[[], str]) -> None:
        """A collection, a document, a page of a search: its resources; other entries are passed over."""
        for number, entry in enumerate(_entries(bundle), start=1):
            match entry:
                case {"resource": dict(resource)}:
                    await self._take(place | {"entry": number}, resource, new_id)
            if len(self.puts) >= GROUP:
                await self._write()

    async def _execute(self, place: Resource, bundle: Resource, new_id: Callable[[], str]) -> None:
        await self._commit()  # the bundle may refer to what comes before it
        self.done += 1
        try:
            response = await perform(replace(self.context, new_id=new_id), self._request(bundle))
        except FhirError as error:
            if error.status >= 500:
                raise
            self._fail(place, error)
            await self._commit()
            return
        refused = dict(_refused(response))
        self.failures += [
            {"file": self.source.name, **place, "entry": number, "outcome": outcome}
            for number, outcome in refused.items()
        ]
        self.written = len(_entries(bundle)) - len(refused)
        await self._commit()

    def _fail(self, place: Resource, error: FhirError) -> None:
        outcome = operation_outcome(error.issues)
        self.failures.append({"file": self.source.name, **place, "outcome": outcome})


def _extracted(given: Draft, extract: Extract) -> Draft:
    """With its rows made anew; a draft that its rules judge first has none yet."""
    content = given.content
    if content is None:
        return given
    return given._replace(content=content._replace(rows=extract(content.resource_type, content.body)))


def _ids(unit: str) -> Callable[[], str]:
    """Ids that follow from the unit and from how many were asked for before."""
    numbers = count()
    return lambda: str(uuid5(_IDS, f"{unit}\n{next(numbers)}"))


def _entries(bundle: Resource) -> list[Any]:
    entries = bundle.get("entry")
    return entries if isinstance(entries, list) else []


def _refused(response: Response) -> Iterator[tuple[int, Any]]:
    """Entries of a batch that failed, with their outcomes."""
    answer = response.resource or decode(response.body or b"{}")
    for number, entry in enumerate(_entries(answer), start=1):
        answered = entry.get("response", {})
        if not answered.get("status", "2").startswith(("2", "3")):
            yield number, answered.get("outcome")

"""Builds the server from its settings: the one module beside the command line that knows everybody."""

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fhir_server import __version__
from fhir_server.alliance.operations import IMPLEMENTED, OPERATIONS
from fhir_server.alliance.referral.expiry import Expiry
from fhir_server.alliance.rules import alliance_rules
from fhir_server.alliance.sample.marker import has_sample
from fhir_server.bulk.adopt import Adoption
from fhir_server.bulk.jobs import Jobs, retry_failed
from fhir_server.bulk.layers import Layers
from fhir_server.bulk.packages import package_names
from fhir_server.bulk.reindex import Pause, Reindex, Way
from fhir_server.clock import Clock, system_clock
from fhir_server.config import Settings
from fhir_server.definitions import registry
from fhir_server.definitions.registry import Definitions
from fhir_server.interactions.canonicals import StoredCanonicals
from fhir_server.interactions.context import Context
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.needs import Needs
from fhir_server.interactions.present import Extracting, Present
from fhir_server.interactions.request import Request, Response
from fhir_server.interactions.search_parameters import SearchParameters
from fhir_server.interactions.sources import profiles
from fhir_server.outcome import FhirError
from fhir_server.resource import decode, encode
from fhir_server.rest.application import FhirApplication
from fhir_server.rest.cors import cross_origin
from fhir_server.rest.errors import settled, traced
from fhir_server.rest.home import Overview
from fhir_server.rest.limits import Load
from fhir_server.rest.log import Log, Records, Write
from fhir_server.rest.url import is_below_base
from fhir_server.search.index import Indexer
from fhir_server.search.restrict import restricted
from fhir_server.search.rules import KIND, Task
from fhir_server.search.rules import decode as decode_rules
from fhir_server.search.words import WORDING
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import Extract, Reader
from fhir_server.store.rows import Rows
from fhir_server.store.ruled import RuledStore
from fhir_server.store.sqlite import SqliteStore, open_store
from fhir_server.store.sqlite.patience import Limits
from fhir_server.terminology.remote import HttpSend, RemoteServer
from fhir_server.terminology.terminology import Terminology
from fhir_server.validation.structure import Validator

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

# objects of a request die with it, those of a large transaction too: looking for cycles seldom is enough
_GC_THRESHOLDS = (100_000, 10, 20)
_LONGEST_PAUSE_S = 0.1  # of a job, after a unit of work, for the requests that are there
_COMPLETE_AFTER_S = 600.0


class Parts:
    """What every process of the server has the same: made once, before processes part."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self.settings = settings
        self.clock = clock
        self.definitions = registry.load()
        self.indexer = Indexer(self.definitions, zone=ZoneInfo(settings.time_zone), bases=_bases(settings))
        self.validator = Validator(self.definitions)
        self.rules = alliance_rules(settings)

    @property
    def store_file(self) -> Path:
        return self.settings.data_folder / "fhir.sqlite"

    def open_main(self, extract: Extract) -> SqliteStore:
        """The user's store alone; raises OSError when the data folder cannot be made."""
        self.settings.data_folder.mkdir(parents=True, exist_ok=True)
        limits = Limits(find_s=self.settings.search_timeout_s)
        return open_store(self.store_file, extract=extract, wording=WORDING, clock=self.clock, limits=limits)

    async def open_context(self, *, owner: bool = True) -> "OpenContext":
        """owner: the index is made anew where it was made by other rules; else that is refused."""
        extracting = Extracting(self.indexer)
        main = self.open_main(extracting.extract)
        settings = self.settings
        layers = Layers(settings.data_folder, self.indexer, alliance=settings.alliance)
        opened = OpenContext(self, main, layers, extracting)
        try:
            await opened.adoption.adopt(main, owner=owner)
            await opened.present.renewed()
        except BaseException:
            await opened.close()
            raise
        return opened

    def indexing_by(self, kept: bytes) -> tuple[Extract, Callable[[str], bool]]:
        """How rows are made by the rules of a store, and which columns a job is working on."""
        rules = decode_rules(kept)
        indexer = self.indexer.with_definitions(self.definitions.with_parameters(rules.parameters))

        def extract(resource_type: str, body: bytes, columns: tuple[str, ...] = ()) -> Rows:
            rows = indexer.extract(resource_type, body, columns)
            return restricted(rows, lambda name: rules.job_of(name) is None) if rules.building else rows

        return extract, rules.is_in_work

    def secret(self) -> bytes:
        """What page cursors are signed with: drawn once for a data folder, kept over restarts."""
        file = self.settings.data_folder / "secret"
        drawn = file.with_name(f"secret.{os.getpid()}")
        if not file.exists():
            drawn.touch(0o600)
            drawn.write_bytes(secrets.token_bytes(32))
            with contextlib.suppress(FileExistsError):
                os.link(drawn, file)  # of several processes at once, one wins
            drawn.unlink()
        return file.read_bytes()


def _bases(settings: Settings) -> tuple[str, ...]:
    """URLs of this server, as clients may write them into references.

    Only what is configured: rows of the index must not hang on the port that a run happens to listen on.
    """
    return () if settings.base_url is None else (settings.base_url,)


class OpenContext:
    """A store that is open, and what the interactions need to work on it; made by `Parts.open_context`."""

    def __init__(self, parts: Parts, main: SqliteStore, layers: Layers, extracting: Extracting) -> None:
        self.main = main
        self.layers: Sequence[SqliteStore] = layers.originals
        self._all_layers = layers
        self._parts = parts
        self._secret = parts.secret()
        self._send = HttpSend(parts.settings.terminology_server_timeout_s)
        self._remote = _remote(parts.settings, self._send)
        parameters = SearchParameters(parts.definitions, self.layers, self.layers[:-1], self._lacking)
        names = package_names(parts.settings.data_folder, alliance=parts.settings.alliance)
        self.adoption = Adoption(parameters, parts.indexer.indexing, names)
        self.present = Present(
            main, layers.fitting, extracting, self._context, parameters.settle, self.adoption.check
        )

    @property
    def context(self) -> Context:
        """For the rules of indexing seen last."""
        return self.present.context

    async def _lacking(self, definitions: Definitions) -> Task | None:
        return await self._all_layers.lacking(self._parts.indexer.with_definitions(definitions))

    def _context(self, store: RuledStore, indexer: Indexer, layers: Sequence[Reader]) -> Context:
        parts = self._parts
        canonicals = StoredCanonicals(store, indexer.definitions, (self.main, *layers))
        terminology = Terminology(
            canonicals,
            self.main.concepts,
            remote=self._remote,
            limit=parts.settings.expansion_limit,
        )
        return Context(
            store=store,
            definitions=indexer.definitions,
            indexer=indexer,
            validator=parts.validator,
            terminology=terminology,
            profiles=profiles(store, parts.definitions, canonicals, terminology, parts.settings),
            needs=Needs(store, terminology),
            settings=parts.settings,
            clock=parts.clock,
            secret=self._secret,
            operations=OPERATIONS,
            implements=IMPLEMENTED,
            rules=parts.rules,
        )

    def reindex(self, pause: Pause | None = None, show: Callable[[Job], None] = lambda _: None) -> Reindex:
        async def way() -> Way:
            context = await self.present.renewed()
            return Way(self.present.kept, context.indexer)

        pause = pause or (lambda _: asyncio.sleep(0))
        return Reindex(self.main, way, pause=pause, derive=self._all_layers.derive, show=show)

    async def close(self) -> None:
        await self._send.close()
        await self.main.close()
        await self._all_layers.close()


def _remote(settings: Settings, send: HttpSend) -> RemoteServer | None:
    if settings.terminology_server is None:
        return None
    return RemoteServer(
        settings.terminology_server,
        send,
        timeout_s=settings.terminology_server_timeout_s,
        cached_s=settings.terminology_server_cache_s,
    )


class Application:
    """The ASGI application of a whole server: FHIR under its base, the rest for people and machines."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.log = Log(_log_writer(parts.settings.log), parts.definitions.resource_types, parts.clock)
        self._pages: Asgi | None = None
        self._importing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if is_below_base(path):
                await self._fhir(scope, receive, send)
            elif path in _PROBES:
                await _send_json(send, *await _PROBES[path](self))
            else:
                await settled((await self._for_people())(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._live(receive, send)

    async def start(self) -> None:
        self.open = await self.parts.open_context()
        logging.basicConfig(handlers=[Records(self.log)], level=logging.WARNING)
        settings = self.parts.settings
        fhir = FhirApplication(self._perform, settings, self.log)
        self._fhir: Asgi = cross_origin(fhir, settings.cors_origins) if settings.cors_origins else fhir
        # what is here now lives as long as the process: the collector need not look at it again
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        self._jobs = asyncio.create_task(self._work(fhir.load))

    def _perform(self, request: Request) -> Awaitable[Response]:
        present = self.open.present
        return perform(present.context, request) if present.is_current else self._perform_renewed(request)

    async def _perform_renewed(self, request: Request) -> Response:
        return await perform(await self.open.present.renewed(), request)

    async def _work(self, load: Load) -> None:
        """Jobs of the store, when this process leads, in the time that requests leave."""

        async def pause(worked_s: float) -> None:
            await asyncio.sleep(min(worked_s, _LONGEST_PAUSE_S) if load.requests else 0)

        async def first() -> None:
            await retry_failed(self.open.main, KIND)

        jobs = Jobs(self.open.main, {KIND: self.open.reindex(pause)}, first=first)
        expiry = Expiry(self.open.present.renewed, self.open.main.lead)
        await asyncio.gather(jobs.run(), self._complete(), expiry.run())

    async def _complete(self) -> None:
        """What was left undone to start soon."""
        await asyncio.sleep(_COMPLETE_AFTER_S)
        with contextlib.suppress(FhirError):
            await self.open.adoption.complete(self.open.main)

    async def stop(self) -> None:
        self._jobs.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._jobs
        await self.open.close()
        self.log.flush()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _for_people(self) -> Asgi:
        """FastAPI takes half a second to import: in a thread, and when somebody asks for a page."""
        async with self._importing:
            if self._pages is None:
                module = await asyncio.to_thread(import_module, "fhir_server.rest.pages")
                settings, fail = self.parts.settings, partial(traced, request_id=None, log=self.log)
                pages: Asgi = module.pages(self.overview, self._capabilities, settings, fail)
                self._pages = pages
        return self._pages

    async def overview(self) -> Overview:
        definitions: dict[str, int] = {}
        for layer in self.open.layers:
            for name, count in (await layer.totals()).items():
                definitions[name] = definitions.get(name, 0) + count
        return Overview(
            version=__version__,
            release=self.parts.definitions.release,
            totals=await self.open.main.totals(),
            definitions=definitions,
            demo=await has_sample(self.open.context),
            open=self.parts.settings.open,
        )

    async def _capabilities(self, base_url: str) -> dict[str, Any]:
        response = await perform(self.open.context, Request("GET", metadata=True, base_url=base_url))
        found: dict[str, Any] = decode(response.body or b"{}")
        return found

    async def health(self) -> tuple[int, dict[str, str]]:
        return 200, {"status": "up"}

    async def ready(self) -> tuple[int, dict[str, str]]:
        try:
            await self.open.context.store.last_sequence()
        except FhirError:
            return 503, {"status": "store does not answer"}
        return 200, {"status": "ready"}


_PROBES: dict[str, Callable[[Application], Awaitable[tuple[int, dict[str, str]]]]] = {
    "/health": Application.health,
    "/ready": Application.ready,
}


async def _send_json(send: Send, status: int, found: dict[str, str]) -> None:
    body = encode(found)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _log_writer(target: str) -> Write | None:
    match target:
        case "off":
            return None
        case "stdout":
            return partial(os.write, sys.stdout.fileno())
        case "stderr":
            return partial(os.write, sys.stderr.fileno())
        case _:
            # appended line by line, so that several processes may share the file
            return partial(os.write, os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640))

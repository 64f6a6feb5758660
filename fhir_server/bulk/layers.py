"""The layers under a store, with the index that its rules ask for.

A layer is made by the rules of its time, and nobody writes it. Where another time zone or search parameters
that were added concern resources in it, or another release had its own way to index a package, a copy with an
index of its own takes its place, in the data folder.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from shutil import copyfile

import xxhash

from fhir_server.bulk.packages import FOLDER as PACKAGES
from fhir_server.bulk.packages import layer_paths, state
from fhir_server.bulk.reindex import Pause, Reindex, Way
from fhir_server.resource import new_id
from fhir_server.search.columns import columns_of
from fhir_server.search.custom import columns_by_type, concrete
from fhir_server.search.fingerprint import WORDS, extraction, made_by
from fhir_server.search.index import Indexer
from fhir_server.search.options import DEFAULT_ZONE
from fhir_server.search.rules import KIND, Rules, Task, decode, encode_task
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import Transaction
from fhir_server.store.sqlite.seal import without_log
from fhir_server.store.sqlite.store import SqliteStore, open_store

FOLDER = "layers"

ByType = dict[str, tuple[str, ...]]


class Layers:
    """Opens layers and keeps them open; those of a data folder."""

    def __init__(self, data_folder: Path, core: Indexer, *, alliance: bool = False) -> None:
        """alliance: with the package that ships with the server."""
        self._folder = data_folder / FOLDER
        self._packages = data_folder / PACKAGES
        self._core = core
        self._sources = layer_paths(data_folder, alliance=alliance)
        self._open: dict[Path, SqliteStore] = {}
        self.originals = [self._opened(path) for path in self._sources]
        self._types: dict[Path, frozenset[str]] = {}
        self._made: dict[Path, Rules] = {}  # of the packages that were added: what made their rows

    def _opened(self, path: Path) -> SqliteStore:
        found = self._open.get(path)
        if found is None:
            extract = self._core.extract
            found = self._open[path] = open_store(path, extract=extract, clock=lambda: 0, readonly=True)
        return found

    async def types(self) -> dict[Path, frozenset[str]]:
        """The resource types of each layer."""
        if not self._types:
            for path, layer in zip(self._sources, self.originals, strict=True):
                self._types[path] = frozenset(await layer.totals())
        return self._types

    async def fitting(self, indexer: Indexer) -> list[SqliteStore]:
        """The layers as `indexer` needs them, as far as they are made."""
        copies = [(source, await self._copy(source, indexer)) for source in self._sources]
        return [
            self._opened(source if copy is None or not copy.exists() else copy) for source, copy in copies
        ]

    async def lacking(self, indexer: Indexer) -> Task | None:
        """What cannot be searched by until the copies are made that are not there; None: nothing."""
        build: ByType = {}
        missing = False
        for source in self._sources:
            copy = await self._copy(source, indexer)
            if copy is not None and not copy.exists():
                missing = True
                for name, columns in (await self._columns(source, indexer)).items():
                    build[name] = tuple(sorted({*build.get(name, ()), *columns}))
        kinds = ("date",) if self._is_of_other_zone(indexer) else ()
        return Task(build=dict(sorted(build.items())), kinds=kinds) if missing else None

    async def derive(self, way: Way, pause: Pause) -> None:
        """Make the copies that lack."""
        for source in self._sources:
            copy = await self._copy(source, way.indexer)
            if copy is not None and not copy.exists():
                await _make(source, copy, way, pause)

    async def _copy(self, source: Path, indexer: Indexer) -> Path | None:
        """Where the copy is that `indexer` needs; None: the layer itself will do."""
        columns = await self._columns(source, indexer)
        if not columns and not self._is_of_other_zone(indexer):
            return None
        named = repr((state(source), made_by(indexer.indexing), sorted(columns.items())))
        return self._folder / f"{source.stem}-{xxhash.xxh3_64_hexdigest(named)}{source.suffix}"

    async def _columns(self, source: Path, indexer: Indexer) -> ByType:
        """The columns of resources of the layer that it has not, or not as they should be."""
        types, definitions = (await self.types())[source], indexer.definitions
        if await self._is_outdated(source, indexer):
            columns = columns_of(definitions)
            return {
                name: tuple(sorted({each for of in columns.parameters(name) for each in of.column_names}))
                for name in sorted(types)
            }
        if all(types.isdisjoint(concrete(each, definitions)) for each in definitions.added_parameters):
            return {}
        found = columns_by_type(definitions, columns_of(definitions))
        return {name: tuple(sorted(columns)) for name, columns in found.items() if name in types}

    async def _is_outdated(self, source: Path, indexer: Indexer) -> bool:
        """Whether a package was added by a release, or with settings, that made other rows of it."""
        if source.parent != self._packages:
            return False  # it ships with this release
        if source not in self._made:
            self._made[source] = decode(await self._opened(source).rules())
        made, indexing = self._made[source], indexer.indexing
        if made.made_by == made_by(indexing):
            return False
        now = extraction(indexing)
        return any(made.extraction.get(kind) != now[kind] for kind in now.keys() - {WORDS})

    def _is_of_other_zone(self, indexer: Indexer) -> bool:
        return str(indexer.indexing.zone) != str(DEFAULT_ZONE)

    async def close(self) -> None:
        for layer in self._open.values():
            await layer.close()


async def _make(source: Path, copy: Path, way: Way, pause: Pause) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = copy.with_name(f"{copy.name}.part")
    _remove(partial)
    copyfile(source, partial)
    store = open_store(partial, extract=way.indexer.extract, clock=lambda: 0)
    try:
        job = Job(new_id(), KIND, encode_task(Task(everything=True)))

        async def work(tx: Transaction) -> None:
            await tx.set_rules(way.rules)
            await tx.put_job(job)

        await store.transaction(work)

        async def same() -> Way:
            return way

        fill: Callable[[Job], Awaitable[None]] = Reindex(store, same, pause=pause)
        await fill(job)
    finally:
        await store.close()
    without_log(partial)
    for old in copy.parent.glob(f"{source.stem}-*{source.suffix}"):
        old.unlink()  # who has it open goes on with it until the rules change
    partial.replace(copy)
    _remove(partial)


def _remove(partial: Path) -> None:
    """The file and what a store keeps beside it."""
    for path in partial.parent.glob(f"{partial.name}*"):
        path.unlink()

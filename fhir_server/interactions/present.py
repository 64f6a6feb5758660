"""The context for the rules of indexing that hold now: what changes when search parameters do.

Definitions, indexer and store of a context belong together and never change. When another set of rules is
committed, by whichever process, the next request finds its sign and gets a context of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from fhir_server.interactions.context import Context
from fhir_server.interactions.search_parameters import WATCHED
from fhir_server.search import columns, rules
from fhir_server.search.index import Indexer
from fhir_server.search.rules import Rules
from fhir_server.store.layered import Writable
from fhir_server.store.protocol import Reader
from fhir_server.store.rows import Rows
from fhir_server.store.ruled import RuledStore, Settle

ContextOf = Callable[[RuledStore, Indexer, Sequence[Reader]], Context]
"""A context for a store, the indexer of its rules, and the layers under it."""
LayersOf = Callable[[Indexer], Awaitable[Sequence[Reader]]]
"""The layers whose rows are made as this indexer makes them."""


class Extracting:
    """`extract` for a store that is opened before its rules are known."""

    def __init__(self, indexer: Indexer) -> None:
        self.indexer = indexer  # of the rules that this process saw last

    def extract(self, resource_type: str, body: bytes, columns: tuple[str, ...] = ()) -> Rows:
        return self.indexer.extract(resource_type, body, columns)


class Present:
    def __init__(
        self,
        main: Writable,
        layers: LayersOf,
        extracting: Extracting,
        context_of: ContextOf,
        settle: Settle,
        check: Callable[[Rules], None] = lambda _: None,
    ) -> None:
        """extracting: what `main` was opened with. check: raises when this process cannot follow rules."""
        self.main = main
        self._layers_of = layers
        self._lock = asyncio.Lock()
        self._extracting = extracting
        self._core = extracting.indexer
        self._context_of = context_of
        self._settle = settle
        self._check = check
        self._sign: int | None = None  # None: never looked
        self.kept = b""  # the rules, as the store has them
        self.rules = rules.NO_RULES
        self.context: Context  # for the rules seen last; `is_current` tells whether they still hold

    @property
    def is_current(self) -> bool:
        return self.main.rules_sign == self._sign

    async def renewed(self) -> Context:
        """The context for the rules as they are now; raises 503 when this process cannot work by them."""
        async with self._lock:
            while not self.is_current:
                # the sign first: rules that come meanwhile have another
                sign = self.main.rules_sign
                kept = await self.main.rules()
                if self._sign is None or kept != self.kept:
                    await self._take_up(kept, sign)
                else:
                    store = self.context.store
                    assert isinstance(store, RuledStore)
                    store.sign = sign
                self._sign = sign
        return self.context

    async def _take_up(self, kept: bytes, sign: int) -> None:
        found = rules.decode(kept)
        self._check(found)
        definitions = self._core.definitions
        if found.parameters or found.building:
            definitions = definitions.with_parameters(found.parameters)
            columns.use(definitions, found)
        indexer = self._core
        if definitions is not indexer.definitions:
            indexer = indexer.with_definitions(definitions)
        layers = await self._layers_of(indexer)
        store = RuledStore(self.main, layers, kept, sign, watched=WATCHED, settle=self._settle)
        self._extracting.indexer = indexer
        self.context = replace(self._context_of(store, indexer, layers), present=self)
        self.kept, self.rules = kept, found

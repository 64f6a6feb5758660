"""When a server starts: make the rules of its store those of this release, its settings and its packages."""

import asyncio
from collections.abc import Sequence

from msgspec import structs

from fhir_server.interactions.search_parameters import SearchParameters
from fhir_server.outcome import FhirError, store_unavailable
from fhir_server.search.column import Indexing
from fhir_server.search.fingerprint import STRUCTURE, WORDS, extraction, made_by
from fhir_server.search.rules import Rules, Task, decode, encode
from fhir_server.store.protocol import Store, Transaction


class OtherIndexError(FhirError):
    """The index of the store was made by other rules than those of this process."""

    def __init__(self) -> None:
        text = (
            "the index of the store is made by another release or with other settings (time_zone, base_url); "
            "start the server or run fhir-server reindex to make it anew"
        )
        error = store_unavailable(text)
        super().__init__(error.status, *error.issues, headers=error.headers)


class Adoption:
    """What this process needs the rules of its store to be."""

    def __init__(self, parameters: SearchParameters, indexing: Indexing, packages: Sequence[str]) -> None:
        """packages: names of those that are added; others than before mean other search parameters."""
        self._parameters = parameters
        self._indexing = indexing
        self._packages = tuple(packages)
        self._made_by = made_by(indexing)
        self._extraction: dict[str, str] | None = None  # None: not taken yet

    def extraction(self) -> dict[str, str]:
        if self._extraction is None:
            self._extraction = extraction(self._indexing)
        return self._extraction

    async def adopt(self, store: Store, *, owner: bool) -> None:
        """Set the rules, and have the index made anew where it was made by others.

        owner: a server, or the command that makes the index anew. Whoever else comes upon an index that was
        made by other rules leaves it alone: raises OtherIndexError.
        """
        kept = decode(await store.rules())
        lacking = None if kept.building else await self._parameters.lacking(kept)
        if self._is_mine(kept) and kept.packages == self._packages and lacking is None:
            return
        if not self._is_mine(kept) and await store.last_sequence():
            self.extraction()  # not inside of the lock
        await store.transaction(lambda tx: self._settle(tx, owner))

    def _is_mine(self, rules: Rules) -> bool:
        return rules.made_by == self._made_by

    async def _settle(self, tx: Transaction, owner: bool) -> None:
        old = decode(await tx.rules())
        task = await self._difference(tx, old)
        if task is not None and not owner:
            raise OtherIndexError
        new = await self._parameters.rules(tx, old) if owner or not old.made_by else old
        taken = self._extraction or (old.extraction if self._is_mine(old) else {})
        packages = self._packages if new is not old else old.packages
        new = structs.replace(new, made_by=self._made_by, extraction=taken, packages=packages)
        if new != old or await self._parameters.lacking(new) is not None:
            await self._parameters.adopt(tx, old, new, task)

    async def _difference(self, tx: Transaction, old: Rules) -> Task | None:
        """What has to be made anew for this process; None: nothing."""
        if self._is_mine(old) or not await tx.last_sequence():
            return None
        mine = self.extraction()
        kinds = {kind for kind in mine if mine[kind] != old.extraction.get(kind)}
        words = WORDS in kinds
        if not old.extraction or STRUCTURE in kinds:
            return Task(everything=True, words=words)
        if kinds <= {WORDS}:
            return Task(words=True) if words else None
        # the parts of composites are of every kind, and elements without any are not numbered
        return Task(kinds=(*sorted(kinds - {WORDS}), "composite"), words=words)

    async def make_anew(self, store: Store) -> None:
        """Have the whole index made anew, whatever it was made by."""

        async def work(tx: Transaction) -> None:
            rules = decode(await tx.rules())
            await self._parameters.adopt(tx, rules, rules, Task(everything=True))

        await store.transaction(work)

    async def complete(self, store: Store) -> None:
        """Keep the fingerprint with rules that have none: it was not needed to start with an empty store."""

        async def work(tx: Transaction) -> None:
            rules = decode(await tx.rules())
            if self._is_mine(rules) and not rules.extraction:
                await tx.set_rules(encode(structs.replace(rules, extraction=self.extraction())))

        rules = decode(await store.rules())
        if self._is_mine(rules) and not rules.extraction:
            await asyncio.to_thread(self.extraction)
            await store.transaction(work)

    def check(self, rules: Rules) -> None:
        """Raises OtherIndexError when another release or other settings have taken the store over."""
        if self._is_mine(rules):
            self._extraction = self._extraction or rules.extraction or None
        elif not rules.extraction or rules.extraction != self._extraction:
            raise OtherIndexError

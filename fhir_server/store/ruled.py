"""A layered store as one set of rules sees it.

Index rows and the nodes of a search are made for certain rules. A unit of work that comes under others is not
begun: what it brings would be written or sought in the wrong columns.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from fhir_server.outcome import FhirError, overloaded
from fhir_server.store.layered import LayeredStore, LayeredTransaction, Writable
from fhir_server.store.protocol import Reader, Transaction, mark_of

T = TypeVar("T")


class OutdatedError(FhirError):
    """The rules changed before the unit of work began. Nothing was done: do it again, under the new ones."""

    def __init__(self) -> None:
        wait = overloaded("the search parameters have changed while this request was in work: send it again")
        super().__init__(wait.status, *wait.issues, headers=wait.headers)


class Settle(Protocol):
    """Makes the rules fit what a unit of work wrote; called at its end, with that of the main store."""

    def __call__(self, tx: Transaction, /) -> Awaitable[None]: ...


class RuledStore(LayeredStore):
    def __init__(
        self,
        main: Writable,
        layers: Sequence[Reader],
        rules: bytes,
        sign: int,
        *,
        watched: frozenset[str] = frozenset(),
        settle: Settle | None = None,
    ) -> None:
        """sign: `rules_sign` of the main store before `rules` were read.

        watched: types of resources that the rules are made of; when one changes, `settle` has to see to it.
        """
        super().__init__(main, layers)
        self._mark = mark_of(rules)
        self.sign = sign
        self._watched = watched
        self._settle = settle

    @property
    def outdated(self) -> bool:
        """Whether the rules may be others by now."""
        return self._store.rules_sign != self.sign

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async def ruled(tx: Transaction) -> T:
            if tx.rules_mark != self._mark:
                raise OutdatedError
            result = await work(tx)
            assert isinstance(tx, LayeredTransaction)
            if self._settle is not None and not self._watched.isdisjoint(tx.touched):
                await self._settle(tx.main)
            return result

        return await super().transaction(ruled)

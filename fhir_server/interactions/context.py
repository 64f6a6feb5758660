"""What the interactions work with; made once for a process, handed to every interaction."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from secrets import token_bytes
from typing import Protocol

from fhir_server.clock import Clock, system_clock
from fhir_server.config import Settings
from fhir_server.definitions.registry import Definitions
from fhir_server.interactions.needs import Needs
from fhir_server.interactions.operation import Operation
from fhir_server.interactions.rules import Rules
from fhir_server.resource import new_id
from fhir_server.search.index import Indexer
from fhir_server.store.protocol import Store
from fhir_server.terminology.terminology import Terminology
from fhir_server.validation.profiles import Profiles
from fhir_server.validation.structure import Validator


class Follower(Protocol):
    @property
    def is_current(self) -> bool:
        """Whether the rules are still those that the context was made for."""

    async def renewed(self) -> "Context": ...


@dataclass(frozen=True, slots=True)
class Context:
    store: Store
    definitions: Definitions
    indexer: Indexer
    validator: Validator
    profiles: Profiles
    terminology: Terminology
    needs: Needs
    settings: Settings
    clock: Clock = system_clock
    new_id: Callable[[], str] = new_id
    # signs page cursors; the same in all processes on a store, or pages of one are refused by another
    secret: bytes = field(default_factory=lambda: token_bytes(32))
    # of what is built on the interactions
    rules: Rules = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)  # beside those of `operations/`
    # ids of CapabilityStatements (requirements) that this server meets, where they are in the store
    implements: tuple[str, ...] = ()
    present: Follower | None = None  # None: the rules of indexing never change

    async def renewed(self) -> "Context":
        """This one for the rules of indexing as they are now."""
        assert self.present is not None
        now = await self.present.renewed()
        return replace(
            self,
            store=now.store,
            definitions=now.definitions,
            indexer=now.indexer,
            terminology=now.terminology,
            profiles=now.profiles,
            needs=now.needs,
        )

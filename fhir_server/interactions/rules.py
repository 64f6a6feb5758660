"""Rules of a resource type that look at the state: who may change what, from which state to which.

They belong to what stands above the interactions (an alliance and its referrals) and are handed in with the
context. `write.py` asks them inside the store's lock, on every way on which a resource is changed; what they
answer is then checked and stored. A type that has none costs one look into a dict.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, Protocol

from fhir_server.clock import Clock
from fhir_server.interactions.request import Request
from fhir_server.resource import Resource, decode
from fhir_server.store.protocol import Method, Reader, Transaction, Version


class Proposal:
    """A change that is asked for, and the unit of work that it would be part of."""

    def __init__(
        self,
        unit: "Unit",
        request: Request,
        method: Method,
        id_: str,
        version: Version | None,
        after: Resource | None,
    ) -> None:
        self.unit = unit
        self.request = request
        self.method = method
        self.id = id_
        self.version = version  # the current one; None: there is none, or it is a deletion
        self.after = after  # with its id; None: it is to be deleted

    @cached_property
    def before(self) -> Resource | None:
        """What is stored now, with `meta.versionId` and `meta.lastUpdated`."""
        found: Resource | None = decode(self.version.body) if self.version is not None else None
        return found


class Unit(Protocol):
    """The unit of work of a change: what rules may read, and write beside it."""

    @property
    def reader(self) -> Transaction:
        """Shows what the same unit wrote already. In a transaction that is all entries whose types have no
        rules, and those whose types stand before this one in `Rules`.
        """

    @property
    def clock(self) -> Clock: ...

    async def resource(self, reference: str) -> Resource | None:
        """As `stored`."""

    async def find(self, resource_type: str, criteria: str, limit: int = 100) -> list[Resource]:
        """Resources that fit `participating-organization=Organization/1&active=true`, in any order."""

    async def put(self, resource: Resource) -> Version:
        """Write a resource too, as the server's own act, under its id or, without one, a new one.

        The rules of its type are asked as for any change, with `SERVER` as the organisation.
        """


Judge = Callable[[Proposal], Awaitable[Resource | None]]
"""What is to be stored in place of `Proposal.after`, or that itself; for a deletion the answer is not used.

It is the server's own, and not checked against the base specification again; profiles come after it.

Raises FhirError: 403, 422 or 428. A condition that does not hold (412) was found before.
"""

Rules = Mapping[str, tuple[Judge, ...]]
"""By resource type; each is given what the one before it answered.

Their order is that in which the entries of a transaction are written: what a rule looks up in other
resources stands before what it judges.
"""


def rank_of(rules: Rules) -> Callable[[str], int]:
    """Where a type stands in the order of writing; 0 for all that have no rules."""
    ranks = {resource_type: number for number, resource_type in enumerate(rules, 1)}
    return lambda resource_type: ranks.get(resource_type, 0)


async def stored(reader: Reader, reference: str) -> Resource | None:
    """The current version of what `Task/1` names; None: there is none, or it is deleted."""
    parts = reference_parts(reference)
    version = await reader.read(*parts) if parts else None
    found: Resource | None = decode(version.body) if version is not None and not version.deleted else None
    return found


def reference_parts(reference: Any) -> tuple[str, str] | None:
    """(type, id) of a relative reference, with or without a version; None: it is none."""
    if not isinstance(reference, str):
        return None
    parts = reference.split("/")
    if len(parts) == 2 or (len(parts) == 4 and parts[2] == "_history"):
        return parts[0], parts[1]
    return None

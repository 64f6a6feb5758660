"""Search parameters that clients define: checked when written, in force when their columns are built.

https://hl7.org/fhir/R4/searchparameter.html

The transaction that changes a SearchParameter changes the rules of indexing too: from its commit on, every
write is indexed by them, and a job fills in what was there before.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from msgspec import structs

from fhir_server.definitions.registry import Definitions
from fhir_server.outcome import Issue, unprocessable
from fhir_server.resource import Resource, decode, new_id
from fhir_server.search.columns import columns_of
from fhir_server.search.custom import RESOURCE_TYPE, columns_by_type, in_force, is_in_use, name_of
from fhir_server.search.rules import KIND, Rules, Task, encode_task, is_composite, merged
from fhir_server.search.rules import decode as decode_rules
from fhir_server.search.rules import encode as encode_rules
from fhir_server.store.algebra import Everything
from fhir_server.store.jobs import Job
from fhir_server.store.protocol import Reader, Transaction

Lacking = Callable[[Definitions], Awaitable[Task | None]]
WATCHED = frozenset((RESOURCE_TYPE,))

_ALL = 1_000_000


class SearchParameters:
    """Keeps the rules of a store in step with the SearchParameters in it and in its packages."""

    def __init__(
        self,
        core: Definitions,
        layers: Sequence[Reader] = (),
        packages: Sequence[Reader] = (),
        lacking: Lacking | None = None,
    ) -> None:
        """layers: those under the store. packages: the ones whose parameters count beside those of R4.

        lacking: what cannot be searched by until there are layers that fit definitions.
        """
        self._core = core
        self._layers = layers
        self._packages = packages
        self._lacking = lacking
        self._packaged: list[Resource] | None = None  # None: not looked up yet

    async def settle(self, tx: Transaction) -> None:
        """At the end of a unit that changed a SearchParameter; `tx` shows the main store alone.

        Raises 422 when a definition cannot be used beside the others, or others need one that is gone.
        """
        old = decode_rules(await tx.rules())
        new = await self.rules(tx, old)
        of_packages = {name_of(each) for each in await self._of_packages()}
        refused = [
            Issue("error", "business-rule", f"{name}: {reason}")
            for name, reason in new.left_out.items()
            if old.left_out.get(name) != reason and name not in of_packages
        ]
        if refused:
            raise unprocessable(refused)
        if new != old:
            await self.adopt(tx, old, new)

    async def _of_packages(self) -> list[Resource]:
        if self._packaged is None:
            self._packaged = _first_of_each([await _own(layer) for layer in self._packages])
        return self._packaged

    async def rules(self, tx: Reader, old: Rules) -> Rules:
        """`old` with the parameters that the resources define now."""
        known = {definition.url for definition in old.parameters}
        own = await _own(tx)
        own.sort(key=lambda each: (each["url"] not in known, each["id"]))
        free = [
            each for each in await self._of_packages() if await tx.read(RESOURCE_TYPE, each["id"]) is None
        ]
        definitions, left_out = in_force([*own, *free], self._core)
        return structs.replace(old, parameters=definitions.added_parameters, left_out=left_out)

    async def adopt(self, tx: Transaction, old: Rules, new: Rules, task: Task | None = None) -> None:
        """Set the rules, and put a job that makes the index fit them where there is something to do.

        task: what is to be done beside what new parameters need.
        """
        found = self._task(old, new)
        if task is not None:
            found = merged(found, task)
        more = await self.lacking(new)
        if more is not None:
            found = merged(found, more)
        there = set(await tx.totals()).union(*[await layer.totals() for layer in self._layers])
        if not found.kinds and not found.everything:
            build = {name: columns for name, columns in found.build.items() if name in there}
            found = structs.replace(found, build=build)
        elif not there:
            found = structs.replace(found, build={}, kinds=(), everything=False)
        if found.fills or found.drop or found.words:
            job = Job(new_id(), KIND, encode_task(found))
            await tx.put_job(job)
            new = new.with_part(found.part(job.id))
        await tx.set_rules(encode_rules(new))

    async def lacking(self, rules: Rules) -> Task | None:
        """What cannot be searched by because layers do not fit the rules; None: nothing."""
        if self._lacking is None:
            return None
        return await self._lacking(self._core.with_parameters(rules.parameters))

    def _task(self, old: Rules, new: Rules) -> Task:
        had, needed = self._columns(old), self._columns(new)
        build: dict[str, tuple[str, ...]] = {}
        for name in had.keys() | needed.keys():
            before, after = had.get(name, set()), needed.get(name, set())
            columns = after - before
            if _composites(before) != _composites(after):
                # elements are numbered over all composites of a type: others may have got other numbers
                columns |= self._composites_of(name, new)
            if columns:
                build[name] = tuple(sorted(columns))
        drop = sorted(_all(had) - _all(needed))
        return Task(build=dict(sorted(build.items())), drop=tuple(drop))

    def _columns(self, rules: Rules) -> dict[str, set[str]]:
        definitions = self._core.with_parameters(rules.parameters)
        return columns_by_type(definitions, columns_of(definitions))

    def _composites_of(self, resource_type: str, rules: Rules) -> set[str]:
        columns = columns_of(self._core.with_parameters(rules.parameters))
        return _composites(
            name for parameter in columns.parameters(resource_type) for name in parameter.column_names
        )


def _composites(columns: Iterable[str]) -> set[str]:
    return {name for name in columns if is_composite(name)}


def _all(by_type: dict[str, set[str]]) -> set[str]:
    return {column for columns in by_type.values() for column in columns}


async def _own(reader: Reader) -> list[Resource]:
    identities = await reader.identities(RESOURCE_TYPE, Everything(), _ALL)
    found = [decode(version.body) for version in await reader.read_many(identities)]
    return [each for each in found if is_in_use(each)]


def _first_of_each(found: Sequence[list[Resource]]) -> list[Resource]:
    """By id, as one layer shadows the next."""
    by_id: dict[str, Resource] = {}
    for resources in found:
        for resource in resources:
            by_id.setdefault(resource["id"], resource)
    return list(by_id.values())

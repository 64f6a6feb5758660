"""What is searched: the official examples, some of Synthea's patients, and resources made to be difficult."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from fhir_server.interactions.context import Context
from fhir_server.interactions.dispatch import perform
from fhir_server.interactions.search import options_of
from fhir_server.interactions.url import parse_url
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, content, decode
from fhir_server.search.access import Access
from fhir_server.store.algebra import IdIn, Node
from fhir_server.store.protocol import Content, Transaction, Version
from tests.examples import official_examples, synthea_bundles
from tests.interactions.fhir import Fhir, definitions
from tests.search.reference.hostile import BASE, hostile
from tests.search.reference.references import Identity
from tests.search.reference.world import World

NOW_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z
LARGEST_BYTES = 40_000  # of an example; the few that are larger are lists of one kind
SYNTHEA_BUNDLES = 2


def official() -> Iterator[Resource]:
    for number, (_, text) in enumerate(official_examples()):
        if len(text) < LARGEST_BYTES:
            resource = decode(text)
            yield resource if "id" in resource else resource | {"id": f"example-{number}"}


def synthea() -> Iterator[Resource]:
    """The smallest bundles, with relative references."""
    smallest = sorted((text for _, text in synthea_bundles()), key=len)[:SYNTHEA_BUNDLES]
    for text in smallest:
        entries = json.loads(text)["entry"]
        names = {
            each["fullUrl"]: f"{each['resource']['resourceType']}/{each['fullUrl'][9:]}" for each in entries
        }
        for name, relative in names.items():
            text = text.replace(name.encode(), relative.encode())
        for entry, (_, relative) in zip(decode(text)["entry"], names.items(), strict=True):
            yield entry["resource"] | {"id": relative.partition("/")[2]}


def difficult() -> Iterator[Resource]:
    yield from hostile(Random(5))


SOURCES = {"examples": official, "synthea": synthea, "hostile": difficult}


@dataclass
class Searched:
    """One set of resources, in a store and in memory."""

    name: str
    context: Context = field(repr=False)  # a failing test shows what has a name
    world: World = field(repr=False)
    runner: asyncio.Runner = field(repr=False)
    access: Access | None = field(default=None, repr=False)


DEFINITIONS = ("CodeSystem", "ValueSet", "NamingSystem", "OperationDefinition")
HIDDEN = 0.3  # of the resources


def partly(searched: Searched, chance: Random) -> Searched:
    """By a client that may see some resources only: to the reference the others are not there.

    Definitions, by which questions are understood, may be seen.
    """
    world = searched.world
    shown = {
        identity: resource
        for identity, resource in world.resources.items()
        if identity[0] in DEFINITIONS or chance.random() > HIDDEN
    }
    ids: dict[str, list[str]] = {}
    for type_name, id_ in shown:
        ids.setdefault(type_name, []).append(id_)

    def access(resource_type: str) -> Node:
        return IdIn(tuple(ids.get(resource_type, ())))

    seen = replace(world, resources=shown, inside={}, _selected={})
    return replace(searched, name=f"{searched.name}, partly", world=seen, access=access)


def searched(name: str, folder: Path, runner: asyncio.Runner) -> AbstractContextManager[Searched]:
    """One of the sources, with a history: some resources were another before, and some are gone."""
    return held(name, list(SOURCES[name]()), folder, runner, history=True)


@contextmanager
def held(
    name: str, resources: list[Resource], folder: Path, runner: asyncio.Runner, *, history: bool = False
) -> Iterator[Searched]:
    server = Fhir(runner, folder / f"{name}.sqlite")
    server.clock.now_ms = NOW_MS - 86_400_000
    context = replace(server.context, clock=lambda: NOW_MS)
    try:
        gone = runner.run(_replaced(context, resources)) if history else []
        versions = runner.run(_write(context, resources, gone))
        kept = {(each.resource_type, each.id): decode(each.body) for each in versions}
        sequences = {(each.resource_type, each.id): each.sequence for each in versions}
        zone = options_of(context.settings).zone
        runner.run(_words_indexed(context))
        yield Searched(name, context, World(definitions(), kept, BASE, zone, NOW_MS, sequences), runner)
    finally:
        server.close()


async def _words_indexed(context: Context) -> None:
    """The first search by text begins the index of words; what comes before it is complete is refused."""
    for _ in range(60):
        try:
            await perform(context, parse_url("GET", "Patient", "_content=x&_summary=count", BASE))
        except FhirError as error:
            if error.status != 503:
                raise
        else:
            return
    raise AssertionError("the index of words is not complete after two minutes")


async def _replaced(context: Context, resources: list[Resource]) -> list[Identity]:
    """Writes what is about to be replaced; answers what is to be deleted."""
    chance = Random(7)
    others = chance.sample(resources, len(resources) // 8)
    await _put(context, [_swapped(each, resources, chance) for each in others])
    return [_identity(each) for each in resources if chance.random() < 0.04]


async def _write(context: Context, resources: list[Resource], gone: list[Identity]) -> list[Version]:
    """What is current then."""
    for start in range(0, len(resources), 40):
        await _put(context, resources[start : start + 40])

    async def remove(transaction: Transaction) -> None:
        for identity in gone:
            await transaction.delete(*identity)

    await context.store.transaction(remove)
    remaining = dict.fromkeys(_identity(each) for each in resources if _identity(each) not in gone)
    return await context.store.read_many(list(remaining))


async def _put(context: Context, resources: Iterable[Resource]) -> None:
    async def put(transaction: Transaction) -> None:
        for each in resources:
            rows = context.indexer.rows(each)
            await transaction.put(Content(*_identity(each), content(each), rows), method="PUT")

    await context.store.transaction(put)


def _swapped(resource: Resource, resources: list[Resource], chance: Random) -> Resource:
    """The content of another resource of the type, under this one's id."""
    alike = [each for each in resources if each["resourceType"] == resource["resourceType"]]
    found: dict[str, Any] = chance.choice(alike) | {"id": resource["id"]}
    return found


def _identity(resource: Resource) -> Identity:
    return resource["resourceType"], resource["id"]

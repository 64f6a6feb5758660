"""A code system in rows of the store answers everything as it would in its resource."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.bulk.concepts import Numbered
from fhir_server.bulk.nested import rows_of
from fhir_server.outcome import FhirError
from fhir_server.store.protocol import Store, Transaction
from fhir_server.store.rows import Rows
from fhir_server.store.sqlite import open_store
from fhir_server.terminology.concepts import CodeSystem, Filter
from fhir_server.terminology.inline import InlineCodeSystem
from fhir_server.terminology.stored import StoredCodeSystem
from fhir_server.terminology.words import phrases
from tests.terminology.memory import ANIMALS, URL, code_system, concept


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def store(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path: Path = tmp_path_factory.mktemp("store") / "fhir.sqlite"
    made = open_store(path, extract=lambda *_: Rows(), clock=lambda: 0)
    yield made
    runner.run(made.close())


async def stored(store: Store, resource: dict[str, Any], *supplements: dict[str, Any]) -> StoredCodeSystem:
    """The code system with its concepts in the store, in the place of what was there."""
    rows, parents = rows_of(resource)
    numbered = Numbered(resource["url"], rows, parents)

    async def fill(tx: Transaction) -> None:
        table = await tx.concepts.begin(resource["url"], resource.get("version", ""))
        await tx.concepts.add(table, [*numbered.concepts()])
        await tx.concepts.add_ancestries(table, [*numbered.ancestries()])
        await tx.concepts.publish(table)
        while await tx.concepts.drop_unpublished(2):
            pass

    await store.transaction(fill)
    table = await store.concepts.table(resource["url"], resource.get("version", ""))
    assert table is not None and table in await store.concepts.tables()
    return StoredCodeSystem(resource, table, store.concepts, supplements)


FILTERS = [
    (),
    *(
        (Filter("concept", op, value),)
        for op in ("is-a", "descendent-of", "is-not-a", "generalizes", "=", "in", "not-in", "regex")
        for value in ("c0", "c1", "c4", "c1,c3", "dragon", "c[1-3]")
    ),
    *(
        (Filter(name, op, value),)  # type: ignore[arg-type]
        for name in ("rank", "parent", "child", "status", "display", "inactive")
        for op, value in (
            ("=", "1"), ("=", "c1"), ("in", "1, c2,retired"), ("not-in", "1,c1"), ("exists", "true"),
            ("exists", "false"), ("regex", "[1-2c].*"), ("=", "true"),
        )
        if (name, op) not in (("parent", "regex"), ("child", "regex"))
    ),
    (Filter("concept", "is-a", "c0"), Filter("rank", "exists", "true")),
    (Filter("concept", "is-a", "c1"), Filter("concept", "is-not-a", "c2"), Filter("concept", "regex", ".*")),
]  # fmt: skip

WORDS = ("肺炎", "链球菌", "acute", "Chronic", "2型")


@st.composite
def code_systems(draw: st.DrawFn) -> dict[str, Any]:
    """A few codes, each below earlier ones, with texts and properties."""
    concepts = []
    for number in range(draw(st.integers(1, 6))):
        item: dict[str, Any] = {"code": f"c{number}"}
        if texts := draw(st.lists(st.sampled_from(WORDS), max_size=3)):
            item["display"] = "".join(texts)
        properties = [
            {"code": "parent", "valueCode": f"c{parent}"}
            for parent in draw(st.sets(st.integers(0, number - 1), max_size=2) if number else st.just(set()))
        ]
        properties += draw(st.sampled_from([[], [{"code": "rank", "valueInteger": 1}]]))
        properties += draw(st.sampled_from([[], [{"code": "status", "valueCode": "retired"}]]))
        if properties:
            item["property"] = properties
        concepts.append(item)
    return code_system("drawn", *concepts, caseSensitive=draw(st.booleans()))


async def pages(system: CodeSystem, filters: Sequence[Filter], text: str) -> list[Any]:
    """All that a selection answers; as an error what it says."""
    selection = await system.select(tuple(filters))
    wanted = phrases(text)
    found = [each for _, each in await selection.page(wanted, -1, 100)]
    first = await selection.page(wanted, -1, 2)
    again = await selection.page(wanted, first[-1][0], 100) if first else []
    assert [each for _, each in first + again] == found  # going on after a page
    assert [each for _, each in await selection.page(wanted, -1, 2, 1)] == found[1:3]  # skipping
    assert await selection.count(wanted) in (None, len(found))
    there = await selection.having(["c0", "C1", "c3", "dragon"])
    return [found, there]


async def answers(system: CodeSystem, codes: Sequence[str]) -> list[Any]:
    found: list[Any] = [await system.concept(code) for code in codes]
    found.append(await system.concepts(codes))
    for code in codes:
        found += [
            [*await system.parents(code)],
            [*await system.children(code)],
            await system.above(code),
            await system.below(code),
            [await system.subsumes(code, other) for other in codes],
        ]
    return found


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(code_systems(), st.sampled_from(["", "炎链", "肺", "acute 肺", "c1", "chron"]))
def test_it_answers_as_a_resource_does(
    runner: asyncio.Runner, store: Store, resource: dict[str, Any], text: str
) -> None:
    async def compare() -> None:
        inline, kept = InlineCodeSystem(resource), await stored(store, resource)
        codes = ["c0", "c1", "C2", "c5", "dragon"]
        assert await answers(kept, codes) == await answers(inline, codes)
        for filters in FILTERS:
            assert await pages(kept, filters, text) == await pages(inline, filters, text), filters

    runner.run(compare())


def test_the_codes_of_parents_are_no_texts(runner: asyncio.Runner, store: Store) -> None:
    async def select() -> None:
        await (await stored(store, ANIMALS)).select((Filter("parent", "regex", "d.*"),))

    with pytest.raises(FhirError, match=r"a filter by regex on parent, in a code system as large as"):
        runner.run(select())


def test_supplements_are_found_too(runner: asyncio.Runner, store: Store) -> None:
    chinese = code_system(
        "chinese",
        {"code": "dog", "designation": [{"language": "zh", "value": "狗"}]},
        {"code": "cat", "property": [{"code": "status", "valueCode": "retired"}]},
        {"code": "dragon", "designation": [{"language": "zh", "value": "龙"}]},
        content="supplement",
        supplements=URL + "animals",
    )

    async def compare() -> None:
        inline, kept = InlineCodeSystem(ANIMALS, [chinese]), await stored(store, ANIMALS, chinese)
        codes = ["dog", "cat", "dragon"]
        assert await answers(kept, codes) == await answers(inline, codes)
        for filters in ((), (Filter("concept", "is-a", "dog"),), (Filter("status", "=", "retired"),)):
            for text in ("狗", "do", "龙", ""):
                assert await pages(kept, filters, text) == await pages(inline, filters, text), (filters, text)

    runner.run(compare())


def test_a_version_is_replaced_as_a_whole(runner: asyncio.Runner, store: Store) -> None:
    async def replace() -> None:
        first = await stored(store, code_system("twice", concept("a", concept("b"))))
        assert await first.subsumes("a", "b")
        second = await stored(store, code_system("twice", concept("b", concept("c"))))
        assert await second.concept("a") is None
        assert await second.above("c") == {"b"}
        assert await first.concept("b") is None  # its rows are gone

    runner.run(replace())


def test_what_is_not_published_is_not_there(runner: asyncio.Runner, store: Store) -> None:
    async def begin() -> None:
        rows, parents = rows_of(ANIMALS)
        numbered = Numbered(URL, rows, parents)

        async def fill(tx: Transaction) -> None:
            await tx.concepts.add(await tx.concepts.begin(URL + "half", ""), [*numbered.concepts()])

        await store.transaction(fill)
        assert await store.concepts.table(URL + "half", "") is None
        drops = 0
        while await store.transaction(lambda tx: tx.concepts.drop_unpublished(2)):
            drops += 1
        assert drops > 3  # bit by bit

    runner.run(begin())

"""A written store over read-only ones answers like one store that has the resources of both."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.store.algebra import Between, Everything, LexiconIn, Node, Query, SortKey, StringStarts
from fhir_server.store.layered import LayeredStore
from fhir_server.store.protocol import HistoryRange, Transaction
from fhir_server.store.sqlite import SqliteStore, open_store
from fhir_server.store.sqlite.seal import seal
from tests.store.conftest import Fresh, Run
from tests.store.contract.test_find import answers_like_the_oracle, reusing
from tests.store.contract.test_paging import paged
from tests.store.oracle import Oracle
from tests.store.resources import (
    START,
    Resource,
    Ticking,
    decoded,
    delete,
    extract,
    make,
    patient,
    put,
    put_all,
)
from tests.store.worlds import comparisons, resources, sorts, types
from tests.store.worlds import ids as ids_of_worlds

EVERYONE = Query(("Patient",), Everything(), 10)

Layer = Callable[..., SqliteStore]


@pytest.fixture
def layer(tmp_path: Path, run: Run[Any]) -> Iterator[Layer]:
    """Makes a read-only store of some resources."""
    opened: list[SqliteStore] = []

    def sealed(*found: Resource) -> SqliteStore:
        path = tmp_path / f"{len(opened)}.layer"

        async def fill() -> None:
            store = open_store(path, extract=extract, clock=lambda: START)
            await put_all(store, *found)
            await store.close()

        run(fill())
        seal(path)
        opened.append(open_store(path, extract=extract, clock=Ticking(), readonly=True))
        return opened[-1]

    yield sealed
    for store in opened:
        run(store.close())


def ids(page: Any) -> list[str]:
    return [hit.version.id for hit in page.hits]


def test_reads_what_only_a_layer_has(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    store = LayeredStore(fresh(), [layer(patient("below"))])
    found = run(store.read("Patient", "below"))
    assert found is not None
    assert decoded(found) == patient("below")
    assert run(store.vread("Patient", "below", 1)) == found
    assert run(store.read("Patient", "nowhere")) is None
    assert run(store.read_many([("Patient", "below"), ("Group", "x")])) == [found]


def test_what_is_put_off_to_the_end_sees_the_layers(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    store = LayeredStore(fresh(), [layer(patient("below"))])
    asked: list[tuple[list[str], bool]] = []

    async def check(tx: Transaction, items: list[Any]) -> None:
        asked.append((items, await tx.read("Patient", "below") is not None))

    async def work(tx: Transaction) -> None:
        tx.at_end(check, "first")
        tx.at_end(check, "second")

    run(store.transaction(work))
    assert asked == [(["first", "second"], True)]


def test_what_the_main_store_has_shadows_a_layer(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    main = fresh()
    below = [patient("same", strings=[["Patient.name", "eve", 1]]), patient("other")]
    store = LayeredStore(main, [layer(*below)])
    run(put(main, patient("same", note="mine")))
    assert ids(run(store.find(EVERYONE))) == ["same", "other"]
    assert run(store.count(("Patient",), Everything())) == 2
    assert run(store.totals()) == {"Patient": 2}
    # found in the layer by a name that it no longer has
    assert ids(run(store.find(Query(("Patient",), StringStarts("Patient.name", "e"), 10)))) == []
    assert run(store.count(("Patient",), StringStarts("Patient.name", "e"))) == 0


def test_a_layer_shadows_the_next(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    layers = [layer(patient("same", note="upper")), layer(patient("same", note="lower"), patient("x"))]
    store = LayeredStore(fresh(), layers)
    found = run(store.read("Patient", "same"))
    assert found is not None
    assert decoded(found)["note"] == "upper"
    assert sorted(ids(run(store.find(EVERYONE)))) == ["same", "x"]
    assert run(store.count((), Everything())) == 2
    assert run(store.identities("Patient", Everything(), 10)) == [("Patient", "same"), ("Patient", "x")]


def test_an_update_of_what_a_layer_has_begins_with_a_copy(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    below = patient("a", strings=[["Patient.name", "eve", 1], ["Patient.name", "mary", 1]])
    store = LayeredStore(fresh(), [layer(below)])
    kept = patient("a", strings=[["Patient.name", "eve", 1]])
    written = run(put(store, kept, if_match=1))
    assert (written.version.version_id, written.created, written.changed) == (2, False, True)
    assert [v.version_id for v in run(store.history(HistoryRange("Patient", "a"), 10))] == [2, 1]
    assert ids(run(store.find(Query(("Patient",), StringStarts("Patient.name", "eve"), 10)))) == ["a"]
    assert ids(run(store.find(Query(("Patient",), StringStarts("Patient.name", "mary"), 10)))) == []


def test_an_update_that_changes_nothing_copies_nothing(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    main = fresh()
    store = LayeredStore(main, [layer(patient("a"))])
    written = run(put(store, patient("a")))
    assert not written.changed
    assert written.version.version_id == 1
    assert run(main.last_sequence()) == 0


def test_412_when_if_match_is_not_the_version_of_the_layer(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    main = fresh()
    store = LayeredStore(main, [layer(patient("a"))])
    for resource in (patient("a"), patient("a", note="changed")):
        with pytest.raises(FhirError) as refused:
            run(put(store, resource, if_match=7))
        assert refused.value.status == 412
    assert run(main.last_sequence()) == 0


def test_a_deletion_hides_what_a_layer_has(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    store = LayeredStore(fresh(), [layer(patient("a"), patient("b"))])
    gone = run(delete(store, "Patient", "a"))
    assert gone is not None
    assert gone.version_id == 2
    assert run(store.read("Patient", "a")) == gone
    assert ids(run(store.find(EVERYONE))) == ["b"]
    assert run(store.totals()) == {"Patient": 1}
    assert run(delete(store, "Patient", "a")) is None


def test_the_history_of_a_resource_in_a_layer_is_its_version(
    fresh: Fresh, run: Run[Any], layer: Layer
) -> None:
    store = LayeredStore(fresh(), [layer(patient("a"), patient("b"))])
    only = run(store.read("Patient", "b"))
    range_ = HistoryRange("Patient", "b", up_to_sequence=0)
    assert run(store.history(range_, 10)) == [only]
    assert run(store.history_count(range_)) == 1
    assert only is not None
    assert run(store.history(range_._replace(before_sequence=only.sequence), 10)) == []
    assert run(store.history(HistoryRange("Patient"), 10)) == []


def test_a_unit_of_work_sees_the_layers_and_itself(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    store = LayeredStore(fresh(), [layer(patient("a"), patient("b"))])

    async def work(tx: Any) -> list[str]:
        await tx.delete("Patient", "a")
        assert await tx.count(("Patient",), Everything()) == 1
        return ids(await tx.find(EVERYONE))

    assert run(store.transaction(work)) == ["b"]


def test_a_unit_that_fails_leaves_the_layer_seen(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    store = LayeredStore(fresh(), [layer(patient("a"))])

    async def work(tx: Any) -> None:
        await tx.delete("Patient", "a")
        assert ids(await tx.find(EVERYONE)) == []
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(store.transaction(work))
    assert ids(run(store.find(EVERYONE))) == ["a"]


def test_410_for_a_page_of_other_layers(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    main, two = fresh(), layer(patient("a"), patient("b"))
    page = run(LayeredStore(main, [two]).find(replace(EVERYONE, limit=1)))
    later = replace(EVERYONE, after=page.hits[-1].position, as_of=page.moment)
    assert ids(run(LayeredStore(main, [two]).find(later))) == ["b"]
    for layers in ([two, layer(patient("b"))], [layer(patient("a"), patient("b"), patient("c"))]):
        with pytest.raises(FhirError) as refused:
            run(LayeredStore(main, layers).find(later))
        assert refused.value.status == 410


def test_types_that_no_layer_has_are_the_main_stores(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    main = fresh()
    store = LayeredStore(main, [layer(patient("a"))])
    run(put_all(main, make("Group", "g")))
    asked = Query(("Group",), Everything(), 10)
    assert run(store.find(asked)) == run(main.find(asked))


def alike_in_each_store(node: Node) -> bool:
    """Whether the answer does not hang on a store's whole lexicon."""
    return not isinstance(node, LexiconIn) and not (isinstance(node, Between) and node.unit_texts)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Resource], list[Resource], tuple[str, str] | None]:
    """Resources above and below, and one of those below that is deleted."""
    below = draw(st.lists(resources(), min_size=1, max_size=6))
    gone = draw(st.none() | st.sampled_from([(found["resourceType"], found["id"]) for found in below]))
    return draw(st.lists(resources(), max_size=6)), below, gone


@st.composite
def questions(draw: st.DrawFn) -> tuple[tuple[str, ...], Node, tuple[SortKey, ...]]:
    columns = st.sampled_from(("Patient.one", "Group.one"))
    where = draw(comparisons(columns).filter(alike_in_each_store) | st.just(Everything()))
    sort = draw(st.lists(sorts("Patient").filter(lambda key: key.kind != "token"), max_size=2))
    return draw(st.sampled_from((("Patient",), ("Patient", "Group"), ()))), where, tuple(sort)


@reusing
@given(situation=situations(), question=questions())
def test_finds_like_one_store(
    fresh: Fresh, run: Run[Any], layer: Layer, situation: Any, question: Any
) -> None:
    above, below, gone = situation
    lower = layer(*below)
    store = LayeredStore(fresh(), [lower])

    async def test() -> None:
        oracle = Oracle()
        for number, found in enumerate(below):
            oracle.put(found, number, START)
        for found in above:
            written = (await put(store, found)).version
            oracle.put(found, 100 + written.sequence, written.last_updated_ms)
        if gone is not None:
            await delete(store, *gone)
            oracle.delete(gone)
        await answers_like_the_oracle(store, oracle, *question)
        await store.close()
        await lower.close()

    run(test())


@reusing
@given(
    situation=situations(),
    question=questions(),
    between=st.lists(st.lists(resources() | st.tuples(types, ids_of_worlds), max_size=4), max_size=5),
)
def test_D20_pages_over_layers_are_what_matched_at_the_first(
    fresh: Fresh, run: Run[Any], layer: Layer, situation: Any, question: Any, between: Any
) -> None:
    """What is put over a resource of a layer meanwhile neither hides nor repeats it."""
    above, below, gone = situation
    lower = layer(*below)
    store = LayeredStore(fresh(), [lower])

    async def test() -> None:
        oracle = Oracle()
        for found in below:
            oracle.put(found, 0, START)
        for found in above:
            oracle.put(found, (await put(store, found)).version.sequence, START)
        if gone is not None:
            await delete(store, *gone)
            oracle.delete(gone)
        resource_types, where, sort = question
        found = await paged(store, Query(resource_types, where, 2, sort), between)
        identities = [(version.resource_type, version.id) for version in found]
        assert len(identities) == len(set(identities))
        assert set(identities) == oracle.find(resource_types, where)
        await store.close()
        await lower.close()

    run(test())


def test_each_store_explains(fresh: Fresh, run: Run[Any], layer: Layer) -> None:
    """The main store at first, then the layers, as far as the page is not full."""
    main = fresh()
    layers = [layer(patient("1"), patient("2")), layer(patient("3")), layer(make("Group", "4"))]
    store = LayeredStore(main, layers)
    run(put_all(main, patient("0")))

    def counts(query: Query) -> list[int]:
        return [each.found for each in run(store.explain(query))]

    assert counts(EVERYONE) == [1, 2, 1]
    assert counts(replace(EVERYONE, limit=0)) == [1, 2, 1]
    assert counts(replace(EVERYONE, sort=(SortKey("id"),), limit=1)) == [1, 1, 1]
    first = replace(EVERYONE, limit=2)
    assert counts(first) == [1, 1]
    page = run(store.find(first))
    assert counts(replace(first, after=page.hits[-1].position, as_of=page.moment)) == [1, 1]
    assert counts(Query(("Encounter",), Everything(), 10)) == [0]

"""Reads of single resources, and of what is not there."""

from typing import Any

from fhir_server.store.algebra import Everything, Query, TokenIn
from fhir_server.store.protocol import Page, Store
from tests.store.conftest import Run
from tests.store.resources import delete, make, patient, put, put_all


def test_none_where_there_never_was_one(store: Store, run: Run[Any]) -> None:
    assert run(store.read("Patient", "a")) is None
    assert run(store.vread("Patient", "a", 1)) is None
    run(put(store, patient("a")))
    assert run(store.read("Patient", "b")) is None
    assert run(store.read("Group", "a")) is None
    assert run(store.vread("Patient", "a", 2)) is None


def test_a_target_of_a_reference_is_not_there_for_that(store: Store, run: Run[Any]) -> None:
    run(put(store, make("Group", "g", references=[["Group.member", "Patient", "a"]])))
    assert run(store.read("Patient", "a")) is None
    assert run(store.read_many([("Patient", "a")])) == []
    assert run(store.count(("Patient",), Everything())) == 0
    assert run(store.find(Query((), Everything(), 10))).hits[0].version.id == "g"
    assert run(delete(store, "Patient", "a")) is None
    written = run(put(store, patient("a")))
    assert (written.created, written.version.version_id) == (True, 1)


def test_read_many_keeps_the_order_and_leaves_out_what_is_gone(store: Store, run: Run[Any]) -> None:
    run(put_all(store, patient("a"), patient("b"), make("Group", "a"), patient("gone")))
    run(delete(store, "Patient", "gone"))
    asked = [("Patient", "b"), ("Patient", "gone"), ("Group", "a"), ("Patient", "nobody"), ("Patient", "a")]
    found = run(store.read_many(asked))
    assert [(version.resource_type, version.id) for version in found] == [asked[0], asked[2], asked[4]]


def test_an_empty_store_answers(store: Store, run: Run[Any]) -> None:
    assert run(store.totals()) == {}
    assert run(store.last_sequence()) == 0
    assert run(store.changes(0, 10)) == []
    assert run(store.find(Query(("Patient",), TokenIn("Patient.code", (1,)), 10))) == Page([], False)
    assert run(store.count((), Everything())) == 0
    assert run(store.identities("Patient", Everything(), 2)) == []


def test_identities_stop_at_the_limit(store: Store, run: Run[Any]) -> None:
    run(put_all(store, *(patient(str(n)) for n in range(5))))
    assert len(run(store.identities("Patient", Everything(), 2))) == 2


def test_a_page_of_nothing_tells_whether_there_is_more(store: Store, run: Run[Any]) -> None:
    assert run(store.find(Query(("Patient",), Everything(), 0))) == Page([], False)
    run(put(store, patient("a")))
    assert run(store.find(Query(("Patient",), Everything(), 0)))[:2] == ([], True)

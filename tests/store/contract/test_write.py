"""put and delete: versions, conflicts, what counts as a change.

https://hl7.org/fhir/R4/http.html#update
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.resource import decode
from fhir_server.store.algebra import Everything, Query, TokenIn
from fhir_server.store.protocol import HistoryRange, Method, Store
from tests.store.conftest import Fresh, Run
from tests.store.contract.test_find import reusing
from tests.store.resources import START, Ticking, content, decoded, delete, make, patient, put, put_all
from tests.store.worlds import resources


def test_a_create_is_version_1(store: Store, run: Run[Any]) -> None:
    written = run(put(store, patient("a"), method="POST"))
    assert (written.created, written.changed) == (True, True)
    version = written.version
    assert (version.resource_type, version.id, version.version_id, version.method) == (
        "Patient",
        "a",
        1,
        "POST",
    )
    assert decoded(version) == patient("a")
    assert run(store.read("Patient", "a")) == version


def test_the_body_carries_version_and_time(store: Store, run: Run[Any], clock: Ticking) -> None:
    clock.now = 1_795_420_800_122
    version = run(put(store, patient("a"))).version
    assert version.last_updated_ms == 1_795_420_800_123
    assert decode(version.body)["meta"] == {"versionId": "1", "lastUpdated": "2026-11-23T08:00:00.123Z"}


def test_an_update_is_the_next_version(store: Store, run: Run[Any]) -> None:
    first = run(put(store, patient("a"))).version
    written = run(put(store, patient("a", note="new"), method="PATCH"))
    assert (written.created, written.changed) == (False, True)
    assert (written.version.version_id, written.version.method) == (2, "PATCH")
    assert written.version.sequence > first.sequence
    assert run(store.read("Patient", "a")) == written.version
    assert run(store.vread("Patient", "a", 1)) == first


def test_a_create_under_an_id_that_is_known_goes_on_from_there(store: Store, run: Run[Any]) -> None:
    referring = make("Observation", "o", references=[["Observation.subject", "Patient", "a"]])
    run(put_all(store, referring, patient("b")))
    only_referred_to = run(put(store, patient("a"), method="POST"))
    assert (only_referred_to.created, only_referred_to.version.version_id) == (True, 1)
    there = run(put(store, patient("b", note="new"), method="POST"))
    assert (there.created, there.version.version_id) == (False, 2)
    same = run(put(store, patient("b", note="new"), method="POST"))
    assert (same.changed, same.version) == (False, there.version)
    assert run(store.totals()) == {"Observation": 1, "Patient": 2}


def test_the_same_content_makes_no_version(store: Store, run: Run[Any]) -> None:
    first = run(put(store, patient("a", note="same")))
    again = run(put(store, dict(reversed(patient("a", note="same").items()))))
    assert (again.created, again.changed) == (False, False)
    assert again.version == first.version
    assert run(store.last_sequence()) == first.version.sequence


def test_another_spelling_of_a_decimal_is_another_content(store: Store, run: Run[Any]) -> None:
    for text, version_id in ((b"1.0", 1), (b"1.00", 2), (b"1.00", 2)):
        found = patient("a") | {"value": decode(text)}
        written = run(put(store, found))
        assert written.version.version_id == version_id
        assert b'"value":' + text in written.version.body


def test_force_makes_a_version_of_the_same_content(store: Store, run: Run[Any]) -> None:
    run(put(store, patient("a")))
    written = run(put(store, patient("a"), force=True))
    assert (written.changed, written.version.version_id) == (True, 2)


def test_a_deletion_is_a_version(store: Store, run: Run[Any]) -> None:
    run(put(store, patient("a")))
    gone = run(delete(store, "Patient", "a"))
    assert gone is not None
    assert (gone.version_id, gone.method, gone.deleted, gone.body) == (2, "DELETE", True, b"")
    assert run(store.read("Patient", "a")) == gone
    assert run(store.vread("Patient", "a", 2)) == gone
    assert run(store.read_many([("Patient", "a")])) == []
    assert run(store.totals()) == {}


def test_deleting_what_is_not_there_does_nothing(store: Store, run: Run[Any]) -> None:
    assert run(delete(store, "Patient", "a")) is None
    run(put(store, patient("a")))
    run(delete(store, "Patient", "a"))
    assert run(delete(store, "Patient", "a")) is None
    assert run(store.last_sequence()) == 2


def test_a_deleted_resource_comes_back_with_the_next_version(store: Store, run: Run[Any]) -> None:
    run(put(store, patient("a")))
    run(delete(store, "Patient", "a"))
    written = run(put(store, patient("a")))
    assert (written.created, written.changed, written.version.version_id) == (True, True, 3)
    assert run(store.totals()) == {"Patient": 1}


@pytest.mark.parametrize("if_match", [1, 3])
def test_412_when_if_match_is_another_version(store: Store, run: Run[Any], if_match: int) -> None:
    run(put(store, patient("a")))
    current = run(put(store, patient("a", note="two"))).version
    for change in (
        put(store, patient("a"), if_match=if_match),
        delete(store, "Patient", "a", if_match=if_match),
    ):
        with pytest.raises(FhirError) as refused:
            run(change)
        assert refused.value.status == 412
        assert refused.value.issues[0].code == "conflict"
    assert run(store.read("Patient", "a")) == current


def test_412_when_if_match_names_a_version_of_nothing(store: Store, run: Run[Any]) -> None:
    for change in (put(store, patient("a"), if_match=1), delete(store, "Patient", "a", if_match=1)):
        with pytest.raises(FhirError) as refused:
            run(change)
        assert refused.value.status == 412
    assert run(store.read("Patient", "a")) is None


def test_if_match_of_the_current_version_writes(store: Store, run: Run[Any]) -> None:
    run(put(store, patient("a")))
    assert run(put(store, patient("a", note="two"), if_match=1)).version.version_id == 2
    gone = run(delete(store, "Patient", "a", if_match=2))
    assert gone is not None
    assert gone.version_id == 3


def test_the_index_follows_updates_and_deletions(store: Store, run: Run[Any]) -> None:
    async def found(hash_: int) -> int:
        return await store.count(("Patient",), TokenIn("Patient.code", (hash_,)))

    run(put(store, patient("a", tokens=[["Patient.code", 1], ["Patient.code", 2]])))
    assert [run(found(hash_)) for hash_ in (1, 2, 3)] == [1, 1, 0]
    run(put(store, patient("a", tokens=[["Patient.code", 2], ["Patient.code", 3]])))
    assert [run(found(hash_)) for hash_ in (1, 2, 3)] == [0, 1, 1]
    run(delete(store, "Patient", "a"))
    assert [run(found(hash_)) for hash_ in (1, 2, 3)] == [0, 0, 0]


def test_ids_differ_by_case(store: Store, run: Run[Any]) -> None:
    uuid = "0b9e5c1e-7c6a-4d0e-9a52-3f6e2b1c0d4f"
    ids = ["abc", "AbC", uuid, uuid.upper(), uuid[:-1], uuid.replace("-", "")]
    for id_ in ids:
        run(put(store, patient(id_, note=id_)))
    for id_ in ids:
        found = run(store.read("Patient", id_))
        assert found is not None
        assert decoded(found) == patient(id_, note=id_)
    assert run(store.totals()) == {"Patient": len(ids)}


def test_one_id_in_two_types(store: Store, run: Run[Any]) -> None:
    run(put_all(store, patient("a"), make("Group", "a")))
    assert run(store.totals()) == {"Patient": 1, "Group": 1}
    run(delete(store, "Patient", "a"))
    assert run(store.read("Group", "a")) is not None


def test_times_grow_with_the_log_when_the_clock_is_set_back(
    store: Store, run: Run[Any], clock: Ticking
) -> None:
    times = []
    for now in (START + 1000, START, START + 999, START + 5000):
        clock.now = now
        times.append(run(put(store, patient("a"), force=True)).version.last_updated_ms)
    assert times == sorted(times)
    assert times[1] == times[0]


def test_versions_of_one_unit_have_one_time(store: Store, run: Run[Any]) -> None:
    run(put_all(store, patient("a"), patient("b")))
    assert len({version.last_updated_ms for version in run(store.changes(0, 10))}) == 1


def test_413_for_more_instances_than_can_be_kept_apart(store: Store, run: Run[Any]) -> None:
    part = {"tokens": [["Patient.part", 1]]}
    run(put(store, patient("fits", instances=[part] * 1024)))
    with pytest.raises(FhirError) as refused:
        run(put(store, patient("a", instances=[part] * 1025)))
    assert refused.value.status == 413
    assert run(store.read("Patient", "a")) is None


methods: st.SearchStrategy[Method] = st.sampled_from(("PUT", "PATCH"))


@reusing
@given(changes=st.lists(st.tuples(resources(), methods, st.booleans()), max_size=20))
def test_versions_are_contiguous_and_all_in_the_log(fresh: Fresh, run: Run[Any], changes: list[Any]) -> None:
    """Any sequence of writes and deletions."""

    async def test() -> None:
        store = fresh()
        made = []
        for found, method, deletes in changes:
            if deletes:
                made.append(await delete(store, found["resourceType"], found["id"]))
            else:
                written = await put(store, found, method=method)
                made.append(written.version if written.changed else None)
        log = await store.changes(0, 100)
        assert log == [version for version in made if version is not None]
        assert [version.sequence for version in log] == list(range(1, len(log) + 1))
        for identity in {version[1:3] for version in log}:
            own = [version for version in log if version[1:3] == identity]
            assert [version.version_id for version in own] == list(range(1, len(own) + 1))
            assert await store.history(HistoryRange(*identity), 100) == own[::-1]
            assert [await store.vread(*identity, version.version_id) for version in own] == own
            assert await store.read(*identity) == own[-1]
        live = {version[1:3] for version in log if version == await store.read(*version[1:3])}
        live = {i for i in live if not (await store.read(*i)).deleted}  # type: ignore[union-attr]
        assert sum((await store.totals()).values()) == len(live) == await store.count((), Everything())
        page = await store.find(Query((), Everything(), 100))
        assert {hit.version[1:3] for hit in page.hits} == live
        await store.close()

    run(test())


def test_content_is_kept_to_the_byte(store: Store, run: Run[Any]) -> None:
    found = patient("a") | {"text": '𠮷 e\u0301 \u200f " \\ \t', "number": decode(b"1.2E+2")}
    run(put(store, found))
    kept = run(store.read("Patient", "a"))
    assert kept is not None
    assert kept.body.endswith(content(found).body.partition(b'"meta":{}')[2])

"""Ids as they are kept."""

from hypothesis import given
from hypothesis import strategies as st

from fhir_server.store.sqlite.names import id_text, stored_id

ids = st.from_regex(r"[A-Za-z0-9\-.]{1,64}", fullmatch=True)


@given(ids | st.uuids().map(str) | st.uuids().map(lambda uuid: str(uuid).upper()))
def test_an_id_comes_back(id_: str) -> None:
    assert id_text(stored_id(id_)) == id_


@given(st.uuids())
def test_a_uuid_takes_16_bytes(uuid: object) -> None:
    assert len(stored_id(str(uuid))) == 16


@given(st.lists(st.uuids().map(str)))
def test_uuids_sort_alike_in_both_forms(uuids: list[str]) -> None:
    assert sorted(uuids, key=stored_id) == sorted(uuids)  # type: ignore[arg-type]

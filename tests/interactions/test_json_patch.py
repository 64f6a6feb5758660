"""https://www.rfc-editor.org/rfc/rfc6902"""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.interactions.json_patch import OPERATION_LIMIT, read
from fhir_server.outcome import FhirError
from fhir_server.resource import Resource, decode, encode

PATIENT: Resource = {
    "resourceType": "Patient",
    "id": "1",
    "active": True,
    "name": [{"family": "A", "given": ["x", "y"]}, {"family": "B"}],
    "telecom": [{"value": "1"}],
    "contact": [{"telecom": [{"value": "2"}]}],
}


def patched(*operations: Any) -> Resource:
    return read(list(operations))(PATIENT)


def operation(op: str, path: str, **members: Any) -> dict[str, Any]:
    return {"op": op, "path": path} | members


def test_each_operation() -> None:
    assert patched(operation("add", "/gender", value="male"))["gender"] == "male"
    assert patched(operation("add", "/name/0/given/1", value="z"))["name"][0]["given"] == ["x", "z", "y"]
    assert patched(operation("add", "/name/0/given/-", value="z"))["name"][0]["given"] == ["x", "y", "z"]
    assert "active" not in patched(operation("remove", "/active"))
    assert patched(operation("replace", "/name/1/family", value="C"))["name"][1]["family"] == "C"
    moved = patched({"op": "move", "path": "/name/1", "from": "/name/0"})
    assert [name["family"] for name in moved["name"]] == ["B", "A"]
    copied = patched({"op": "copy", "path": "/name/-", "from": "/name/0"})
    assert copied["name"][2] == copied["name"][0]
    assert patched(operation("test", "/active", value=True)) == PATIENT


def test_the_resource_itself_is_not_changed() -> None:
    before = copy.deepcopy(PATIENT)
    patched(operation("remove", "/name/0/given/0"), operation("replace", "/active", value=False))
    assert before == PATIENT


def test_decimals_keep_their_digits() -> None:
    resource = decode(b'{"resourceType":"Observation","valueQuantity":{"value":1.00}}')
    change = read(decode(b'[{"op":"add","path":"/valueQuantity/low","value":0.0000001}]'))
    assert encode(change(resource)["valueQuantity"]) == b'{"value":1.00,"low":0.0000001}'


def test_arrays_and_objects_that_lost_their_last_member_are_dropped() -> None:
    assert "telecom" not in patched(operation("remove", "/telecom/0"))
    assert "contact" not in patched(operation("remove", "/contact/0/telecom/0/value"))
    moved = patched({"op": "move", "from": "/telecom/0", "path": "/contact/0/telecom/0"})
    assert "telecom" not in moved and len(moved["contact"][0]["telecom"]) == 2


def test_an_array_may_be_emptied_and_filled_again() -> None:
    found = patched(operation("remove", "/telecom/0"), operation("add", "/telecom/-", value={"value": "3"}))
    assert found["telecom"] == [{"value": "3"}]


@pytest.mark.parametrize(
    "document",
    [
        {},
        "[]",
        None,
        [1],
        [{}],
        [{"op": "add"}],
        [{"op": "delete", "path": "/active"}],
        [{"op": ["add"], "path": "/active", "value": 1}],
        [{"op": "add", "path": "/active"}],
        [{"op": "replace", "path": "/active"}],
        [{"op": "test", "path": "/active"}],
        [{"op": "move", "path": "/active"}],
        [{"op": "copy", "path": "/active", "from": 5}],
        [{"op": "remove", "path": "active"}],
        [{"op": "remove", "path": "/a~2b"}],
        [{"op": "remove", "path": 5}],
        [{"op": "remove", "path": None}],
    ],
)
def test_400_for_what_is_no_json_patch(document: Any) -> None:
    with pytest.raises(FhirError) as caught:
        read(document)
    assert caught.value.status == 400


def test_400_for_too_many_operations() -> None:
    with pytest.raises(FhirError) as caught:
        read([operation("test", "/active", value=True)] * (OPERATION_LIMIT + 1))
    assert (caught.value.status, caught.value.issues[0].code) == (400, "too-costly")


@pytest.mark.parametrize(
    "wrong",
    [
        operation("test", "/active", value=False),
        operation("test", "/active", value=1),
        operation("test", "/missing", value=1),
        operation("remove", "/missing"),
        operation("remove", "/name/7"),
        operation("remove", "/name/-"),
        operation("remove", "/name/-1"),
        operation("remove", "/name/01"),
        operation("remove", ""),
        operation("replace", "/missing", value=1),
        operation("replace", "", value=[]),
        operation("replace", "", value=None),
        operation("add", "/missing/deep", value=1),
        operation("add", "/active/deep", value=1),
        operation("add", "/name/0/family/deep", value=1),
        operation("add", "/name/7", value={}),
        operation("add", "/name/x", value={}),
        {"op": "move", "path": "/name/0/given/0", "from": "/name/0"},
        {"op": "copy", "path": "/x", "from": "/missing"},
    ],
)
def test_422_for_what_does_not_fit(wrong: dict[str, Any]) -> None:
    with pytest.raises(FhirError) as caught:
        patched(wrong)
    assert (caught.value.status, caught.value.issues[0].code) == (422, "processing")
    assert "operation 0" in caught.value.issues[0].diagnostics or wrong["path"] == ""


_POINTERS = st.lists(
    st.sampled_from(["name", "0", "1", "-", "given", "family", "active", "~0", "~1", "", "é"]), max_size=4
).map(lambda parts: "".join(f"/{part}" for part in parts))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
_OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": _POINTERS,
        "from": _POINTERS,
        "value": _VALUES,
    }
)


@given(st.lists(_OPERATIONS, max_size=5))
def test_any_patch_is_applied_or_refused(operations: list[dict[str, Any]]) -> None:
    try:
        found = read(operations)(PATIENT)
    except FhirError as error:
        assert error.status == 422
    else:
        assert isinstance(found, dict)

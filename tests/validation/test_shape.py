"""What is written out for objects of one shape asks what the loop over any properties does."""

from typing import Any

import pytest

from fhir_server.validation import shape
from fhir_server.validation.primitive import STRING_LIMIT
from fhir_server.validation.scope import Scope
from fhir_server.validation.shape import Shapes, written_out


def is_number(value: Any, scope: Scope) -> bool:
    return type(value) is int


ACCEPTS = written_out(
    ("code", "text", "numbers", "number"),
    {"code": {"a", "b"}, "text": frozenset()},
    dict.fromkeys(("code", "text", "numbers", "number"), is_number),
    {"numbers": is_number},
    lambda value, scope: value["number"] != 3,
)
FINE = {"code": "a", "text": "x", "numbers": [1, 2], "number": 1}


def test_an_object_of_the_shape_is_accepted() -> None:
    assert ACCEPTS(FINE, Scope())


@pytest.mark.parametrize(
    "change",
    [
        {"code": "c"}, {"code": ["a"]}, {"code": None}, {"text": ""}, {"text": "x" * (STRING_LIMIT + 1)},
        {"text": {}}, {"numbers": []}, {"numbers": [1, "x"]}, {"numbers": "x"}, {"number": "x"},
        {"number": 3},
    ],
)  # fmt: skip
def test_each_value_and_the_whole_are_asked(change: dict[str, Any]) -> None:
    assert not ACCEPTS(FINE | change, Scope())


def test_what_is_not_fine_at_once_is_asked_of_the_property() -> None:
    assert ACCEPTS(FINE | {"code": 7, "text": 7, "numbers": 7}, Scope())


class Judged:
    """Takes objects of any shape without the property `x`, and tells of which shapes functions were made."""

    def __init__(self, seen: int) -> None:
        self.written: list[tuple[str, ...]] = []
        self.accepts = Shapes(seen).remembering(lambda value, scope: "x" not in value, self._write)

    def _write(self, shape: tuple[str, ...]) -> Any:
        self.written.append(shape)
        return lambda value, scope: True

    def __call__(self, value: Any) -> bool:
        return self.accepts(value, Scope())


def test_a_function_is_made_when_a_shape_was_accepted_so_often() -> None:
    judged = Judged(3)
    assert [judged({"a": 1}), judged({"a": 2}), judged({"x": 1}), judged({"x": 1}), judged({"x": 1})] == [
        True, True, False, False, False
    ]  # fmt: skip
    assert judged.written == []
    assert judged({"a": 3}) and judged({"a": 4})
    assert judged.written == [("a",)]
    assert not judged([]) and not judged("a")


def test_shapes_without_end_make_few_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "MOST", 2)
    judged = Judged(1)
    assert all(judged({f"a{number}": 1}) for number in range(5))
    assert judged.written == [("a0",), ("a1",)]


def test_shapes_that_come_seldom_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shape, "_COUNTED", 2)
    judged = Judged(2)
    for number in range(3):
        judged({f"a{number}": 1})
    judged({"a0": 1})
    assert judged.written == []
    judged({"a0": 1})
    assert judged.written == [("a0",)]

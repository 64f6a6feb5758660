import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.validation.positions import FEW, Position, Positions

TEXT = """{
  "resourceType": "Patient",
  "name": [
    {"family": "a:b,{\\"[", "given": ["x", "y"]},
    {"_family": {"id": "1"}}
  ],
  "deceasedBoolean": true,
  "text": {"div": "<div/>"}
}"""


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("Patient", (1, 1)),
        ("Patient.name", (3, 11)),
        ("Patient.name[0]", (4, 5)),
        ("Patient.name[0].given[1]", (4, 43)),
        ("Patient.name[1].family", (5, 17)),
        ("Patient.deceased", (7, 22)),
        ("Patient.text.`div`", (8, 19)),
        ("Patient.birthDate", (1, 1)),  # where it is missing
        ("Patient.name[0].use", (4, 5)),
        ("Patient.name[7]", (3, 11)),
        ("Patient.name[0].extension('x')", (4, 5)),
    ],
)
def test_an_element_is_found(expression: str, position: tuple[int, int]) -> None:
    assert Positions(TEXT.encode(), json.loads(TEXT)).of(expression) == Position(*position)


LAYOUT = (st.sampled_from([None, 1]), st.sampled_from([None, (",", ":")]))
_NAMES = st.sampled_from(["a", "b", "cD"])
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=12,
)


def places(value: Any, at: str) -> list[tuple[str, Any]]:
    found = [(at, value)]
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, list):
                found += [
                    place for index, one in enumerate(inner) for place in places(one, f"{at}.{name}[{index}]")
                    if not isinstance(one, list)
                ]  # fmt: skip
            else:
                found += places(inner, f"{at}.{name}")
    return found


@given(st.dictionaries(_NAMES, _VALUES, max_size=3), *LAYOUT)
def test_what_stands_at_a_position_is_the_element(
    value: dict[str, Any], indent: int | None, separators: tuple[str, str] | None
) -> None:
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    positions = Positions(text.encode(), value)
    for expression, wanted in places(value, "X"):
        line, column = positions.of(expression)
        rest = "\n".join([text.split("\n")[line - 1][column - 1 :], *text.split("\n")[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0] == wanted


@given(st.dictionaries(_NAMES, _VALUES, max_size=3), *LAYOUT)
def test_many_are_found_where_one_is(
    value: dict[str, Any], indent: int | None, separators: tuple[str, str] | None
) -> None:
    """The first few are sought one by one, the others in the scanned text."""
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    scanned = Positions(text.encode(), value)
    for _ in range(FEW):
        scanned.of("X")
    for expression, _ in places(value, "X"):
        for each in (expression, f"{expression}.b", f"{expression}.c[1]", f"{expression}[0].a"):
            assert scanned.of(each) == Positions(text.encode(), value).of(each), each


def test_columns_are_characters_and_a_byte_order_mark_is_none() -> None:
    for space in ("", " "):
        text = space + r'{"a\"":"\\","text":"张","name":["张,[",{"b":1}]}'
        positions = Positions(b"\xef\xbb\xbf" + text.encode(), json.loads(text))
        assert positions.of("X") == Position(1, 1 + len(space))
        assert positions.of("X.name") == Position(1, text.index('["张') + 1)
        assert positions.of("X.name[1].b") == Position(1, text.index("1}]") + 1)

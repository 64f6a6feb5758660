"""https://hl7.org/fhir/R4/http.html#paging"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.search.cursor import Cursor, read_cursor, write_cursor

SECRET = b"secret"
positions = st.tuples(st.none() | st.text() | st.floats(allow_nan=False), st.integers(-(2**63), 2**63))


def refused(text: str, search: str = "Patient?", secret: bytes = SECRET) -> None:
    with pytest.raises(FhirError) as caught:
        read_cursor(text, search, secret)
    assert (caught.value.status, caught.value.issues[0].code) == (400, "invalid")


@given(positions, st.lists(positions).map(tuple), st.none() | st.integers(0, 2**62), st.text())
def test_a_cursor_comes_back(
    after: tuple[object, ...], before: tuple[tuple[object, ...], ...], sequence: int | None, search: str
) -> None:
    cursor = Cursor(after, before, sequence)
    assert read_cursor(write_cursor(cursor, search, SECRET), search, SECRET) == cursor


@given(st.integers(0), st.characters(codec="ascii"))
def test_E16_an_edited_cursor_is_refused(place: int, character: str) -> None:
    text = write_cursor(Cursor((1, "a")), "Patient?", SECRET)
    place %= len(text)
    edited = text[:place] + character + text[place + 1 :]
    if edited != text:
        refused(edited)


@given(st.text(max_size=60))
def test_E16_any_other_text_is_refused(text: str) -> None:
    refused(text)


def test_E16_the_cursor_of_another_search_or_server_is_refused() -> None:
    text = write_cursor(Cursor((1,)), "Patient?", SECRET)
    refused(text, "Patient?active=true")
    refused(text, secret=b"other")
    refused(text + "=")
    refused(text + "A")

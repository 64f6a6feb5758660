"""https://hl7.org/fhir/R4/http.html#paging"""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.search.cursor import Bound, Cursor, read_cursor, write_cursor

SECRET = b"secret"
PATIENTS = Bound("Patient?")
numbers = st.integers(-(2**63), 2**63)
positions = st.tuples(st.none() | st.text() | st.floats(allow_nan=False), numbers)
cursors = st.builds(
    Cursor,
    positions | st.just(()),
    st.lists(positions).map(tuple),
    st.tuples(st.integers(0, 2**62), numbers),
    numbers,
    numbers,
    st.none() | st.integers(0, 2**62),
)


def refused(text: str, bound: Bound = PATIENTS, secret: bytes = SECRET) -> None:
    with pytest.raises(FhirError) as caught:
        read_cursor(text, bound, secret)
    assert (caught.value.status, caught.value.issues[0].code) == (400, "invalid")


@given(cursors, st.text(), st.text())
def test_a_cursor_comes_back(cursor: Cursor, search: str, client: str) -> None:
    bound = Bound(search, client)
    assert read_cursor(write_cursor(cursor, bound, SECRET), bound, SECRET) == cursor


@given(st.integers(0), st.characters(codec="ascii"))
def test_E16_an_edited_cursor_is_refused(place: int, character: str) -> None:
    text = write_cursor(Cursor((1, "a")), PATIENTS, SECRET)
    place %= len(text)
    edited = text[:place] + character + text[place + 1 :]
    if edited != text:
        refused(edited)


@given(st.text(max_size=60))
def test_E16_any_other_text_is_refused(text: str) -> None:
    refused(text)


def test_E16_the_cursor_of_another_search_client_or_server_is_refused() -> None:
    text = write_cursor(Cursor((1,)), Bound("Patient?", "one"), SECRET)
    refused(text, Bound("Patient?active=true", "one"))
    refused(text, Bound("Patient?", "two"))
    refused(text, Bound("Patient?"))
    refused(text, Bound("Patient?o", "ne"))
    refused(text, Bound("Patient?", "one"), b"other")
    refused(text + "=", Bound("Patient?", "one"))
    refused(text + "A", Bound("Patient?", "one"))


def test_E16_a_cursor_of_another_release_is_refused() -> None:
    payload = b"\x93\x91\x01\x90\xc0"  # signed, and of another shape
    signed = hmac.new(SECRET, b"8 0\0Patient?" + payload, sha256).digest()[:16]
    refused(urlsafe_b64encode(signed + payload).rstrip(b"=").decode())

import gzip
import json
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.interactions.request import Response
from fhir_server.outcome import Issue, gone
from fhir_server.rest.response import http_date
from tests.rest.calling import JSON, PATIENT, Performed, ask, version

LARGE = b'{"resourceType":"Bundle","id":"' + b"a" * 5000 + b'"}'


def test_a_version_gives_body_and_headers() -> None:
    answer = ask("GET", "/fhir/Patient/1")
    assert (answer.status, answer.body) == (200, PATIENT)
    assert answer.headers["etag"] == 'W/"3"'
    assert answer.headers["last-modified"] == "Wed, 18 Nov 2026 11:06:40 GMT"
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert answer.headers["content-length"] == str(len(PATIENT))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@given(st.integers(0, 253402300799))
def test_http_dates_are_those_of_the_standard_library(seconds: int) -> None:
    assert http_date(seconds).decode() == formatdate(seconds, usegmt=True)


def test_head_has_the_headers_of_get_and_no_body() -> None:
    got, headed = ask("GET", "/fhir/Patient/1"), ask("HEAD", "/fhir/Patient/1")
    assert headed.body == b""
    for name in ("etag", "last-modified", "content-type", "content-length"):
        assert headed.headers[name] == got.headers[name]


def test_what_is_no_fhir_goes_out_as_it_is() -> None:
    made = Response(200, body=b"a,b\r\n", media_type="text/csv; charset=utf-8", headers={"X-Own": "1"})
    answer = ask("GET", "/fhir/Patient/1?_pretty=true", perform=Performed(made))
    assert (answer.status, answer.body) == (200, b"a,b\r\n")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert (answer.headers["content-length"], answer.headers["x-own"]) == ("5", "1")


def test_304_has_the_version_and_neither_body_nor_length() -> None:
    answer = ask("GET", "/fhir/Patient/1", perform=Performed(Response(304, version=version())))
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", 'W/"3"')
    assert "content-length" not in answer.headers and "content-type" not in answer.headers


def test_204_has_no_body() -> None:
    answer = ask("DELETE", "/fhir/Patient/1", perform=Performed(Response(204)))
    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers


def test_201_has_the_location() -> None:
    location = "http://test/fhir/Patient/1/_history/3"
    performed = Performed(Response(201, version=version(), location=location))
    answer = ask("POST", "/fhir/Patient", JSON, PATIENT, perform=performed)
    assert (answer.status, answer.headers["location"], answer.body) == (201, location, PATIENT)


def test_prefer_minimal_has_headers_and_no_body() -> None:
    headers = {**JSON, "Prefer": "return=minimal"}
    answer = ask("PUT", "/fhir/Patient/1", headers, PATIENT)
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, b"", 'W/"3"')
    assert answer.headers["content-length"] == "0" and "content-type" not in answer.headers


def test_prefer_operation_outcome_has_the_warnings() -> None:
    warning = Issue("warning", "business-rule", "not pretty")
    performed = Performed(Response(200, version=version(), issues=(warning,)))
    headers = {**JSON, "Prefer": "return=OperationOutcome"}
    answer = ask("PUT", "/fhir/Patient/1", headers, PATIENT, perform=performed)
    assert (answer.code, answer.diagnostics) == ("business-rule", "not pretty")


def test_an_answer_of_joined_bytes_goes_out_as_it_is() -> None:
    performed = Performed(Response(200, body=LARGE))
    answer = ask("GET", "/fhir/Patient", perform=performed)
    assert answer.body == LARGE


def test_a_built_answer_is_encoded() -> None:
    performed = Performed(Response(200, resource={"resourceType": "CapabilityStatement"}))
    assert ask("GET", "/fhir/metadata", perform=performed).json == {"resourceType": "CapabilityStatement"}


def test_headers_of_errors_are_sent() -> None:
    error = gone("Patient/1 was deleted")
    error.headers["ETag"] = 'W/"4"'
    answer = ask("GET", "/fhir/Patient/1", perform=Performed(error))
    assert (answer.status, answer.code, answer.headers["etag"]) == (410, "deleted", 'W/"4"')


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*", "x-gzip"])
def test_a_large_answer_is_compressed_for_who_accepts_it(accepted: str) -> None:
    performed = Performed(Response(200, body=LARGE))
    answer = ask("GET", "/fhir/Patient", {"Accept-Encoding": accepted}, perform=performed)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert gzip.decompress(answer.body) == LARGE


def test_a_very_large_answer_is_compressed() -> None:
    body = json.dumps({"resourceType": "Bundle", "id": "a" * 300_000}).encode()
    answer = ask(
        "GET", "/fhir/Patient", {"Accept-Encoding": "gzip"}, perform=Performed(Response(200, body=body))
    )
    assert gzip.decompress(answer.body) == body


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity", "gzip;q=0, *"])
def test_a_large_answer_stays_as_it_is_for_others(accepted: str) -> None:
    performed = Performed(Response(200, body=LARGE))
    answer = ask("GET", "/fhir/Patient", {"Accept-Encoding": accepted}, perform=performed)
    assert "content-encoding" not in answer.headers
    assert answer.body == LARGE


def test_a_small_answer_is_not_compressed() -> None:
    assert ask("GET", "/fhir/Patient/1", {"Accept-Encoding": "gzip"}).body == PATIENT


def test_I06_a_range_is_ignored() -> None:
    ranges = "bytes=" + ",".join(f"{number}-{number}" for number in range(5_000))
    answer = ask("GET", "/fhir/Patient/1", {"Range": ranges})
    assert (answer.status, answer.body) == (200, PATIENT)

"""URLs of FHIR: https://hl7.org/fhir/R4/http.html#summary"""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.interactions.request import Request
from fhir_server.interactions.url import parse_query, parse_url
from fhir_server.outcome import FhirError

PATHS = [
    ("", {}),
    ("/", {}),
    ("metadata", {"metadata": True}),
    ("_history", {"history": True}),
    ("_search", {"search": True}),
    ("$convert", {"operation": "convert"}),
    ("Patient", {"resource_type": "Patient"}),
    ("Patient/", {"resource_type": "Patient"}),
    ("Patient/_history", {"resource_type": "Patient", "history": True}),
    ("Patient/_search", {"resource_type": "Patient", "search": True}),
    ("Patient/$match", {"resource_type": "Patient", "operation": "match"}),
    ("Patient/1", {"resource_type": "Patient", "id": "1"}),
    ("/Patient/1", {"resource_type": "Patient", "id": "1"}),
    ("Patient/a%2Db", {"resource_type": "Patient", "id": "a-b"}),
    ("Patient/1/_history", {"resource_type": "Patient", "id": "1", "history": True}),
    ("Patient/1/_history/3", {"resource_type": "Patient", "id": "1", "history": True, "version_id": "3"}),
    ("Patient/1/$everything", {"resource_type": "Patient", "id": "1", "operation": "everything"}),
    (
        "Patient/1/_history/3/$meta",
        {"resource_type": "Patient", "id": "1", "history": True, "version_id": "3", "operation": "meta"},
    ),
    ("Patient/1/*", {"resource_type": "Patient", "id": "1", "compartment_type": "*"}),
    (
        "Patient/1/Observation",
        {"resource_type": "Patient", "id": "1", "compartment_type": "Observation"},
    ),
    (
        "Patient/1/Observation/_search",
        {"resource_type": "Patient", "id": "1", "compartment_type": "Observation", "search": True},
    ),
]


@pytest.mark.parametrize(("path", "fields"), PATHS)
def test_a_path_of_the_grammar(path: str, fields: dict[str, object]) -> None:
    assert asdict(parse_url("GET", path)) == asdict(Request("GET", **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        "//", "//Patient", "Patient//1", "Patient/1//", "metadata/1", "_history/1", "_search/x", "$x/y", "$",
        "_unknown", "Patient/_unknown", "Patient/1/_search", "Patient/1/_history/3/4",
        "Patient/1/_history/_x",
        "Patient/_history/3", "Patient/1/Observation/2", "Patient/1/Observation/_history",
        "Patient/_history/$meta", "Patient%2f1", "Patient/%00", "Patient/%0a", "Patient/%zz", "Patient/%ff",
    ],
)  # fmt: skip
def test_I08_a_path_outside_the_grammar(path: str) -> None:
    with pytest.raises(FhirError) as caught:
        parse_url("GET", path)
    assert (caught.value.status, caught.value.issues[0].code) == (404, "not-found")


def test_parameters_keep_their_order_and_repeat() -> None:
    assert parse_query("name:exact=E+v%C3%A9&_count=20&name=&flag&&name=a%3Db=c") == [
        ("name:exact", "E vé"), ("_count", "20"), ("name", ""), ("flag", ""), ("name", "a=b=c"),
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["a=%zz", "a=%", "%a=1", "a=%c0%af", "a=%ff", "a=%00", "a=1&b=%4"])
def test_E13_a_query_that_is_not_percent_encoded_utf8(query: str) -> None:
    with pytest.raises(FhirError) as caught:
        parse_query(query)
    assert (caught.value.status, caught.value.issues[0].code) == (400, "value")


@given(st.text())
def test_any_path_parses_or_is_refused(path: str) -> None:
    try:
        parse_url("GET", path)
    except FhirError as error:
        assert error.status == 404


@given(st.text())
def test_any_query_parses_or_is_refused(query: str) -> None:
    try:
        parse_query(query)
    except FhirError as error:
        assert error.status == 400

import json

import pytest

from tests.rest.calling import JSON, PATIENT, ask, understood

FHIR_JSON = "application/fhir+json; charset=utf-8"


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+json", "application/json", "text/json", "*/*", "application/*",
        "APPLICATION/FHIR+JSON", "application/fhir+json; charset=UTF-8",
        "application/fhir+json;fhirVersion=4.0",
        "application/fhir+xml, application/fhir+json;q=0.1", "text/html, */*;q=0.1", "",
    ],
)  # fmt: skip
def test_accept_that_allows_json_gets_fhir_json(accept: str) -> None:
    answer = ask("GET", "/fhir/Patient/1", {"Accept": accept})
    assert (answer.status, answer.headers["content-type"]) == (200, FHIR_JSON)


@pytest.mark.parametrize(
    "accept",
    [
        "application/fhir+xml", "text/html", "image/png", "application/fhir+json;q=0", "garbage", ";;;", ",",
        "application/fhir+json;fhirVersion=3.0", "application/fhir+json;charset=gbk", "json;q=x",
    ],
)  # fmt: skip
def test_I07_accept_that_allows_nothing_of_ours_is_406(accept: str) -> None:
    answer = ask("GET", "/fhir/Patient/1", {"Accept": accept})
    assert (answer.status, answer.code) == (406, "not-supported")
    assert "application/fhir+json" in answer.diagnostics


@pytest.mark.parametrize(
    "format_", ["json", "application/json", "application/fhir%2Bjson", "application/fhir+json", "text/json"]
)
def test_format_wins_over_accept(format_: str) -> None:
    answer = ask("GET", f"/fhir/Patient/1?_format={format_}", {"Accept": "text/html"})
    assert answer.status == 200


@pytest.mark.parametrize(
    "format_", ["xml", "application/fhir+xml", "*/*", "", "html", "json;fhirVersion=5.0"]
)
def test_I07_a_format_that_is_not_offered_is_406(format_: str) -> None:
    answer = ask("GET", f"/fhir/Patient/1?_format={format_}")
    assert (answer.status, answer.code) == (406, "not-supported")


def test_pretty_is_laid_out_for_people() -> None:
    answer = ask("GET", "/fhir/Patient/1?_pretty=true")
    assert b'\n  "gender": "female"' in answer.body
    assert answer.json == json.loads(PATIENT)


def test_without_pretty_the_bytes_are_those_of_the_store() -> None:
    assert ask("GET", "/fhir/Patient/1?_pretty=false").body == PATIENT


def test_pretty_that_is_no_boolean_is_400() -> None:
    answer = ask("GET", "/fhir/Patient/1?_pretty=yes")
    assert (answer.status, answer.code) == (400, "value")


def test_an_error_is_laid_out_too() -> None:
    answer = ask("POST", "/fhir/Patient?_pretty=true", JSON, b"{")
    assert answer.status == 400
    assert answer.body.startswith(b'{\n  "resourceType": "OperationOutcome"')


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json", "application/json", "text/json", "application/fhir+json;charset=utf-8",
        'Application/FHIR+JSON; charset="UTF-8"; fhirVersion=4.0',
    ],
)  # fmt: skip
def test_json_bodies_are_read(content_type: str) -> None:
    request = understood("PUT", "/fhir/Patient/1", {"Content-Type": content_type}, PATIENT)
    assert request.resource == json.loads(PATIENT)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+xml", "text/plain", "application/x-www-form-urlencoded", "json", "*/*",
        "application/*", "multipart/form-data; boundary=x", "application/fhir+json;fhirVersion=3.0", "",
        "\x1b[31m", "application/pdf",
    ],
)  # fmt: skip
def test_I07_a_body_of_another_type_is_415(content_type: str) -> None:
    answer = ask("POST", "/fhir/Patient", {"Content-Type": content_type}, PATIENT)
    assert (answer.status, answer.code) == (415, "not-supported")
    assert b"\x1b" not in answer.body


def test_I07_a_body_without_a_type_is_415() -> None:
    answer = ask("POST", "/fhir/Patient", None, PATIENT)
    assert (answer.status, answer.code) == (415, "not-supported")


def test_I06_a_multipart_body_is_415_unread() -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = ask("POST", "/fhir/Patient/_search", headers, b"--x\r\n" * 100_000)
    assert (answer.status, answer.code) == (415, "not-supported")


def test_A04_a_declared_charset_other_than_utf_8_is_415() -> None:
    headers = {"Content-Type": "application/fhir+json; charset=gbk"}
    answer = ask("POST", "/fhir/Patient", headers, PATIENT)
    assert (answer.status, answer.code) == (415, "not-supported")
    assert "gbk" in answer.diagnostics


def test_A04_gbk_bytes_that_are_not_declared_are_400() -> None:
    body = '{"resourceType":"Patient","name":[{"text":"张伟"}]}'.encode("gb18030")
    answer = ask("POST", "/fhir/Patient", JSON, body)
    assert (answer.status, answer.code) == (400, "structure")


def test_E18_post_search_reads_a_form_and_merges_the_parameters_of_the_url() -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = understood("POST", "/fhir/Patient/_search?_count=5", headers, b"name=%E5%BC%A0+a&gender=female")
    assert request.search
    assert request.parameters == [("_count", "5"), ("name", "张 a"), ("gender", "female")]


@pytest.mark.parametrize("content_type", ["application/fhir+json", "text/plain", "multipart/form-data"])
def test_E18_post_search_with_another_type_is_415(content_type: str) -> None:
    answer = ask("POST", "/fhir/Patient/_search", {"Content-Type": content_type}, b"name=a")
    assert (answer.status, answer.code) == (415, "not-supported")


def test_post_search_without_a_body_has_the_parameters_of_the_url() -> None:
    assert understood("POST", "/fhir/Patient/_search?name=a").parameters == [("name", "a")]


@pytest.mark.parametrize("body", [b"name=%zz", b"name=%00", b"name=%c0%af", b"name=\xd5\xc5"])
def test_E13_a_form_that_is_not_percent_encoded_utf_8_is_400(body: bytes) -> None:
    answer = ask("POST", "/fhir/Patient/_search", {"Content-Type": "application/x-www-form-urlencoded"}, body)
    assert (answer.status, answer.code) == (400, "value")


def test_the_format_of_a_search_form_counts() -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert ask("POST", "/fhir/Patient/_search", headers, b"_format=xml").status == 406


def test_a_json_patch_is_read() -> None:
    headers = {"Content-Type": "application/json-patch+json"}
    request = understood("PATCH", "/fhir/Patient/1", headers, b'[{"op":"remove","path":"/gender"}]')
    assert request.patch == [{"op": "remove", "path": "/gender"}]
    assert (request.resource, request.body_type) == (None, "application/json-patch+json")


def test_a_fhirpath_patch_is_read() -> None:
    request = understood("PATCH", "/fhir/Patient/1", JSON, b'{"resourceType":"Parameters"}')
    assert (request.resource, request.patch) == ({"resourceType": "Parameters"}, None)


def test_a_patch_must_say_which_kind_it_is() -> None:
    answer = ask("PATCH", "/fhir/Patient/1", {"Content-Type": "application/json"}, b"[]")
    assert (answer.status, answer.code) == (415, "not-supported")
    assert "application/json-patch+json" in answer.diagnostics


@pytest.mark.parametrize(
    ("prefer", "wanted", "strict"),
    [
        ("return=minimal", "minimal", True),
        ("return=representation; handling=lenient", "representation", False),
        ('handling="lenient", return=OperationOutcome', "OperationOutcome", False),
        ("respond-async, return=nonsense, handling=strict", None, True),
    ],
)
def test_prefer(prefer: str, wanted: str | None, strict: bool) -> None:
    request = understood("GET", "/fhir/Patient/1", {"Prefer": prefer})
    assert (request.prefer_return, request.strict) == (wanted, strict)


def test_a_name_in_if_none_exist_is_utf_8() -> None:
    headers = {**JSON, "If-None-Exist": "name=张".encode().decode("latin-1")}
    assert understood("POST", "/fhir/Patient", headers, PATIENT).if_none_exist == "name=张"


def test_a_repeated_header_is_one_with_commas() -> None:
    request = understood("GET", "/fhir/Patient/1", [("If-None-Match", 'W/"1"'), ("if-none-match", 'W/"2"')])
    assert request.if_none_match == 'W/"1", W/"2"'

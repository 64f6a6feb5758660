"""Catalogue A01: the cases of JSONTestSuite, each as it stands and as the value of a property.

Most cases are arrays, which no resource is; as the value of a property they test the JSON and not the top.
"""

import base64
import gzip
import json
from pathlib import Path

import pytest

from fhir_server.outcome import FhirError
from fhir_server.resource import parse

SUITE = Path(__file__).parent / "data" / "json-test-suite.jsonl.gz"
CASES = {
    case["name"]: base64.b64decode(case["base64"])
    for case in map(json.loads, gzip.decompress(SUITE.read_bytes()).splitlines())
}

# `y_`: JSON allows it, FHIR or this server's limits do not
REFUSED = {
    "y_number_double_close_to_zero": "value",  # 81 characters
    "y_object_duplicated_key": "structure",
    "y_object_duplicated_key_and_value": "structure",
    "y_object_escaped_null_in_key": "value",
    "y_string_allowed_escapes": "value",  # \b and \f
    "y_string_escaped_control_character": "value",
    "y_string_null_escape": "value",
}

# `i_`: what this server chose
ACCEPTED = {
    "i_number_too_big_neg_int",  # a decimal of 30 digits keeps them all
    "i_number_too_big_pos_int",
    "i_number_very_big_negative_int",
}


def outcome(body: bytes) -> str:
    try:
        parse(body)
    except FhirError as error:
        assert error.status == 400
        return error.issues[0].code
    return "accepted"


def as_value(body: bytes) -> bytes:
    return b'{"value":' + body + b"}"


def names(kind: str) -> list[str]:
    return [name for name in CASES if name.startswith(kind)]


def test_A01_the_suite_is_whole() -> None:
    assert [len(names(kind)) for kind in ("n_", "y_", "i_")] == [188, 95, 35]


@pytest.mark.parametrize("name", names("n_"))
def test_A01_what_is_not_json_is_refused(name: str) -> None:
    # half of a surrogate pair is found first where a case breaks two rules
    expected = "value" if "surrogate" in name else "structure"
    assert outcome(CASES[name]) == expected
    assert outcome(as_value(CASES[name])) == expected


@pytest.mark.parametrize("name", names("y_"))
def test_A01_what_is_json_is_accepted_but_for_what_fhir_forbids(name: str) -> None:
    body = CASES[name]
    expected = REFUSED.get(name, "accepted")
    assert outcome(as_value(body)) == expected
    # the body of a request is an object: other JSON is refused
    is_object = body.lstrip().startswith(b"{")
    assert outcome(body) == expected if is_object else outcome(body) in ("structure", expected)


@pytest.mark.parametrize("name", names("i_"))
def test_A01_where_a_parser_may_choose_nothing_is_changed_silently(name: str) -> None:
    found = outcome(as_value(CASES[name]))
    if name in ACCEPTED:
        assert found == "accepted"
        assert json.loads(as_value(CASES[name])) == parse(as_value(CASES[name]))
    else:
        loud = "number" in name or ("surrogate" in name and "UTF8" not in name)
        assert found == ("value" if loud else "structure")


def test_A02_the_byte_order_mark_is_dropped_in_front_only() -> None:
    assert outcome(CASES["i_structure_UTF-8_BOM_empty_object"]) == "accepted"
    assert outcome(as_value(CASES["i_structure_UTF-8_BOM_empty_object"])) == "structure"

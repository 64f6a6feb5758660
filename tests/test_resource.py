"""Catalogue A02–A14 at the level of bytes; the layout of stored bytes."""

import json
import pickle
import time
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fhir_server.outcome import FhirError
from fhir_server.resource import (
    DEPTH_LIMIT,
    EXPONENT_LIMIT,
    ExactDecimal,
    content,
    decode,
    encode,
    id_in,
    new_id,
    parse,
    parse_value,
    same_content,
    served,
)


def refusal(body: bytes) -> tuple[str, str]:
    """Issue code and text of the 400 that `body` gets."""
    with pytest.raises(FhirError) as caught:
        parse(body)
    assert caught.value.status == 400
    (issue,) = caught.value.issues
    return issue.code, issue.diagnostics


@pytest.mark.parametrize("body", [b"", b" ", b"{", b'{"a":1', b'{"a":1}x', b'{"a":1}{}', b"\x00"])
def test_A01_broken_json_is_refused(body: bytes) -> None:
    assert refusal(body)[0] == "structure"


@pytest.mark.parametrize(
    ("body", "found"),
    [(b"[]", "array"), (b"null", "null"), (b"true", "boolean"), (b"1.5", "number"), (b'"a"', "string")],
)
def test_A01_only_an_object_is_a_resource(body: bytes, found: str) -> None:
    assert refusal(body) == ("structure", f"the body is a JSON {found}, a resource is a JSON object")


def test_A02_a_byte_order_mark_is_dropped() -> None:
    assert parse(b'\xef\xbb\xbf{"resourceType":"Patient"}') == {"resourceType": "Patient"}
    assert refusal(b"\xef\xbb\xbf\xef\xbb\xbf{}")[0] == "structure"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_A03_other_unicode_encodings_are_refused(encoding: str) -> None:
    assert refusal('{"resourceType":"Patient"}'.encode(encoding))[0] == "structure"


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_A04_chinese_encodings_are_refused_at_their_first_byte(encoding: str) -> None:
    assert refusal('{"a":1,"b":"张三"}'.encode(encoding)) == ("structure", "the body is not UTF-8 at byte 12")


@pytest.mark.parametrize(
    "bad", [b"\xff\xfe", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"]
)
def test_A05_invalid_utf8_is_refused(bad: bytes) -> None:
    assert refusal(b'{"a":"' + bad + b'"}') == ("structure", "the body is not UTF-8 at byte 6")
    assert refusal(b'{"' + bad + b'":1}') == ("structure", "the body is not UTF-8 at byte 2")


@pytest.mark.parametrize(
    "half", [rb"\ud800", rb"\uDFFF", rb"\ud800\ud800", rb"\ud800A", rb"\ud842\udfb7\ud842"]
)
def test_A06_half_of_a_surrogate_pair_is_refused(half: bytes) -> None:
    wanted = ("value", "a string holds half of a surrogate pair")
    assert refusal(b'{"a":"' + half + b'"}') == wanted
    assert refusal(b'{"' + half + b'":"a"}') == wanted


def test_A06_a_backslash_before_u_is_text() -> None:
    assert parse(rb'{"a":"\\ud800"}') == {"a": "\\ud800"}


@pytest.mark.parametrize(
    "text", ["𠮷野家", "é", "e\u0301", "\u202eabc\u202c", "\u200f", "张\u3000三", "\x7f"]
)
def test_A07_text_comes_back_as_it_came(text: str) -> None:
    body = f'{{"a":"{text}","{text}":1}}'.encode()
    assert encode(parse(body)) == body
    assert parse(json.dumps({"a": text}).encode()) == {"a": text}  # surrogate pairs as escapes


@pytest.mark.parametrize(
    "escape", [rb"\u0000", rb"\u0001", rb"\u0008", rb"\b", rb"\f", rb"\u001f", rb"\u000B"]
)
def test_A08_control_characters_are_refused(escape: bytes) -> None:
    wanted = ("value", f"the control character {escape.decode()} is not allowed")
    assert refusal(b'{"a":"' + escape + b'"}') == wanted
    assert refusal(b'{"a":"x\\\\' + escape + b'"}') == wanted
    assert refusal(b'{"' + escape + b'":"a"}') == wanted


def test_A08_tab_line_feed_and_carriage_return_are_allowed() -> None:
    assert parse(rb'{"a":"\t\n\r\u0009\u000a\u000D"}') == {"a": "\t\n\r\t\n\r"}
    assert parse(rb'{"a":"\\b \\u0000"}') == {"a": "\\b \\u0000"}


@pytest.mark.parametrize("control", [b"\x00", b"\x01", b"\x1f", b"\n", b"\t"])
def test_A08_raw_control_characters_in_strings_are_not_json(control: bytes) -> None:
    assert refusal(b'{"a":"' + control + b'"}')[0] == "structure"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"b":2,"a":3}',
        b'{"x":{"a":1,"a":2}}',
        b'{"contained":[{"a":"1","a":"2"}]}',
        b'{"entry":[{"resource":{"a":[],"a":[]}}]}',
        rb'{"a":1,"\u0061":2}',
        # the value begins with what else only stands behind a name
        rb'{"a":1,"a":2,"b":"\u003a"}',
        rb'{"a":1,"a":2,"b":"\u0022:"}',
    ],
)
def test_A09_a_property_that_stands_twice_is_refused(body: bytes) -> None:
    assert refusal(body) == ("structure", "the property 'a' stands twice in one object")


def test_A09_a_long_name_is_not_echoed_whole() -> None:
    name = "n" * 1_000_000
    assert len(refusal(f'{{"{name}":1,"{name}":2}}'.encode())[1]) < 200


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "01", "-01", "+1", "1.", ".5", "-", "1e", "0x1"]
)
def test_A10_what_is_not_a_json_number_is_refused(number: str) -> None:
    assert refusal(f'{{"a":{number}}}'.encode())[0] == "structure"


@pytest.mark.parametrize(
    "number",
    ["1E400", "-1e301", "1e-301", "0e500", "1e9999999999", "1e" + "9" * 40, "9" * 5000, "0." + "1" * 5000],
)
def test_A11_numbers_without_measure_are_refused_at_once(number: str) -> None:
    started = time.process_time()
    code, _ = refusal(f'{{"a":{number}}}'.encode())
    assert code == "value"
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(
    "number",
    ["1.00", "0.010", "1.2E+2", "1e2", "0.00000001", "-0.0", "-0", "0e0", "1E-7", "9" * 30, f"0.{'3' * 30}"],
)
def test_A12_a_decimal_comes_back_digit_for_digit(number: str) -> None:
    body = f'{{"value":{number}}}'.encode()
    assert encode(parse(body)) == body


_digits = st.text("0123456789", min_size=1, max_size=15)
_whole = st.one_of(
    st.just("0"), st.builds(lambda head, tail: head + tail, st.sampled_from("123456789"), _digits)
)
json_numbers = st.builds(
    lambda sign, whole, fraction, exponent: sign + whole + fraction + exponent,
    st.sampled_from(["", "-"]),
    _whole,
    st.one_of(st.just(""), _digits.map(lambda digits: "." + digits)),
    st.one_of(
        st.just(""),
        st.builds(
            lambda mark, sign, power: f"{mark}{sign}{power}",
            st.sampled_from("eE"),
            st.sampled_from(["", "+", "-"]),
            st.integers(0, 310),
        ),
    ),
)


@given(json_numbers)
def test_A12_any_decimal_comes_back_digit_for_digit(number: str) -> None:
    assume(abs(Decimal(number).adjusted()) <= EXPONENT_LIMIT)
    body = f'{{"value":{number}}}'.encode()
    assert encode(parse(body)) == body
    resource = {"resourceType": "Basic", "id": "1", **parse(body)}
    assert content(resource).endswith(f',"value":{number}}}'.encode())


def test_A12_an_exact_decimal_survives_copying() -> None:
    copy = pickle.loads(pickle.dumps(ExactDecimal("1e5")))
    assert (copy, copy.text, encode([copy])) == (Decimal("1e5"), "1e5", b"[1e5]")


@pytest.mark.parametrize("levels", [DEPTH_LIMIT + 1, 500, 1_000, 100_000])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [(b"[", b"]"), (b'{"a":', b"}"), (rb'{"\u0061":', b"}"), (b'{"extension":[', b"]}")],
    ids=["arrays", "objects", "escaped names", "extensions"],
)
def test_A14_deep_nesting_is_refused(levels: int, opening: bytes, closing: bytes) -> None:
    body = b'{"a":' + opening * levels + b"1" + closing * levels + b"}"
    assert refusal(body) == ("structure", "the body is nested too deeply, at most 64 levels are allowed")


def test_A14_the_limit_itself_is_allowed() -> None:
    inner = DEPTH_LIMIT - 1
    assert parse(b'{"a":' + b"[" * inner + b"]" * inner + b"}")
    assert refusal(b'{"a":' + b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT + b"}")[0] == "structure"


@pytest.mark.parametrize("text", ["[{" * 500, '\\"' + "[{" * 500, "[{" * 500 + "\\\\"])
def test_A14_brackets_in_text_do_not_count(text: str) -> None:
    assert parse(f'{{"a":"{text}","b":[{{}},[]]}}'.encode())["b"] == [{}, []]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(exclude_categories=("Cs", "Cc"))),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé𠮷", max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abcé𠮷"), json_values), st.sampled_from([None, 2]), st.booleans())
def test_any_json_object_means_what_the_standard_library_says(
    value: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    body = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert parse(body) == value
    assert decode(encode(value)) == value


@given(st.binary(max_size=60) | st.text('{}[]":,\\u08dtrue1e+-. ', max_size=60).map(str.encode))
def test_any_bytes_are_parsed_or_refused_with_400(body: bytes) -> None:
    try:
        parse(body)
    except FhirError as error:
        assert error.status == 400


def basic(**changes: Any) -> dict[str, Any]:
    return {"resourceType": "Basic", "id": "b1", "code": {"text": "x"}} | changes


def test_content_leaves_out_version_and_time_and_puts_the_head_first() -> None:
    given_ = {
        "code": {"text": "x"},
        "meta": {
            "versionId": "7",
            "profile": ["http://example.org/p"],
            "lastUpdated": "2020-01-01T00:00:00Z",
        },
        "id": "b1",
        "resourceType": "Basic",
    }
    assert content(given_) == (
        b'{"resourceType":"Basic","id":"b1","meta":{"profile":["http://example.org/p"]},"code":{"text":"x"}}'
    )
    assert given_["meta"]["versionId"] == "7"  # type: ignore[index]


def test_content_of_a_resource_with_nothing_else() -> None:
    assert content({"resourceType": "Basic", "id": "b1"}) == b'{"resourceType":"Basic","id":"b1","meta":{}}'


@pytest.mark.parametrize("meta", [{}, {"profile": ["http://example.org/p"]}, {"tag": [{"code": "a"}]}])
def test_served_puts_version_and_time_into_the_bytes(meta: dict[str, Any]) -> None:
    resource = basic(meta=meta)
    bytes_ = served(content(resource), "Basic", "b1", 3, 1_700_000_000_123)
    stamps = {"versionId": "3", "lastUpdated": "2023-11-14T22:13:20.123Z"}
    assert decode(bytes_) == resource | {"meta": stamps | meta}


@pytest.mark.parametrize("id_", ["b1", "0b9e5c1e-7c6a-4d0e-9a52-3f6e2b1c0d4f"])
def test_the_id_stands_in_the_bytes(id_: str) -> None:
    assert id_in(content(basic(id=id_)), "Basic", len(id_)) == id_


@given(
    st.dictionaries(st.text("abc_", min_size=1, max_size=4), json_values, max_size=4), st.integers(1, 10**6)
)
def test_what_is_served_has_the_content_that_was_kept(properties: dict[str, Any], version_id: int) -> None:
    resource = properties | basic(meta={"source": "http://example.org"})
    kept = content(resource)
    again = decode(served(kept, "Basic", "b1", version_id, 0))
    assert again["meta"]["versionId"] == str(version_id)
    assert content(again) == kept
    assert decode(kept) == resource


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'{"a":1,"b":2}', b'{"a":1,"b":2}', True),
        (b'{"a":1,"b":2}', b'{"b":2,"a":1}', True),
        (b'{"a":{"c":1,"b":[]}}', b'{"a":{"b":[],"c":1}}', True),
        (b'{"a":1.0}', b'{"a":1.00}', False),
        (b'{"a":1e2}', b'{"a":100}', False),
        (b'{"a":1e02}', b'{"a":10e1}', False),
        (b'{"a":[1,2]}', b'{"a":[2,1]}', False),
        (b'{"a":"x"}', b'{"a":"y"}', False),
    ],
)
def test_same_content_looks_at_text_and_not_at_order(one: bytes, other: bytes, same: bool) -> None:
    assert same_content(one, other) is same


def test_new_ids_are_uuids_of_the_time_and_random() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    for id_ in ids:
        found = uuid.UUID(id_)
        assert (str(found), found.version, found.variant) == (id_, 7, uuid.RFC_4122)
    stamps = [int(id_.replace("-", "")[:12], 16) for id_ in ids]
    now_ms = time.time_ns() // 1_000_000
    assert all(now_ms - 600_000 < stamp <= now_ms for stamp in stamps)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a":"\u5f20","a":"x"}',
        rb'{"a":"\":","a":"\\"}',
        rb'{"b":{"a":"\/","a":1},"c":[{"\":":1}]}',
        rb'{"a":1e5,"a":100000}',
    ],
)
def test_A09_duplicate_keys_in_text_that_is_written_otherwise_than_we_would(body: bytes) -> None:
    assert refusal(body)[0] == "structure"


_any_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text('"\\:{}[]/张a', max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('"\\:张a', max_size=3), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(_any_json)
def test_text_with_escapes_is_read_as_it_is_meant(value: object) -> None:
    assert parse_value(json.dumps(value).encode()) == value

"""Resources as bytes and as plain dicts: strict decoding, exact encoding, the layout of stored bytes.

https://hl7.org/fhir/R4/json.html

A resource inside the server is a plain `dict`, never mutated. Decimals keep their text: `1.00` comes back
`1.00`. What JSON parsers let through and FHIR forbids is refused here: duplicate keys, control characters,
lone surrogates, deep nesting, numbers without a bound.
"""

import json
import os
import re
import secrets
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from time import time_ns
from typing import Any

import msgspec

from fhir_server.clock import format_instant
from fhir_server.outcome import FhirError, bad_value, malformed

Resource = dict[str, Any]

DEPTH_LIMIT = 64
NUMBER_LENGTH_LIMIT = 64  # characters
EXPONENT_LIMIT = 300  # a double holds it, and an official example goes to 245
NAME_SHOWN = 100  # characters of a client's property name in a message: it may be a megabyte long

BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
# a control character other than tab, line feed and carriage return, written as an escape (raw is not JSON)
_CONTROL = re.compile(rb"\\(?:[bf]|u00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F]))")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
# a backslash, or what could be a control character
_RARE_ESCAPE = re.compile(rb"\\(?:[\\bf]|u00[01])")
_NEITHER_BRACKET_NOR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))


class ExactDecimal(Decimal):
    """A decimal whose text is not the one that `str(Decimal)` gives, such as `0.0000001` or `1e5`."""

    text: str

    def __new__(cls, text: str) -> "ExactDecimal":
        found = super().__new__(cls, text)
        found.text = text
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return ExactDecimal, (self.text,)


def _decimal(text: str) -> Decimal:
    if len(text) > NUMBER_LENGTH_LIMIT:
        raise bad_value(f"a number of {len(text)} characters, at most {NUMBER_LENGTH_LIMIT} are allowed")
    try:
        found = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        raise _out_of_range(text) from None
    if not -EXPONENT_LIMIT <= found.adjusted() <= EXPONENT_LIMIT:
        raise _out_of_range(text)
    return found if str(found) == text else ExactDecimal(text)


def _out_of_range(text: str) -> FhirError:
    return bad_value(f"{text} is out of range, the exponent may be -{EXPONENT_LIMIT} to {EXPONENT_LIMIT}")


def _integer(text: str) -> int | Decimal:
    return Decimal(text) if text == "-0" else int(text)


def _encode_other(value: object) -> msgspec.Raw:
    if isinstance(value, ExactDecimal):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"{type(value).__name__} has no JSON form")


_decoder = msgspec.json.Decoder(float_hook=_decimal)
encode = msgspec.json.Encoder(decimal_format="number", enc_hook=_encode_other).encode
_encode_sorted = msgspec.json.Encoder(
    decimal_format="number", enc_hook=_encode_other, order="deterministic"
).encode


def decode(body: bytes) -> Any:
    """The JSON value of `body`, for bytes that this server wrote; raises msgspec's errors."""
    return _decoder.decode(body)


def parse(body: bytes) -> Resource:
    """The JSON object of a client's `body`; raises 400 with what is wrong and where."""
    value = parse_value(body)
    if not isinstance(value, dict):
        raise malformed(f"the body is a JSON {_json_type(value)}, a resource is a JSON object")
    return value


def parse_value(body: bytes) -> Any:
    """Any JSON value of a client, as strictly: a JSON Patch is an array."""
    if body.startswith(BOM):
        body = body[3:]
    value = _decode_strictly(body)
    if b"\\" in body:
        _refuse_control_characters(body)
    # those in strings count too: few bodies have so many, and only they are looked at
    if body.count(b"{") + body.count(b"[") > DEPTH_LIMIT:
        _refuse_deep_nesting(body)
    # equal bytes prove that no key was dropped and no digit lost, and mostly they are equal
    encoded = encode(value)
    if encoded == body:
        return value
    minified = msgspec.json.format(body, indent=-1)
    if encoded == minified:
        return value
    # an escaped colon or quote would be counted on one side only
    if _keys(encoded) == _keys(minified) and b"-0" not in minified and b"\\u00" not in minified:
        return value
    return _decode_slowly(body)


def _without_escaped_quotes(text: bytes) -> bytes:
    """JSON text in which every quote begins or ends a string."""
    if b"\\" not in text:
        return text
    # a backslash stands in strings only, so from the left these are the escapes
    return text.replace(b"\\\\", b"").replace(b'\\"', b"")


def _keys(minified: bytes) -> int:
    """How many keys the objects of minified JSON text have."""
    return _without_escaped_quotes(minified).count(b'":')


def _decode_strictly(body: bytes) -> Any:
    try:
        return _decoder.decode(body)
    except FhirError:
        raise
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise malformed(f"the body is not UTF-8 at byte {_first_bad_byte(body, error)}") from None
    except msgspec.ValidationError:
        raise bad_value("a number is out of range") from None
    except msgspec.DecodeError as error:
        if _SURROGATE.search(body) and _SURROGATE.search(_STRING.sub(_keep_bad_surrogates, body)):
            raise bad_value("a string holds half of a surrogate pair") from None
        raise malformed(f"the body is not JSON: {error}") from None


def _first_bad_byte(body: bytes, error: UnicodeDecodeError) -> int:
    """Where the body stops being UTF-8; `error` counts from the start of one string in it."""
    try:
        body.decode()
    except UnicodeDecodeError as whole:
        return whole.start
    return error.start


_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def _keep_bad_surrogates(match: re.Match[bytes]) -> bytes:
    return _PAIR.sub(b"", match.group())


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case list():
            return "array"
        case str():
            return "string"
        case _:
            return "number"


def _decode_slowly(body: bytes) -> Any:
    """The same value with `-0` kept; refuses duplicate keys."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise malformed(f"the property {twice[:NAME_SHOWN]!r} stands twice in one object")
        return found

    return json.loads(body, object_pairs_hook=unique, parse_float=_decimal, parse_int=_integer)


def _refuse_control_characters(body: bytes) -> None:
    if _RARE_ESCAPE.search(body) and (found := _CONTROL.search(_without_escaped_quotes(body))):
        raise bad_value(f"the control character {found[0].decode()} is not allowed")


def _refuse_deep_nesting(body: bytes) -> None:
    brackets = _without_escaped_quotes(body).translate(None, _NEITHER_BRACKET_NOR_QUOTE)
    # two quotes side by side: an empty string, or two strings with nothing between that matters here
    brackets = brackets.replace(b'""', b"")
    if b'"' in brackets:
        brackets = b"".join(brackets.split(b'"')[::2])
    for rounds in range(DEPTH_LIMIT, 0, -1):
        if len(brackets) <= 2 * rounds:
            return  # each round takes one pair at least
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    if not brackets:
        return
    raise _too_deep()


def _too_deep() -> FhirError:
    return malformed(f"the body is nested too deeply, at most {DEPTH_LIMIT} levels are allowed")


def content(resource: Resource, id_: str | None = None) -> bytes:
    """The bytes that the store keeps: `resource` with its id, without version and time.

    Always laid out as `{"resourceType":"T","id":"I","meta":{…},…}`, so that `served` can put the two in.

    id_: in place of the resource's own
    """
    rest = dict(resource)
    own_id = rest.pop("id") if id_ is None else rest.pop("id", None)
    meta = rest.pop("meta", None)
    head = f'{{"resourceType":"{rest.pop("resourceType")}","id":"{id_ or own_id}","meta":'.encode()
    if meta and not _STAMPS.isdisjoint(meta):
        meta = {name: value for name, value in meta.items() if name not in _STAMPS}
    tail = b"," + encode(rest)[1:] if rest else b"}"
    return b"".join((head, encode(meta) if meta else b"{}", tail))


_STAMPS = frozenset(("versionId", "lastUpdated"))
_ID_AT = len('{"resourceType":"","id":"')
_HEAD_LENGTH = len('{"resourceType":"","id":"","meta":{')


def served(kept: bytes, resource_type: str, id_: str, version_id: int, last_updated_ms: int) -> bytes:
    """The bytes that a client gets for the bytes that `content` made."""
    cut = _HEAD_LENGTH + len(resource_type) + len(id_)
    return b"".join((kept[:cut], _stamp(version_id, last_updated_ms, kept[cut] == _BRACE), kept[cut:]))


_BRACE = ord("}")


@lru_cache(maxsize=4096)  # those of one transaction share it
def _stamp(version_id: int, last_updated_ms: int, alone: bool) -> bytes:
    comma = "" if alone else ","
    return f'"versionId":"{version_id}","lastUpdated":"{format_instant(last_updated_ms)}"{comma}'.encode()


def id_in(kept: bytes, resource_type: str, length: int) -> str:
    """The id, of so many characters, in the bytes that `content` made."""
    start = _ID_AT + len(resource_type)
    return kept[start : start + length].decode()


def same_content(one: bytes, other: bytes) -> bool:
    """Whether two results of `content` differ at most in the order of their properties."""
    if one == other:
        return True
    # 1.0 and 1.00 are equal decimals and not the same content: compare text, not values
    return len(one) == len(other) and _encode_sorted(decode(one)) == _encode_sorted(decode(other))


def new_id() -> str:
    """A UUID of the time and 74 random bits, an `id` that no other server will give.

    Those of one time stand side by side in an index: few of its pages change.
    https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
    """
    try:
        return _DRAWN.pop()
    except IndexError:
        _DRAWN.extend(_draw(_DRAWN_AT_ONCE))
        return new_id()


_DRAWN: list[str] = []  # ids that nobody has yet: asking the system for randomness costs more than the rest
_DRAWN_AT_ONCE = 64
# a child process would give the same ones
os.register_at_fork(after_in_child=_DRAWN.clear)


def _draw(count: int) -> list[str]:
    now = f"{time_ns() // 1_000_000:012x}"
    digits = secrets.token_hex(10 * count)
    return [_uuid(now, digits[start : start + 20]) for start in range(0, len(digits), 20)]


def _uuid(now: str, digits: str) -> str:
    variant = "89ab"[int(digits[3], 16) & 3]
    return f"{now[:8]}-{now[8:]}-7{digits[:3]}-{variant}{digits[4:7]}-{digits[7:19]}"

"""Primitive types: the JSON type and the text that each allows.

https://hl7.org/fhir/R4/datatypes.html#primitive

The regular expressions of the specification are sharpened where its words say more: dates are days of the
calendar, base64 can be decoded. Where they would refuse text by an accident of the engine (`\\s` and
U+3000, the Chinese space) the words hold too.
"""

import binascii
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from fhir_server.fhirpath.html import is_plain
from fhir_server.resource import NUMBER_LENGTH_LIMIT, ExactDecimal
from fhir_server.validation.scope import Scope
from fhir_server.validation.xhtml import flaw

Accept = Callable[[Any, Scope], bool]

STRING_LIMIT = 1024 * 1024  # characters; https://hl7.org/fhir/R4/datatypes.html#string


class Primitive(NamedTuple):
    json: Literal["string", "number", "boolean"]
    accepts: Accept  # the JSON type too
    wanted: str  # what stands after "is not"


_YEAR = r"(?!0000)\d{4}"
_LEAP_YEAR = r"(?!0000)(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = (
    rf"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
    rf"|{_LEAP_YEAR}-02-29)"
)
# 60: a leap second
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
_ZONE = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
_PARTIAL = rf"{_YEAR}(?:-{_MONTH})?"

_white_space = re.compile(r"\s", re.ASCII).search
_white_space_ends_or_doubles = re.compile(r"^\s|\s\s|\s\Z", re.ASCII).search


def _text(pattern: str) -> Accept:
    match = re.compile(pattern, re.ASCII).fullmatch

    def accepts(value: Any, _: Scope) -> bool:
        return type(value) is str and match(value) is not None

    return accepts


def _string(value: Any, _: Scope) -> bool:
    return type(value) is str and 0 < len(value) <= STRING_LIMIT


def _code(value: Any, _: Scope) -> bool:
    if type(value) is not str or not value:
        return False
    # printable: without any white space but the plain one
    return ("\x20" not in value and value.isprintable()) or not _white_space_ends_or_doubles(value)


def _uri(value: Any, scope: Scope) -> bool:
    if type(value) is not str or not value:
        return False
    if value[0] == "#":
        scope.uris.append(value)
    return ("\x20" not in value and value.isprintable()) or not _white_space(value)


def _integer(least: int) -> Accept:
    def accepts(value: Any, _: Scope) -> bool:
        return type(value) is int and least <= value < 1 << 31

    return accepts


_NUMBER_LIMIT: int = 10**NUMBER_LENGTH_LIMIT


def _decimal(value: Any, _: Scope) -> bool:
    kind = type(value)
    return kind is Decimal or kind is ExactDecimal or (kind is int and abs(value) < _NUMBER_LIMIT)


def _boolean(value: Any, _: Scope) -> bool:
    return value is True or value is False


def _base64(value: Any, _: Scope) -> bool:
    if type(value) is not str or not value:
        return False
    try:
        return bool(binascii.a2b_base64("".join(value.split()), strict_mode=True))
    except ValueError:  # not ASCII, or not base64
        return False


def _xhtml(value: Any, scope: Scope) -> bool:
    if type(value) is not str:
        return False
    if is_plain(value):
        scope.narrative = value  # txt-1 and txt-2 need not parse it again
        return True
    return flaw(value) is None


_INTEGERS = "at most 2147483647, without fraction or exponent"
_TEXT = Primitive("string", _string, f"text of 1 to {STRING_LIMIT} characters")
_URI = Primitive("string", _uri, "a URI, without white space")

PRIMITIVES: dict[str, Primitive] = {
    "base64Binary": Primitive("string", _base64, "base64"),
    "boolean": Primitive("boolean", _boolean, "true or false"),
    "canonical": _URI,
    "code": Primitive("string", _code, "a code, without white space at its ends or doubled within"),
    "date": Primitive("string", _text(f"{_DAY}|{_PARTIAL}"), "a date: YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": Primitive(
        "string",
        _text(f"{_DAY}(?:T{_TIME}{_ZONE})?|{_PARTIAL}"),
        "a dateTime: YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with Z or an offset",
    ),
    "decimal": Primitive("number", _decimal, f"a number of at most {NUMBER_LENGTH_LIMIT} characters"),
    "id": Primitive("string", _text(r"[A-Za-z0-9\-.]{1,64}"), "an id: 1 to 64 of A-Z, a-z, 0-9, - and ."),
    "instant": Primitive(
        "string", _text(f"{_DAY}T{_TIME}{_ZONE}"), "an instant: YYYY-MM-DDThh:mm:ss with Z or an offset"
    ),
    "integer": Primitive("number", _integer(-(1 << 31)), f"an integer: at least -2147483648, {_INTEGERS}"),
    "markdown": _TEXT,
    "oid": Primitive("string", _text(r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+"), "an OID: urn:oid:1.2.3"),
    "positiveInt": Primitive("number", _integer(1), f"a positive integer: at least 1, {_INTEGERS}"),
    "string": _TEXT,
    "time": Primitive("string", _text(_TIME), "a time: hh:mm:ss"),
    "unsignedInt": Primitive("number", _integer(0), f"an unsigned integer: at least 0, {_INTEGERS}"),
    "uri": _URI,
    "url": _URI,
    "uuid": Primitive(
        "string",
        _text(r"urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
        "a UUID: urn:uuid: and 32 lower-case hexadecimal digits in groups of 8-4-4-4-12",
    ),
    "xhtml": Primitive(
        "string", _xhtml, 'well-formed XHTML in one <div xmlns="http://www.w3.org/1999/xhtml">'
    ),
}

# Element.id is a string that contains no spaces: https://hl7.org/fhir/R4/element.html
ELEMENT_ID = Primitive("string", _text(r"\S+"), "an element id, without white space")

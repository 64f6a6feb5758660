"""HTTP in: an `Exchange` becomes the `Request` of an interaction.

https://hl7.org/fhir/R4/http.html
"""

import re
from functools import lru_cache
from typing import Literal, cast, get_args

from fhir_server import resource
from fhir_server.config import Settings
from fhir_server.interactions.request import Method, Request
from fhir_server.interactions.url import parse_query, parse_url
from fhir_server.outcome import bad_value, method_not_allowed
from fhir_server.rest import url
from fhir_server.rest.body import declared_length, gunzip, over, receive_body
from fhir_server.rest.exchange import Exchange
from fhir_server.rest.negotiation import (
    FORM,
    JSON,
    JSON_PATCH,
    answer_format,
    body_format,
    body_type,
    is_gzip,
    wrong_type,
)

Return = Literal["minimal", "representation", "OperationOutcome"]

_METHODS: tuple[str, ...] = get_args(Method)
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


def read_head(exchange: Exchange, settings: Settings) -> Request:
    """The request without its body; what is understood of it is in `exchange` also when this raises."""
    headers = exchange.headers
    path = url.below_base(exchange.raw_path)
    if exchange.method not in _METHODS:
        raise method_not_allowed(f"the method {exchange.method[:20]} has no meaning in FHIR", _METHODS)
    request = parse_url(
        cast(Method, exchange.method),
        path,
        url.query_text(exchange.query_string),
        url.base_url(settings.base_url, settings.open, exchange.scheme, headers.get(b"host")),
    )
    exchange.request = request
    exchange.format, exchange.pretty = answer_format(headers.get(b"accept"), request.parameters)
    request.strict = settings.strict
    if not _FIELDS.isdisjoint(headers):
        _read_fields(request, headers)
        if settings.open and _ORGANIZATION in headers:
            request.organization = _organization(headers[_ORGANIZATION])
    return request


_ATTRIBUTES = {
    b"if-match": "if_match",
    b"if-none-match": "if_none_match",
    b"if-modified-since": "if_modified_since",
    b"if-none-exist": "if_none_exist",
    b"accept-language": "accept_language",
}
_ORGANIZATION = b"x-acting-organization"
_FIELDS = frozenset((*_ATTRIBUTES, _ORGANIZATION, b"prefer"))
_REFERENCE = re.compile(r"Organization/(?!\.{1,2}\Z)[A-Za-z0-9\-.]{1,64}")


def _read_fields(request: Request, headers: dict[bytes, bytes]) -> None:
    for name, attribute in _ATTRIBUTES.items():
        if name in headers:
            setattr(request, attribute, _text(headers[name]))
    if prefer := headers.get(b"prefer"):
        request.prefer_return, strict = _preferences(prefer)
        if strict is not None:
            request.strict = strict


def _organization(value: bytes) -> str:
    """The organisation that a client says it acts for; nobody proves it, so under `--open` only."""
    text = _text(value).strip()
    if not _REFERENCE.fullmatch(text):
        raise bad_value(
            f"X-Acting-Organization is {text[:80]!r}, it needs a reference such as Organization/1"
        )
    return text


def _text(value: bytes) -> str:
    """A header's text: UTF-8 where it is (a name in If-None-Exist), else Latin-1, which takes all bytes."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@lru_cache(maxsize=256)
def _preferences(prefer: bytes) -> tuple[Return | None, bool | None]:
    """`return` and `handling` (True: strict) of Prefer; what is unknown is ignored (RFC 7240, 2)."""
    wanted: Return | None = None
    strict = None
    for part in prefer.decode("latin-1").replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        match name.strip().lower(), value.strip().strip('"'):
            case "return", ("minimal" | "representation" | "OperationOutcome") as found:
                wanted = found
            case "handling", ("strict" | "lenient") as handling:
                strict = handling == "strict"
    return wanted, strict


def expects_body(exchange: Exchange) -> bool:
    return exchange.method in _WITH_BODY and exchange.has_body


async def read_body(exchange: Exchange, request: Request, settings: Settings) -> None:
    """Complete `request` by what its body holds."""
    headers = exchange.headers
    media_type = _readable_type(request, headers.get(b"content-type"))
    compressed = is_gzip(headers.get(b"content-encoding"))
    declared = declared_length(headers.get(b"content-length"))
    if declared is not None and declared > settings.body_bytes:
        raise over(settings.body_bytes)
    timeout_s = None if exchange.whole else settings.body_timeout_s
    body = await receive_body(exchange.receive, settings.body_bytes, exchange.hold, timeout_s)
    exchange.body_read = True
    if compressed:
        body = await gunzip(body, settings.body_bytes, exchange.hold)
    request.body_type = media_type
    if body:
        _decode_body(exchange, request, body)


def _readable_type(request: Request, content_type: bytes | None) -> str:
    """The media type of the body, one that this request can have; raises 415."""
    media_type = body_type(content_type)
    if request.search:
        if media_type != FORM:
            raise wrong_type(media_type, FORM)
    elif request.method == "PATCH" and media_type != "application/fhir+json":
        # plain JSON could be a JSON Patch as well as Parameters: the client has to say
        if media_type != JSON_PATCH:
            raise wrong_type(media_type, f"{JSON_PATCH} or application/fhir+json")
    else:
        body_format(media_type)
    return media_type


def _decode_body(exchange: Exchange, request: Request, body: bytes) -> None:
    if request.search:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise bad_value("the form is not UTF-8") from None
        request.parameters = request.parameters + parse_query(text)
        exchange.format, exchange.pretty = answer_format(exchange.headers.get(b"accept"), request.parameters)
    elif request.body_type == JSON_PATCH:
        request.patch = resource.parse_value(body)
    else:
        format_ = body_format(request.body_type)
        request.resource = format_.parse(body)
        if format_ is JSON:
            request.text = body

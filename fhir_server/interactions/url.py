"""The grammar of FHIR URLs, for the requests of HTTP and the entries of bundles alike.

https://hl7.org/fhir/R4/http.html#summary

    [base]                metadata  _history  _search  $operation
    [base]/Type           _history  _search  $operation
    [base]/Type/id        _history  _history/vid  $operation  _history/vid/$operation  *  Type  Type/_search
"""

import re
from urllib.parse import unquote_to_bytes

from fhir_server.interactions.request import Method, Parameters, Request
from fhir_server.outcome import FhirError, bad_value, not_found

_CONTROL = re.compile(r"[\x00-\x1f\x7f/]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")


def parse_url(method: Method, path: str, query: str = "", base_url: str = "") -> Request:
    """The request that `method` on `[base]/path?query` makes; `path` is percent-encoded, as on the wire.

    Raises 404 for a path outside the grammar, 400 for a query that is not percent-encoded UTF-8. Whether a
    type exists and an id is well formed is not asked here.
    """
    parameters = parse_query(query) if query else []
    request = Request(method, parameters=parameters, base_url=base_url)
    path = path.removeprefix("/")
    if len(path) > 1:
        path = path.removesuffix("/")
    if not path:
        return request
    segments = _segments(path)
    if segments[0] == "metadata":
        request.metadata = True
        rest = segments[1:]
    else:
        rest = _name(request, segments)
    if rest:
        raise _outside(path)
    return request


def _name(request: Request, segments: list[str]) -> list[str]:
    """Put type, id, version and what follows into `request`; returns the segments that fit nothing."""
    if not _is_word(segments[0]):
        request.resource_type, *segments = segments
        if segments and not _is_word(segments[0]):
            request.id, *segments = segments
            if segments and not _is_word(segments[0]):
                request.compartment_type, *segments = segments
    return _tail(request, segments)


def _is_word(segment: str) -> bool:
    """Whether `segment` is a word of the grammar, not a type or an id."""
    return segment[0] in "_$"


def _tail(request: Request, segments: list[str]) -> list[str]:
    if segments and segments[0] == "_history" and request.compartment_type is None:
        request.history = True
        segments = segments[1:]
        if segments and request.id is not None and not _is_word(segments[0]):
            request.version_id, *segments = segments
    elif segments and segments[0] == "_search" and (request.id is None or request.compartment_type):
        request.search = True
        return segments[1:]
    if segments and segments[0][0] == "$" and len(segments[0]) > 1 and request.compartment_type is None:
        if request.history and request.version_id is None:
            return segments
        request.operation = segments[0][1:]
        return segments[1:]
    return segments


def _segments(path: str) -> list[str]:
    segments = path.split("/")
    if "%" in path:
        segments = [_decode(segment, path) for segment in segments]
    if "" in segments:
        raise _outside(path)
    return segments


def _decode(segment: str, path: str) -> str:
    try:
        found = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise _outside(path) from None
    # `%2f` would make two segments of one, control characters are in no URL of FHIR
    if _CONTROL.search(found) or _BROKEN_ESCAPE.search(segment):
        raise _outside(path)
    return found


def _outside(path: str) -> FhirError:
    return not_found(f"{path!r} is not a URL of this server")


def parse_query(query: str) -> Parameters:
    """The parameters of `name=value&name=value` in their order, decoded; empty parts are skipped."""
    if "%" not in query and "+" not in query:
        pairs = (part.partition("=") for part in query.split("&") if part)
        return [(name, value) for name, _, value in pairs]
    found = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            found.append((_decode_text(name), _decode_text(value)))
    return found


def _decode_text(text: str) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise bad_value(f"{text!r} holds a % that is not followed by two hexadecimal digits")
    try:
        found = unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise bad_value(f"{text!r} is not percent-encoded UTF-8") from None
    if "\x00" in found:
        raise bad_value(f"{text!r} holds the character U+0000")
    return found

"""Content negotiation, all of it: which format a client sends, which it wants, and what is compressed.

https://hl7.org/fhir/R4/http.html#mime-type, https://hl7.org/fhir/R4/versioning.html#mt-version

A further wire format is one more `Format` in `_FORMATS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from fhir_server import resource
from fhir_server.interactions.request import Parameters
from fhir_server.outcome import FhirError, bad_value, not_acceptable, unsupported_media_type

FORM = "application/x-www-form-urlencoded"
JSON_PATCH = "application/json-patch+json"
RELEASES = frozenset(("4.0", "4.0.1"))


@dataclass(frozen=True, slots=True)
class Format:
    """One wire format of resources."""

    media_type: str
    content_type: bytes  # the header of answers
    parse: Callable[[bytes], resource.Resource]  # raises 400
    render: Callable[[bytes, bool], bytes]  # JSON as the store keeps it, pretty → what goes on the wire


def _render_json(body: bytes, pretty: bool) -> bytes:
    return msgspec.json.format(body, indent=2) if pretty else body


JSON = Format("application/fhir+json", b"application/fhir+json; charset=utf-8", resource.parse, _render_json)

_FORMATS = {
    "application/fhir+json": JSON,
    "application/json": JSON,
    "text/json": JSON,
    "json": JSON,
    # ranges of Accept: what a client gets that has no wish
    "application/*": JSON,
    "*/*": JSON,
}
_SPECIFIC = 2  # a range without `*`
_OFFERED = "application/fhir+json, application/json, text/json or json"


def answer_format(accept: bytes | None, parameters: Parameters) -> tuple[Format, bool]:
    """The format of the answer, and whether it is to be laid out for people; raises 406."""
    found = None
    pretty = False
    for name, value in parameters:
        if name == "_format":
            found = _named(value)
        elif name == "_pretty":
            pretty = _truth(value)
    if found is None:
        found = _accepted(accept) if accept else JSON
    return found, pretty


def _named(value: str) -> Format:
    # `_format=application/fhir+json` with a bare plus decodes to a space
    found = _matching(value.replace(" +", "+").replace("fhir json", "fhir+json"))
    if found is None or "*" in value:
        raise not_acceptable(f"_format={value!r} is not offered; {_OFFERED} is")
    return found


def _truth(value: str) -> bool:
    if value not in ("true", "false"):
        raise bad_value(f"_pretty={value!r} is not true or false")
    return value == "true"


@lru_cache(maxsize=256)
def _accepted(accept: bytes) -> Format:
    """The first format of the best quality that `Accept` allows (RFC 9110, 12.5.1)."""
    best: tuple[float, int] = (0.0, 0)
    chosen = None
    for range_ in accept.decode("latin-1").split(","):
        found, rank = _matching(range_), (_quality(range_), _precision(range_))
        if found is not None and rank[0] > 0 and rank > best:
            best, chosen = rank, found
    if chosen is None:
        raise not_acceptable(f"nothing in Accept: {_shown(accept)} is offered; {_OFFERED} is")
    return chosen


def _matching(text: str) -> Format | None:
    """The format that a media type or range with its parameters names; None: not offered."""
    name, _, rest = text.partition(";")
    found = _FORMATS.get(name.strip().lower())
    return found if found is not None and not _refusal(rest) else None


def _refusal(parameters: str) -> str | None:
    """What in `;charset=…;fhirVersion=…` is not served here; None: nothing."""
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        value = value.strip().strip('"')
        match name.strip().lower():
            case "charset" if value.lower() not in ("utf-8", "utf8"):
                return f"the charset {value!r}; utf-8 is the one of FHIR"
            case "fhirversion" if value not in RELEASES:
                return f"the FHIR release {value!r}; 4.0 is served here"
    return None


def _quality(range_: str) -> float:
    for part in range_.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _precision(range_: str) -> int:
    return _SPECIFIC - range_.partition(";")[0].count("*")


@lru_cache(maxsize=256)
def body_type(content_type: bytes | None) -> str:
    """The media type of a body, lower case, without its parameters; raises 415."""
    if content_type is None:
        raise unsupported_media_type("the request has a body and no Content-Type")
    name, _, rest = content_type.decode("latin-1").partition(";")
    if refusal := _refusal(rest):
        raise unsupported_media_type(f"the Content-Type names {refusal}")
    return name.strip().lower()


def body_format(media_type: str) -> Format:
    """The format of a resource sent as `media_type`; raises 415."""
    found = _FORMATS.get(media_type)
    if found is None or "/" not in media_type or "*" in media_type:
        raise wrong_type(media_type, "application/fhir+json or application/json")
    return found


def wrong_type(media_type: str, wanted: str) -> FhirError:
    return unsupported_media_type(
        f"the Content-Type {_shown(media_type.encode('latin-1'))} is not read here; {wanted} is"
    )


def _shown(header: bytes) -> str:
    """A header's text for an error, without control characters and not too long."""
    text = "".join(c if c.isprintable() else "?" for c in header[:200].decode("latin-1"))
    return repr(text)


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether `Accept-Encoding` allows gzip (RFC 9110, 12.5.3)."""
    named: dict[str, float] = {}
    for part in accept_encoding.decode("latin-1").split(","):
        named[part.partition(";")[0].strip().lower()] = _quality(part)
    return named.get("gzip", named.get("x-gzip", named.get("*", 0.0))) > 0


def is_gzip(content_encoding: bytes | None) -> bool:
    """Whether a body is compressed; raises 415 for a coding other than gzip, and for gzip twice."""
    if content_encoding is None:
        return False
    match content_encoding.strip().lower():
        case b"gzip" | b"x-gzip":
            return True
        case b"identity" | b"":
            return False
        case _:
            error = unsupported_media_type(
                f"the Content-Encoding {_shown(content_encoding)} is not read; gzip is"
            )
            error.headers["Accept-Encoding"] = "gzip"  # RFC 7694
            raise error

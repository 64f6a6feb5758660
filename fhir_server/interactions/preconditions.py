"""The If-… headers of reads and writes.

https://hl7.org/fhir/R4/http.html#concurrency, https://hl7.org/fhir/R4/http.html#cread,
https://www.rfc-editor.org/rfc/rfc9110#section-13
"""

import re
from email.utils import parsedate_to_datetime

from fhir_server.clock import parse_instant
from fhir_server.interactions.request import Request
from fhir_server.outcome import bad_value, missing, version_conflict
from fhir_server.store.protocol import Transaction, Version

_ETAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"[1-9][0-9]{0,17}")


def parse_version_id(text: str) -> int | None:
    """The number of a version; None: no version of this server is named like that."""
    return int(text) if _VERSION.fullmatch(text) else None


def _version_of(header: str, text: str) -> str:
    found = _ETAG.fullmatch(text.strip())
    if found is None:
        raise bad_value(f'{header} is {text!r}, it needs one entity tag such as W/"3"')
    return found[1]


def expected_version(request: Request) -> int | None:
    """The version that If-Match names, for `Transaction.put` and `.delete`; None: it names none.

    Raises 400 for what is not one entity tag, 412 for a tag that no version has.
    """
    if request.if_match is None or request.if_match.strip() == "*":
        return None
    version_id = parse_version_id(text := _version_of("If-Match", request.if_match))
    if version_id is None:
        raise version_conflict(f"If-Match names version {text!r}, there is no such version")
    return version_id


def needs_state(request: Request) -> bool:
    """Whether there is a condition that `expected_version` does not cover: then `require_state` must look."""
    return request.if_none_match is not None or (request.if_match or "").strip() == "*"


async def require_state(transaction: Transaction, request: Request, resource_type: str, id_: str) -> None:
    """Raises 412 unless If-Match and If-None-Match hold for the current version."""
    current = await transaction.read(resource_type, id_)
    if current is not None and current.deleted:
        current = None
    name = f"{resource_type}/{id_}"
    if request.if_match is not None:
        _require_match(request, current, name)
    if request.if_none_match is not None and current is not None:
        text = request.if_none_match.strip()
        if text == "*":
            raise version_conflict(f"{name} exists, If-None-Match: * asks that it does not")
        if _version_of("If-None-Match", text) == str(current.version_id):
            raise version_conflict(f"{name} has version {current.version_id}, If-None-Match excludes it")


async def require_condition(transaction: Transaction, request: Request, resource_type: str, id_: str) -> None:
    """For types with `versioned-update`: raises 400 for an update that does not say what it read.

    https://hl7.org/fhir/R4/codesystem-versioning-policy.html
    """
    if request.if_match is not None:
        return
    current = await transaction.read(resource_type, id_)
    if current is not None and not current.deleted:
        tag = f'W/"{current.version_id}"'
        raise missing(f"{resource_type}/{id_} is updated with If-Match only, its version now is {tag}")


def require_current(request: Request, current: Version | None, name: str) -> None:
    """Raises 412 when If-Match names another version than `current`."""
    if request.if_match is not None:
        _require_match(request, current, name)


def _require_match(request: Request, current: Version | None, name: str) -> None:
    expected = expected_version(request)
    if current is None:
        raise version_conflict(f"{name} does not exist, If-Match asks for {request.if_match}")
    if expected is not None and expected != current.version_id:
        raise version_conflict(f"{name} has version {current.version_id}, If-Match asks for {expected}")


def is_unmodified(request: Request, version: Version) -> bool:
    """Whether a conditional read is answered 304.

    What cannot be understood is ignored, as RFC 9110 wants it: the full answer is never wrong.
    """
    if request.if_none_match is not None:
        return lists_tag(request.if_none_match, str(version.version_id))
    if request.if_modified_since is not None:
        since_s = _seconds(request.if_modified_since)
        return since_s is not None and version.last_updated_ms // 1000 <= since_s
    return False


def lists_tag(if_none_match: str, tag: str) -> bool:
    """Whether the header of a read is `*` or has `tag` among its entity tags."""
    return if_none_match.strip() == "*" or tag in _ETAG.findall(if_none_match)


def _seconds(text: str) -> int | None:
    """Seconds since the epoch, of an HTTP date, or of the instant that stands in a bundle entry."""
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        pass
    try:
        return parse_instant(text) // 1000
    except (ValueError, OverflowError):
        return None

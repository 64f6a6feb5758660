"""Which URLs are this server's: the base, the path below it, the query.

https://hl7.org/fhir/R4/http.html#root

The grammar below the base is that of `interactions/url.py`.
"""

import re
from functools import lru_cache

from fhir_server.outcome import FhirError, bad_value, invalid, not_found

BASE_PATH = "/fhir"
_BELOW = f"{BASE_PATH}/"

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def is_below_base(path: str) -> bool:
    return path.startswith(_BELOW) or path == BASE_PATH


def below_base(raw_path: bytes) -> str:
    """The path behind the base, percent-encoded as on the wire; raises 404."""
    try:
        path = raw_path.decode()
    except UnicodeDecodeError:
        raise _outside() from None
    # `;` begins path parameters for some servers and proxies, never for FHIR: `..;` is an attack on both
    if not is_below_base(path) or ";" in path:
        raise _outside()
    return path[len(BASE_PATH) :]


def _outside() -> FhirError:
    return not_found("the path is not a URL of this server")


def query_text(query_string: bytes) -> str:
    try:
        return query_string.decode()
    except UnicodeDecodeError:
        raise bad_value("the query is not UTF-8") from None


@lru_cache(maxsize=256)
def base_url(scheme: str, host: bytes | None) -> str:
    """What clients reach the base under; raises 400 for a Host that is none."""
    if host is None or not _HOST.fullmatch(host):
        raise invalid("the Host header is missing or not a host")
    return f"{scheme}://{host.decode('ascii')}{BASE_PATH}"

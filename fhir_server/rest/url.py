"""Which URLs are this server's: the base, the path below it, the query.

https://hl7.org/fhir/R4/http.html#root

The grammar below the base is that of `interactions/url.py`.
"""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from fhir_server.outcome import FhirError, bad_value, forbidden, invalid, not_found

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
def base_url(own: str | None, local: bool, scheme: str, host: bytes | None) -> str:
    """What clients reach the base under. Raises 400 for a Host that is none, 403 for one that is not local.

    own: the base URL of the settings; None: Host tells.
    local: serve only this machine. A page of a foreign site can give its name our address, and its scripts
    then talk to us as if we were that site; its name stands in Host.
    """
    found = own or f"{scheme}://{_checked(host)}{BASE_PATH}"
    if local and _name(host) not in _LOCAL_NAMES and _name(host) != urlsplit(found if own else "").hostname:
        raise forbidden("this server answers without authentication, so only under a name of this machine")
    return found


_LOCAL_NAMES = frozenset(("localhost", "127.0.0.1", "::1"))


def _checked(host: bytes | None) -> str:
    if host is None or not _HOST.fullmatch(host):
        raise invalid("the Host header is missing or not a host")
    return host.decode("ascii")


def _name(host: bytes | None) -> str | None:
    """The host without its port, lower case."""
    try:
        return urlsplit(f"//{_checked(host)}").hostname
    except ValueError:
        return None

"""Which references lead to resources of this server.

https://hl7.org/fhir/R4/references.html#literal
"""

import re
from functools import lru_cache

_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.ASCII)
ABSOLUTE = re.compile(rf"((?:https?|HTTPS?)://.+/){_LOCAL.pattern}", re.ASCII)
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)


@lru_cache(maxsize=8192)
def local(text: str, bases: tuple[str, ...]) -> tuple[str, str] | None:
    """(type, id) of a reference to a resource of this server."""
    if found := _LOCAL.fullmatch(text):
        return found[1], found[2]
    if found := ABSOLUTE.fullmatch(text):
        prefix, resource_type, id_ = found.groups()
        if prefix[:-1] in bases:
            return resource_type, id_
    return None

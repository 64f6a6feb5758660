"""Types and ids, as URLs and bodies name them.

https://hl7.org/fhir/R4/datatypes.html#id, https://hl7.org/fhir/R4/resourcelist.html
"""

import re

from fhir_server.definitions.registry import Definitions
from fhir_server.outcome import bad_value, unknown_type
from fhir_server.suggestion import did_you_mean

# `.` and `..` fit the rule of FHIR, but clients and proxies take them for steps of the path
_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9\-.]{1,64}")


def require_id(text: object, at: str | None = None) -> None:
    """Raises 400 for what is no id; `at`: where it stands in the body, None: in the URL."""
    if not isinstance(text, str) or _ID.fullmatch(text) is None:
        name = at or "the id in the URL"
        raise bad_value(f"{name} is {text!r}, it must be 1 to 64 letters, digits, '-' and '.'", at)


def require_type(definitions: Definitions, name: str) -> None:
    """Raises 404 for a type that this release does not have."""
    if name not in definitions.resource_types:
        hint = did_you_mean(name, definitions.resource_types)
        raise unknown_type(f"{name!r} is not a resource type of FHIR {definitions.release}{hint}")

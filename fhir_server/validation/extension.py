"""Extensions: a url that names the definition, and a value or further extensions.

https://hl7.org/fhir/R4/extensibility.html
"""

import re
from collections.abc import Iterator
from typing import Any

from fhir_server.outcome import Issue
from fhir_server.validation.scope import Scope, shown

_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+").fullmatch


def absolute_url(value: Any, _: Scope) -> bool:
    """The url of an extension that stands in no other extension; inside one it may be a plain name."""
    return type(value) is str and _absolute(value) is not None


def has_value_or_extensions(value: dict[str, Any], value_properties: frozenset[str]) -> bool:
    """The constraint ext-1."""
    return ("extension" in value) == value_properties.isdisjoint(value)


def issues(value: dict[str, Any], at: str, value_properties: frozenset[str], nested: bool) -> Iterator[Issue]:
    if not has_value_or_extensions(value, value_properties):
        found = "both a value and extensions" if "extension" in value else "neither a value nor extensions"
        yield Issue("error", "invariant", f"{at}: found {found}, needs one of them (ext-1)", at)
    url = value.get("url")
    if not nested and isinstance(url, str) and url and not _absolute(url):
        text = f"{at}.url: {shown(url)} is not an absolute URL"
        yield Issue("error", "value", text, f"{at}.url")

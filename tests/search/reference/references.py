"""https://hl7.org/fhir/R4/search.html#reference"""

import re
from collections.abc import Collection
from typing import Any

from tests.search.reference import Refused
from tests.search.reference.grammar import plain

Identity = tuple[str, str]
"""(type, id)"""

_ID = r"[A-Za-z0-9\-.]{1,64}"
_RELATIVE = re.compile(rf"([A-Z][A-Za-z]+)/({_ID})(?:/_history/{_ID})?")
CANONICALS = ("canonical", "uri", "url")


def text_of(type_name: str, value: Any) -> str | None:
    """What a reference says; None: nothing, or that it stays in its own resource."""
    if type_name == "Reference":
        found = value.get("reference")
    elif type_name in CANONICALS:
        found = value
    elif isinstance(value, dict) and value.get("id"):  # a resource in place of a reference to it
        found = f"{value['resourceType']}/{value['id']}"
    else:
        found = None
    return None if not found or found.startswith("#") else found


def local(text: str, base: str) -> Identity | None:
    """Relative, or "the absolute URL … where the server is"; search knows the current version only."""
    found = _RELATIVE.fullmatch(text.removeprefix(f"{base}/"))
    return (found[1], found[2]) if found else None


def is_id(text: str) -> bool:
    return re.fullmatch(_ID, text) is not None


def named_type(text: str, base: str) -> str | None:
    """The type that a URL names, here or on another server."""
    if found := local(text, base):
        return found[0]
    absolute = re.fullmatch(rf"(?:https?|HTTPS?)://.+/{_RELATIVE.pattern}", text)
    return absolute[1] if absolute else None


def matches(type_name: str, value: Any, text: str, base: str, types: Collection[str], modifier: str) -> bool:
    """ "[id]" of any of `types`, "[type]/[id]", "[url]"."""
    asked = plain(text)
    target = local(asked, base)
    if target and modifier and target[0] != modifier:
        raise Refused(f"{asked!r} is no {modifier}")
    have = text_of(type_name, value)
    if have is None:
        return False
    found = local(have, base)
    if target:
        return found == target
    if re.fullmatch(_ID, asked) and type_name not in CANONICALS:
        return found is not None and found[1] == asked and found[0] in ((modifier,) if modifier else types)
    if found:
        return False
    return asked in _forms(type_name, have)


def _forms(type_name: str, have: str) -> tuple[str, ...]:
    if type_name in CANONICALS:  # "with or without a version"
        return have, have.partition("|")[0]
    versioned = re.fullmatch(rf"((?:https?|HTTPS?)://.+/[A-Z][A-Za-z]+/{_ID})/_history/{_ID}", have)
    return (have, versioned[1]) if versioned else (have,)

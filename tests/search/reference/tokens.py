"""https://hl7.org/fhir/R4/search.html#token, https://hl7.org/fhir/R4/search.html#uri"""

import re
from typing import Any

from tests.search.reference import Refused
from tests.search.reference.grammar import parts, plain

_WITH_CASE = ("http://unitsofmeasure.org", "http://varnomen.hgvs.org")
_FOLDED = ("code", "boolean", "string", "markdown")
_EXACT = ("id", "uri", "url", "canonical", "oid", "uuid")
_NUMBERS = ("integer", "positiveInt", "unsignedInt", "decimal")
_URIS = ("uri", "url", "canonical", "oid", "uuid", "id", "string")


def wanted(text: str) -> tuple[str | None, str]:
    """`code`, `system|code`, `|code` ("has no system property"), `system|`. None: any system."""
    given = [plain(part) for part in parts(text, "|")]
    if len(given) == 1:
        return None, given[0]
    if len(given) > 2 or given == ["", ""]:
        raise Refused(f"{text!r} is no token")
    return given[0], given[1]


def matches(type_name: str, value: Any, text: str, systems: frozenset[str]) -> bool:
    """systems: those that an element of type `code` or `boolean` implies."""
    system, code = wanted(text)
    match type_name:
        case "CodeableConcept":
            return any(matches("Coding", each, text, systems) for each in value.get("coding", ()))
        case "Coding":
            have = value.get("system", "")
            return _has_system(system, have) and _is_code(code, value.get("code"), have, system)
        case "Identifier":
            return _has_system(system, value.get("system", "")) and (not code or code == value.get("value"))
        case "ContactPoint":
            if not value.get("value"):
                return False
            return (not system or system == value.get("system")) and contact(value["value"]) == contact(code)
    return _primitive(type_name, value, system, code, systems)


def _has_system(wanted: str | None, have: str) -> bool:
    return wanted is None or wanted == have


def _is_code(wanted: str, have: str | None, system: str, asked: str | None) -> bool:
    if not wanted:
        return True
    if asked is not None and system in _WITH_CASE:
        return wanted == have
    return have is not None and wanted.casefold() == have.casefold()


def _primitive(type_name: str, value: Any, system: str | None, code: str, systems: frozenset[str]) -> bool:
    if type_name not in (*_FOLDED, *_EXACT, *_NUMBERS) or (system and system not in systems):
        return False
    have = str(value).lower() if isinstance(value, bool) else str(value)
    if not code:
        return bool(system)
    return have.casefold() == code.casefold() if type_name in _FOLDED else have == code


def contact(text: str) -> str:
    """ "token searches on ContactPoint may use special handling, such as ignoring punctuation" """
    bare = re.sub(r"[\s()./-]", "", text)
    return bare if re.fullmatch(r"\++\d+|\d+", bare) else text.casefold().strip()


def is_present(type_name: str, value: Any) -> bool:
    match type_name:
        case "CodeableConcept":
            return any(is_present("Coding", each) for each in value.get("coding", ()))
        case "Coding":
            return bool(value.get("system") or value.get("code"))
        case "Identifier":
            return bool(value.get("system") or value.get("value"))
        case "ContactPoint":
            return bool(value.get("value"))
    return type_name in (*_FOLDED, *_EXACT, *_NUMBERS)


def matches_uri(type_name: str, value: Any, text: str) -> bool:
    """ "the match is precise … the entire URI must match"; a canonical also without its version."""
    if type_name not in _URIS:
        return False
    return plain(text) in ((value, value.partition("|")[0]) if type_name == "canonical" else (value,))


def is_uri(type_name: str) -> bool:
    return type_name in _URIS

"""https://hl7.org/fhir/R4/search.html#token, https://hl7.org/fhir/R4/search.html#uri"""

import re
from collections.abc import Iterator
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


HAVE_TEXT = frozenset(("CodeableConcept", "Coding", "Identifier"))


def texts(type_name: str, value: Any) -> Iterator[str]:
    """ "text associated with the code/value - either CodeableConcept.text, Coding.display, or
    Identifier.type.text"
    """
    match type_name:
        case "CodeableConcept":
            yield value.get("text", "")
            for coding in value.get("coding", ()):
                yield from texts("Coding", coding)
        case "Coding":
            yield value.get("display", "")
        case "Identifier":
            yield value.get("type", {}).get("text", "")


def typed(text: str) -> tuple[str, str, str]:
    """ "system|code|value … All 3 parts must be present" """
    given = [plain(part) for part in parts(text, "|")]
    if len(given) != 3 or not all(given):
        raise Refused(f"{text!r} is no system|code|value")
    return given[0], given[1], given[2]


def is_of_type(identifier: dict[str, Any], text: str) -> bool:
    """ "match if any of the type codes match" """
    system, code, value = typed(text)
    return value == identifier.get("value") and any(
        system == coding.get("system") and code.casefold() == str(coding.get("code")).casefold()
        for coding in identifier.get("type", {}).get("coding", ())
    )


def matches_uri(type_name: str, value: Any, text: str, modifier: str = "") -> bool:
    """ "the match is precise … the entire URI must match"; a canonical also without its version."""
    if type_name not in _URIS:
        return False
    fits = {"": str.__eq__, "below": is_below, "above": is_above}[modifier]
    have = (value, value.partition("|")[0]) if type_name == "canonical" else (value,)
    return any(fits(each, plain(text)) for each in have)


def is_below(value: str, wanted: str) -> bool:
    """ "URLs that start with": up to a step of the path, an arc of an OID, a part of a version."""
    rest = value.removeprefix(wanted)
    if value == wanted or not value.startswith(wanted):
        return value == wanted
    if wanted.startswith("urn:oid:"):
        return rest[0] == "." or wanted.endswith(".")
    if "|" in wanted:
        return rest[0] in ".-+"
    return wanted.endswith("/") or rest[0] in "/?#|"


def is_above(value: str, wanted: str) -> bool:
    """ "any value set above a given specific URL": one that its path comes through."""
    if value == wanted:
        return True
    if wanted.startswith("urn:oid:"):
        return value.startswith("urn:oid:") and wanted.startswith(f"{value}.")
    path = re.split(r"[?#|]", wanted, maxsplit=1)[0].rstrip("/")
    return _is_url(value) and f"{path}/".startswith(f"{value.removesuffix('/')}/")


def _is_url(text: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#|]", text) is not None


def require_steps(text: str) -> None:
    """ "the :above and :below modifiers only apply to URLs"; OIDs have arcs."""
    if not text.startswith("urn:oid:") and not _is_url(text):
        raise Refused(f"nothing is above or below {text!r}")


def is_uri(type_name: str) -> bool:
    return type_name in _URIS

"""What stands in the resources of the alliance: extensions by their short names, codes, references, times."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta, timezone
from typing import Any

from fhir_server.alliance import systems
from fhir_server.resource import Resource
from fhir_server.search.date import parse
from fhir_server.search.local import local

SHANGHAI = timezone(timedelta(hours=8))
"""The zone that the alliance counts in; China has had no other and no summer time since 1991."""

_LABEL = {"system": systems.ACT_REASON, "code": "HTEST"}


def extensions(holder: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The alliance's extensions `name` of a resource or an element; parts of a complex one by their name."""
    urls = (name, systems.extension_url(name))
    for each in holder.get("extension", ()):
        if each.get("url") in urls:
            yield each


def value(holder: Mapping[str, Any], name: str) -> Any:
    """The value of the first extension `name`, whatever its type; None: there is none."""
    for each in extensions(holder, name):
        return next((found for key, found in each.items() if key.startswith("value")), None)
    return None


def code(found: Any) -> str | None:
    """The code of a code, a Coding, or the first coding of a CodeableConcept; None: it has none."""
    match found:
        case str():
            return found
        case {"coding": [{"code": str(text)}, *_]} | {"code": str(text)}:
            return text
        case _:
            return None


def codes(concepts: Iterable[Mapping[str, Any]], system: str) -> Iterator[str]:
    """The codes of `system` among CodeableConcepts; system: the short name of one of the alliance's own."""
    url = systems.code_system(system)
    for concept in concepts:
        for coding in concept.get("coding", ()):
            if coding.get("system") == url and "code" in coding:
                yield coding["code"]


def target(reference: Any, bases: tuple[str, ...] = ()) -> str | None:
    """`Organization/1` of a Reference to a resource of this server; None: it leads to none.

    bases: URLs of this server; absolute references below them are local. A version is left out.
    """
    text = reference.get("reference") if isinstance(reference, Mapping) else None
    found = local(text, bases) if isinstance(text, str) else None
    return None if found is None else "/".join(found)


def first_moment(text: object) -> int | None:
    """The first microsecond (since the epoch) of a date or time; None: there is none."""
    found = parse(text, SHANGHAI) if isinstance(text, str) else None
    return None if found is None else found[0]


def end_moment(text: object) -> int | None:
    """The first microsecond after a date or time of any precision; None: there is none."""
    found = parse(text, SHANGHAI) if isinstance(text, str) else None
    return None if found is None else found[1] + 1


def counts(resource: Resource) -> bool:
    """Whether reports may count it: neither entered in error nor test data (`meta.security` HTEST)."""
    if resource.get("status") == "entered-in-error":
        return False
    labels = resource.get("meta", {}).get("security", ())
    return not any(_LABEL.items() <= label.items() for label in labels)

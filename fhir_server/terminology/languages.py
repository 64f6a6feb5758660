"""Displays in the language that is asked for.

https://hl7.org/fhir/R4/valueset-operation-expand.html (displayLanguage), RFC 5646, RFC 9110 (Accept-Language)
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, partial

from fhir_server.outcome import bad_value
from fhir_server.terminology.concepts import Concept, Designation

Languages = tuple[str, ...]
"""Tags in lower case, the most wanted first; (): any."""

_TAG = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_LENGTH_LIMIT = 200  # characters
_DEFINITION = "900000000000550004"  # of SNOMED CT: such a designation is a text, and no name


@lru_cache(maxsize=256)
def parse(text: str) -> Languages:
    """`zh-CN`, or what the header Accept-Language may have: `zh-CN, en;q=0.8, *;q=0.1`. Raises 400."""
    found = []
    for part in text[:_LENGTH_LIMIT].split(","):
        tag, _, parameters = part.strip().partition(";")
        tag = tag.strip()
        if tag and tag != "*":
            if not _TAG.fullmatch(tag):
                raise bad_value(f"{tag!r} is not a language such as zh-CN")
            found.append((-_weight(parameters), tag.lower()))
    return tuple(tag for weight, tag in sorted(found, key=lambda each: each[0]) if weight)


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 1.0


def speaks(language: str | None, wanted: str) -> bool:
    """`zh-CN` speaks `zh`, and answers `zh-CN` and, being all there is, `zh-SG`."""
    if language is None:
        return False
    language = language.lower()
    return language == wanted or language.startswith(f"{wanted}-") or wanted.startswith(f"{language}-")


def display(concept: Concept, languages: Languages, language: str | None) -> str | None:
    """In the first of the languages that the concept is named in; language: that of its display."""
    for wanted in languages:
        exact = _named(concept.designations, wanted.__eq__)
        if exact is not None:
            return exact
        if speaks(language, wanted):
            return concept.display
        near = _named(concept.designations, partial(speaks, wanted=wanted))
        if near is not None:
            return near
    return concept.display


def _named(designations: Iterable[Designation], fits: Callable[[str], bool]) -> str | None:
    for each in designations:
        if each.language is not None and fits(each.language.lower()) and not is_definition(each):
            return each.value
    return None


def is_definition(designation: Designation) -> bool:
    return designation.use is not None and designation.use.get("code") == _DEFINITION

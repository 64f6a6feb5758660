"""$lookup: what a code system says of one of its codes.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fhir_server.outcome import not_found
from fhir_server.terminology import languages
from fhir_server.terminology.concepts import CodeSystem, Concept, Designation, Property
from fhir_server.terminology.languages import Languages

_SAID = ("parent", "child", "inactive")
"""Properties that are told by what the code system says of the concept, however it does."""


@dataclass(frozen=True, slots=True)
class Answer:
    name: str
    version: str | None
    display: str
    designations: tuple[Designation, ...]
    properties: tuple[Property, ...]


async def look_up(
    system: CodeSystem, code: str, properties: frozenset[str] = frozenset(), wanted: Languages = ()
) -> Answer:
    """properties: codes of those to answer; empty: all. Raises 404 when there is no such code."""
    about = system.about
    concept = await system.concept(code)
    if concept is None:
        part = "" if about.content == "complete" else f", of which a {about.content} is here"
        raise not_found(f"{code!r} is not a code of {about.canonical}{part}")
    return Answer(
        name=about.name or about.url,
        version=about.version,
        display=languages.display(concept, wanted, about.language) or concept.code,
        designations=tuple(_designations(concept, properties, about.language)),
        properties=tuple(await _properties(system, concept, properties)),
    )


def _designations(concept: Concept, wanted: frozenset[str], language: str | None) -> Iterator[Designation]:
    tags = [name.removeprefix("lang.").lower() for name in wanted if name.startswith("lang.")]
    if not wanted or "designation" in wanted:
        yield from concept.designations
        return
    if concept.display is not None and any(languages.speaks(language, tag) for tag in tags):
        yield Designation(concept.display, language)
    for each in concept.designations:
        if any(languages.speaks(each.language, tag) for tag in tags):
            yield each


async def _properties(system: CodeSystem, concept: Concept, wanted: frozenset[str]) -> list[Property]:
    found = []
    if concept.definition is not None and (not wanted or "definition" in wanted):
        found.append(Property("definition", "valueString", concept.definition))
    if not wanted or "parent" in wanted:
        found += [Property("parent", "valueCode", code) for code in await system.parents(concept.code)]
    if not wanted or "child" in wanted:
        found += [Property("child", "valueCode", code) for code in await system.children(concept.code)]
    if "inactive" in wanted or (concept.inactive and not wanted):
        found.append(Property("inactive", "valueBoolean", concept.inactive))
    for each in concept.properties:
        if each.code not in _SAID and (not wanted or each.code in wanted):
            found.append(each)
    return found

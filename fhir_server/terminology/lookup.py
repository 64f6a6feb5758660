"""$lookup: what a code system says of one of its codes.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from fhir_server.outcome import not_found
from fhir_server.terminology import languages
from fhir_server.terminology.concepts import CodeSystem, Concept, Designation, Property
from fhir_server.terminology.languages import Languages


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
        properties=tuple([each async for each in _properties(system, concept, properties)]),
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


async def _properties(
    system: CodeSystem, concept: Concept, wanted: frozenset[str]
) -> AsyncIterator[Property]:
    def asked(name: str) -> bool:
        return not wanted or name in wanted

    if concept.definition is not None and asked("definition"):
        yield Property("definition", "valueString", concept.definition)
    if asked("parent"):
        for code in await system.parents(concept.code):
            yield Property("parent", "valueCode", code)
    if asked("child"):
        for code in await system.children(concept.code):
            yield Property("child", "valueCode", code)
    if asked("inactive") and (concept.inactive or "inactive" in wanted):
        yield Property("inactive", "valueBoolean", concept.inactive)
    for each in concept.properties:
        if asked(each.code) and each.code not in ("parent", "child", "inactive"):
            yield each

"""The concepts of a CodeSystem resource in a file, as rows: for those too large to be sent to the server.

https://hl7.org/fhir/R4/codesystem.html
"""

from dataclasses import replace

from fhir_server.bulk.concepts import Row, packed
from fhir_server.outcome import DefinitionError, FhirError
from fhir_server.resource import Resource, parse
from fhir_server.terminology.concepts import Concept
from fhir_server.terminology.hierarchy import DOWNWARD, UPWARD
from fhir_server.terminology.inline import concept_of, walk


def read_resource(file: str, body: bytes) -> tuple[dict[str, str], list[Row]]:
    """(what the code system says of itself, its concepts); raises DefinitionError."""
    try:
        resource = parse(body)
    except FhirError as error:
        raise DefinitionError(f"{file}: {error}") from None
    if resource.get("resourceType") != "CodeSystem" or "url" not in resource:
        raise DefinitionError(f"{file} is no CodeSystem with a url")
    names = ("version", "name", "title", "publisher", "language", "copyright")
    facts = {name: resource[name] for name in names if name in resource} | {"system": resource["url"]}
    rows, parents = rows_of(resource)
    return facts, [replace(row, parents=parents[row.code]) for row in rows]


def rows_of(resource: Resource) -> tuple[list[Row], dict[str, tuple[str, ...]]]:
    """Its concepts, and what each is below."""
    concepts: dict[str, Concept] = {}
    parents: dict[str, list[str]] = {}
    for item, parent in walk(resource.get("concept", ())):
        concept = concepts.setdefault(item["code"], concept_of(item))
        above = parents.setdefault(concept.code, [])
        above += [] if parent is None else [parent]
        for each in concept.properties:
            if each.code in UPWARD and each.value != concept.code:
                above.append(each.value)
            elif each.code == DOWNWARD:
                parents.setdefault(each.value, []).append(concept.code)
    rows = [packed(concept, (), 1) for concept in concepts.values()]
    return rows, {code: tuple(dict.fromkeys(above)) for code, above in parents.items()}

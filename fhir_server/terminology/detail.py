"""How a concept is written into a row of the store, and read from it.

`detail` is a JSON object that has only what there is: definition, designation, property and parents (codes).
"""

from typing import Any

from fhir_server.resource import decode, encode
from fhir_server.store.concepts import StoredConcept
from fhir_server.terminology.concepts import Concept, Designation, Property
from fhir_server.terminology.inline import is_abstract, is_inactive


def to_detail(concept: Concept, parents: tuple[str, ...]) -> str:
    found: dict[str, Any] = {
        "definition": concept.definition,
        "designation": concept.designations,
        "property": concept.properties,
        "parents": parents,
    }
    kept = {name: value for name, value in found.items() if value}
    return encode(kept).decode()


def from_row(row: StoredConcept) -> Concept:
    if row.detail == "{}":
        return Concept(row.code, row.display)
    detail = decode(row.detail.encode())
    properties = tuple(Property(*each) for each in detail.get("property", ()))
    return Concept(
        code=row.code,
        display=row.display,
        definition=detail.get("definition"),
        designations=tuple(Designation(*each) for each in detail.get("designation", ())),
        properties=properties,
        inactive=is_inactive(properties),
        abstract=is_abstract(properties),
    )


def parents_of(row: StoredConcept) -> tuple[str, ...]:
    return () if row.detail == "{}" else tuple(decode(row.detail.encode()).get("parents", ()))

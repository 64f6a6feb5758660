"""$subsumes: how two codes of a code system stand to each other.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from typing import Literal

from fhir_server.outcome import not_found
from fhir_server.terminology.concepts import CodeSystem

Outcome = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


async def subsumption(system: CodeSystem, code_a: str, code_b: str) -> Outcome:
    """`subsumes`: A is above B. Raises 404 when one of them is not a code of the system."""
    found = []
    for code in (code_a, code_b):
        concept = await system.concept(code)
        if concept is None:
            raise not_found(f"{code!r} is not a code of {system.about.canonical}")
        found.append(concept.code)
    a, b = found
    if a == b:
        return "equivalent"
    if await system.subsumes(a, b):
        return "subsumes"
    return "subsumed-by" if await system.subsumes(b, a) else "not-subsumed"

"""$closure: the table of what subsumes what among the codes that a client has, kept up as codes come.

https://hl7.org/fhir/R4/conceptmap-operation-closure.html, https://hl7.org/fhir/R4/terminology-service.html#closure
"""

from collections.abc import Iterable, Sequence

from fhir_server.outcome import bad_value, missing
from fhir_server.store.closures import ClosureConcept, ClosureEntry
from fhir_server.terminology.snapshot import Snapshot
from fhir_server.terminology.validate_code import Coding


async def concepts_of(snapshot: Snapshot, codings: Iterable[Coding]) -> list[ClosureConcept]:
    """The codes as their code systems have them; raises 404 for a system, 400 for a code that is not here."""
    found = []
    for coding in codings:
        if coding.system is None:
            raise missing(f"the system of {coding.code!r} is required")
        system = await snapshot.require_code_system(coding.system, coding.version)
        concept = await system.concept(coding.code)
        if concept is None:
            raise bad_value(f"{coding.code!r} is not a code of {system.about.canonical}")
        found.append(ClosureConcept(coding.system, concept.code))
    return list(dict.fromkeys(found))


async def entries_of(
    snapshot: Snapshot, there: Sequence[ClosureConcept], new: Sequence[ClosureConcept]
) -> list[ClosureEntry]:
    """What the new codes add: each of them with all codes above and below it that are in the table."""
    found: dict[ClosureEntry, None] = {}
    known = {*there, *new}
    by_system: dict[str, set[str]] = {}
    for system, code in known:
        by_system.setdefault(system, set()).add(code)
    for system, code in new:
        code_system = await snapshot.require_code_system(system)
        others = by_system[system]
        for above in sorted(others & await code_system.above(code)):
            found[ClosureEntry(system, code, above)] = None
        for other in sorted(others - {code}):
            if await code_system.subsumes(code, other):
                found[ClosureEntry(system, other, code)] = None
    return [*found]

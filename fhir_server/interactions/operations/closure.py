"""$closure: a table of subsumption for a client, one addition after the other.

https://hl7.org/fhir/R4/conceptmap-operation-closure.html

A name alone makes the table, or empties it; concepts are added, and the answer says what they add; a version
asks for everything that was added since.
"""

from typing import Any

from fhir_server.clock import format_instant
from fhir_server.interactions.context import Context
from fhir_server.interactions.operations.parameters import arguments
from fhir_server.interactions.operations.terminology import coding
from fhir_server.interactions.request import Request, Response
from fhir_server.outcome import bad_value, edit_conflict, invalid, not_found
from fhir_server.resource import Resource
from fhir_server.store.closures import ClosureConcept, ClosureEntry
from fhir_server.store.protocol import Transaction
from fhir_server.terminology.closure import concepts_of, entries_of

CONCEPT_LIMIT = 10_000
"""Codes of one table."""

_KNOWN = ("name", "concept", "version")
_NAME_LENGTH = 200  # characters
_TRIES = 5


async def closure(context: Context, request: Request) -> Response:
    given = arguments(request, _KNOWN)
    name = given.required_text("name")
    if len(name) > _NAME_LENGTH:
        raise bad_value(f"the name has {len(name)} characters, at most {_NAME_LENGTH} are allowed")
    codings = [coding(each, "concept") for each in given.values("concept")]
    version = given.text("version")
    if version is not None:
        if codings:
            raise invalid("concepts are added, or a version is asked for; not both in one request")
        return await _since(context, name, version)
    if not codings:
        await context.store.transaction(lambda tx: tx.closures.reset(name))
        return Response(200, resource=_map(context, name, 0, []))
    snapshot = await context.terminology.snapshot()
    concepts = await concepts_of(snapshot, codings)
    for _ in range(_TRIES):
        at = await _version(context, name)
        there = await context.store.closures.concepts(name)
        new = [each for each in concepts if each not in {*there}]
        if len(there) + len(new) > CONCEPT_LIMIT:
            raise bad_value(f"the closure table {name} would have more than {CONCEPT_LIMIT} codes")
        entries = await entries_of(snapshot, there, new)
        made = await _extend(context, name, at, new, entries)
        if made is not None:
            return Response(200, resource=_map(context, name, made, entries))
    raise edit_conflict(f"the closure table {name} was changed by others again and again")


async def _version(context: Context, name: str) -> int:
    found = await context.store.closures.version(name)
    if found is None:
        raise not_found(f"there is no closure table {name!r}: a request with its name alone makes it")
    return found


async def _extend(
    context: Context, name: str, at: int, concepts: list[ClosureConcept], entries: list[ClosureEntry]
) -> int | None:
    """The version that is made; None: somebody else has made one meanwhile."""

    async def work(tx: Transaction) -> int | None:
        if await tx.closures.version(name) != at:
            return None
        return await tx.closures.extend(name, concepts, entries) if concepts else at

    return await context.store.transaction(work)


async def _since(context: Context, name: str, version: str) -> Response:
    last = await _version(context, name)
    if not version.isascii() or not version.isdigit() or len(version) > 10 or int(version) > last:
        raise bad_value(f"version is {version!r}, the closure table {name} is at version {last}")
    entries = await context.store.closures.entries(name, int(version))
    return Response(200, resource=_map(context, name, last, entries))


def _map(context: Context, name: str, version: int, entries: list[ClosureEntry]) -> Resource:
    """The additions as a ConceptMap from each code to those that subsume it."""
    groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for system, below, above in entries:
        target = {"code": above, "equivalence": "subsumes"}
        groups.setdefault(system, {}).setdefault(below, []).append(target)
    found: Resource = {
        "resourceType": "ConceptMap",
        "version": str(version),
        "name": name,
        "status": "active",
        "experimental": True,
        "date": format_instant(context.clock()),
    }
    if groups:
        found["group"] = [
            {
                "source": system,
                "target": system,
                "element": [{"code": code, "target": targets} for code, targets in elements.items()],
            }
            for system, elements in groups.items()
        ]
    return found

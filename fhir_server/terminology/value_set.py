"""A ValueSet, with all that it imports, as the set of its codes.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fhir_server.outcome import business_rule, invalid, not_found
from fhir_server.resource import Resource
from fhir_server.terminology.canonicals import split
from fhir_server.terminology.compose import Composed, Entry, Intersection, Listed, Members, Selected, listed
from fhir_server.terminology.concepts import CodeSystem, Concept, Filter
from fhir_server.terminology.inline import designations_of
from fhir_server.terminology.snapshot import Snapshot

OPERATORS = ("=", "is-a", "descendent-of", "is-not-a", "regex", "in", "not-in", "generalizes", "exists")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request says about the code systems that a value set is expanded with.

    https://hl7.org/fhir/R4/valueset-operation-expand.html
    """

    default: tuple[str, ...] = ()  # system-version: `system|version`, for where a value set names no version
    check: tuple[str, ...] = ()  # check-system-version: an error where another version would be used
    force: tuple[str, ...] = ()  # force-system-version: whatever the value set names
    exclude: tuple[str, ...] = ()  # exclude-system: `system` or `system|version`

    def version(self, system: str, named: str | None) -> str | None:
        chosen = _of(self.force, system) or named or _of(self.default, system)
        wanted = _of(self.check, system)
        if wanted is not None and chosen not in (None, wanted):
            raise business_rule(f"the value set uses version {chosen} of {system}, {wanted} is wanted")
        return chosen or wanted

    def excludes(self, system: str, version: str | None) -> bool:
        return system in self.exclude or (version is not None and f"{system}|{version}" in self.exclude)


def _of(canonicals: Collection[str], system: str) -> str | None:
    return next((version for url, version in map(split, canonicals) if url == system), None)


NO_CHOICE = Choice()


async def composed(snapshot: Snapshot, canonical: str, choice: Choice = NO_CHOICE) -> Composed:
    """The codes of the value set with this canonical; raises 404 when it, or what it needs, is not here."""
    return await _Compilation(snapshot, choice).canonical(canonical, ())


async def composed_of(snapshot: Snapshot, value_set: Resource, choice: Choice = NO_CHOICE) -> Composed:
    """The codes of a value set that is at hand."""
    return await _Compilation(snapshot, choice).value_set(value_set, ())


class _Compilation:
    def __init__(self, snapshot: Snapshot, choice: Choice) -> None:
        self._snapshot = snapshot
        self._choice = choice

    async def canonical(self, canonical: str, within: tuple[str, ...]) -> Composed:
        plain = self._choice == NO_CHOICE
        found = self._snapshot.composed.get(canonical) if plain else None
        if found is None:
            if canonical in within:
                raise business_rule(f"a value set imports itself: {' imports '.join((*within, canonical))}")
            resource = await self._snapshot.resource("ValueSet", canonical)
            found = await self.value_set(resource, (*within, canonical))
            if plain:
                self._snapshot.composed.put(canonical, found, 1 + _listed_codes(resource))
        return found

    async def value_set(self, resource: Resource, within: tuple[str, ...]) -> Composed:
        compose = resource.get("compose")
        name = resource.get("url") or "the value set"
        if compose is None:
            if "expansion" in resource:
                return Composed((Listed(_contained(resource["expansion"].get("contains", ()))),))
            raise not_found(f"{name} has neither a definition of its codes nor an expansion")
        includes = [await self._part(part, name, within) for part in compose.get("include", ())]
        excludes = [await self._part(part, name, within) for part in compose.get("exclude", ())]
        return Composed(
            tuple(part for part in includes if part is not None),
            tuple(part for part in excludes if part is not None),
            active_only=compose.get("inactive") is False,
        )

    async def _part(self, part: dict[str, Any], name: str, within: tuple[str, ...]) -> Members | None:
        """Codes that are in the part's system *and* in all value sets that it names; None: left out."""
        parts: list[Members] = []
        if "system" in part:
            version = self._choice.version(part["system"], part.get("version"))
            if self._choice.excludes(part["system"], version):
                return None
            parts.append(await self._of_system(part, version, name))
        for canonical in part.get("valueSet", ()):
            parts.append(await self.canonical(canonical, within))
        if not parts:
            raise invalid(f"{name}: an include or exclude names neither a system nor a value set")
        return parts[0] if len(parts) == 1 else Intersection(tuple(parts))

    async def _of_system(self, part: dict[str, Any], version: str | None, name: str) -> Members:
        url = part["system"]
        if "concept" in part:
            return await self._listed(part, await self._snapshot.code_system(url, version), version)
        system = await self._snapshot.require_code_system(url, version)
        filters = tuple(_filter(each, name) for each in part.get("filter", ()))
        return Selected(system, await system.select(filters))

    async def _listed(self, part: dict[str, Any], system: CodeSystem | None, version: str | None) -> Members:
        """A list needs no code system at hand; one that is there adds displays and designations."""
        items: Sequence[dict[str, Any]] = part["concept"]
        known: dict[str, Concept] = {}
        if system is not None:
            known = await system.concepts([item["code"] for item in items])
            version = system.about.version
        entries = []
        for item in items:
            concept = listed(
                known.get(item["code"]), item["code"], item.get("display"), designations_of(item)
            )
            entries.append(Entry(part["system"], version, concept))
        return Listed(entries, system)


def _filter(item: dict[str, Any], name: str) -> Filter:
    op = item.get("op")
    if op not in OPERATORS or "property" not in item or "value" not in item:
        raise invalid(
            f"{name}: a filter needs property, value, and one of the operators {', '.join(OPERATORS)}"
        )
    return Filter(item["property"], cast(Any, op), item["value"])


def _listed_codes(resource: Resource) -> int:
    compose = resource.get("compose", {})
    parts = (*compose.get("include", ()), *compose.get("exclude", ()))
    return sum(len(part.get("concept", ())) for part in parts)


def _contained(contains: Sequence[dict[str, Any]]) -> list[Entry]:
    """The codes of an expansion that a value set has instead of a definition."""
    found = []
    for item in contains:
        if "code" in item:
            concept = Concept(
                item["code"],
                item.get("display"),
                designations=designations_of(item),
                inactive=item.get("inactive") is True,
                abstract=item.get("abstract") is True,
            )
            found.append(Entry(item.get("system", ""), item.get("version"), concept))
        found += _contained(item.get("contains", ()))
    return found

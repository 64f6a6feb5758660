"""$translate: the codes that concept maps give for a code.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html, https://hl7.org/fhir/R4/conceptmap.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fhir_server.outcome import business_rule
from fhir_server.resource import Resource
from fhir_server.terminology.canonicals import split
from fhir_server.terminology.snapshot import Snapshot
from fhir_server.terminology.validate_code import Coding

NO_MATCHES = frozenset(("unmatched", "disjoint"))
"""Equivalences that say that there is no translation."""
_REVERSED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
_DEPTH_LIMIT = 10  # maps that refer to another one for what they lack


class Dependency(NamedTuple):
    element: str
    codings: tuple[Coding, ...]


class Match(NamedTuple):
    equivalence: str
    concept: dict[str, Any]  # a Coding
    products: tuple[tuple[str, dict[str, Any]], ...]  # element, Coding
    source: str | None  # canonical of the map


@dataclass(frozen=True, slots=True)
class Question:
    codings: tuple[Coding, ...]
    target_system: str | None = None  # None: any
    source: str | None = None  # canonicals of value sets; None: any
    target: str | None = None
    dependencies: tuple[Dependency, ...] = ()
    reverse: bool = False


async def translate(snapshot: Snapshot, maps: Sequence[Resource], question: Question) -> list[Match]:
    found: list[Match] = []
    for concept_map in maps:
        if _concerns(concept_map, question):
            found += await _Translation(snapshot, question).by(concept_map, ())
    return list({repr(each): each for each in found}.values())


def _concerns(concept_map: Resource, question: Question) -> bool:
    source, target = question.source, question.target
    if question.reverse:
        source, target = target, source
    return _is(concept_map, "source", source) and _is(concept_map, "target", target)


def _is(concept_map: Resource, side: str, canonical: str | None) -> bool:
    """Whether a side of the map is the value set asked for, or is not said."""
    stated = concept_map.get(f"{side}Canonical") or concept_map.get(f"{side}Uri")
    return canonical is None or stated is None or split(stated)[0] == split(canonical)[0]


class _Translation:
    def __init__(self, snapshot: Snapshot, question: Question) -> None:
        self._snapshot = snapshot
        self._question = question

    async def by(self, concept_map: Resource, within: tuple[str, ...]) -> list[Match]:
        found = []
        for group in concept_map.get("group", ()):
            for coding in self._question.codings:
                found += await self._of_group(concept_map, group, coding, within)
        return found

    async def _of_group(
        self, concept_map: Resource, group: dict[str, Any], coding: Coding, within: tuple[str, ...]
    ) -> list[Match]:
        source, target = ("target", "source") if self._question.reverse else ("source", "target")
        if not _fits(group, source, coding.system, coding.version):
            return []
        if not _fits(group, target, self._question.target_system, None):
            return []
        url = concept_map.get("url")
        if self._question.reverse:
            return [*_reversed(group, coding, url)]
        elements = [each for each in group.get("element", ()) if each.get("code") == coding.code]
        if elements:
            return [
                match
                for element in elements
                for item in element.get("target", ())
                if self._holds(item)
                for match in (_match(group, item, url),)
            ]
        return await self._unmapped(concept_map, group, coding, within)

    def _holds(self, target: dict[str, Any]) -> bool:
        """Whether what the target depends on is as the request says."""
        return all(self._given(each) for each in target.get("dependsOn", ()))

    def _given(self, dependency: dict[str, Any]) -> bool:
        return any(
            given.element == dependency.get("property")
            and any(
                coding.code == dependency.get("value")
                and ("system" not in dependency or coding.system == split(dependency["system"])[0])
                for coding in given.codings
            )
            for given in self._question.dependencies
        )

    async def _unmapped(
        self, concept_map: Resource, group: dict[str, Any], coding: Coding, within: tuple[str, ...]
    ) -> list[Match]:
        """https://hl7.org/fhir/R4/conceptmap-definitions.html#ConceptMap.group.unmapped"""
        rule = group.get("unmapped", {})
        url = concept_map.get("url")
        match rule.get("mode"):
            case "provided":
                item = {"code": coding.code, "display": coding.display, "equivalence": "equal"}
                return [_match(group, item, url)]
            case "fixed":
                # that every other code means this one says nothing of how near they are
                return [_match(group, rule | {"equivalence": "inexact"}, url)]
            case "other-map":
                return await self._by_other(rule["url"], coding, (*within, url or "the map"))
            case _:
                return []

    async def _by_other(self, canonical: str, coding: Coding, within: tuple[str, ...]) -> list[Match]:
        if canonical in within or len(within) > _DEPTH_LIMIT:
            chain = " refers to ".join((*within, canonical))
            raise business_rule(f"a map refers to itself for codes that it lacks: {chain}")
        other = await self._snapshot.resource("ConceptMap", canonical)
        question = replace(self._question, codings=(coding,))
        return await _Translation(self._snapshot, question).by(other, within)


def _fits(group: dict[str, Any], side: str, system: str | None, version: str | None) -> bool:
    if system is not None and group.get(side) != system:
        return False
    return version is None or group.get(f"{side}Version") in (None, version)


def _match(group: dict[str, Any], target: dict[str, Any], source: str | None) -> Match:
    concept = _coding(group, "target", target)
    products = tuple(
        (
            each["property"],
            _present(system=each.get("system"), code=each["value"], display=each.get("display")),
        )
        for each in target.get("product", ())
    )
    return Match(target.get("equivalence", "equivalent"), concept, products, source)


def _reversed(group: dict[str, Any], coding: Coding, source: str | None) -> Iterator[Match]:
    for element in group.get("element", ()):
        for target in element.get("target", ()):
            if target.get("code") == coding.code:
                equivalence = target.get("equivalence", "equivalent")
                concept = _coding(group, "source", element)
                yield Match(_REVERSED.get(equivalence, equivalence), concept, (), source)


def _coding(group: dict[str, Any], side: str, item: dict[str, Any]) -> dict[str, Any]:
    """A target without a code says that there is none."""
    if "code" not in item:
        return {}
    return _present(
        system=group.get(side),
        version=group.get(f"{side}Version"),
        code=item["code"],
        display=item.get("display"),
    )


def _present(**elements: str | None) -> dict[str, Any]:
    return {name: value for name, value in elements.items() if value is not None}

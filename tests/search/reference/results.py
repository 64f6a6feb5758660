"""https://hl7.org/fhir/R4/search.html#sort, https://hl7.org/fhir/R4/search.html#include"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fhir_server.definitions.types import SearchParameter
from tests.search.reference import Refused, dates, numbers, references, strings
from tests.search.reference.references import Identity
from tests.search.reference.world import Typed, World

ROUNDS = 5  # of :iterate
SORTABLE_TOKENS = ("Coding", "CodeableConcept", "code", "boolean", "string")


@dataclass(frozen=True)
class SortBy:
    code: str
    descending: bool

    @classmethod
    def parse(cls, text: str) -> "list[SortBy]":
        """ "_sort=status,-date,category" """
        return [cls(part.removeprefix("-"), part.startswith("-")) for part in text.split(",")]


def key(world: World, identity: Identity, by: SortBy) -> Any:
    """What a resource is sorted by; None: it has no value, and comes last either way."""
    if by.code == "_id":
        return identity[1]
    if by.code == "_lastUpdated":
        return world.sequences[identity]
    parameter = world.parameter(identity[0], by.code)
    assert parameter is not None
    found = [each for typed in world.values(identity, parameter) for each in _keys(world, parameter, typed)]
    if not found:
        return None
    return max(found) if by.descending else min(found)


def _keys(world: World, parameter: SearchParameter, typed: Typed) -> Iterator[Any]:
    match parameter.type:
        case "string":
            yield from (strings.folded(each) for each in strings.texts(*typed))
        case "date":
            yield from (low for low, _ in dates.ranges(*typed, world.zone))
        case "number":
            yield from (low for low, _ in numbers.numbers(*typed))
        case "quantity":
            yield from (range_.low for range_, _ in numbers.canonical(*typed))
        case "reference":
            text = references.text_of(*typed)
            target = references.local(text, world.base) if text else None
            yield from ["/".join(target)] if target else []
        case "token":
            yield from _codes(*typed)


def _codes(type_name: str, value: Any) -> Iterator[str]:
    match type_name:
        case "CodeableConcept":
            for coding in value.get("coding", ()):
                yield from _codes("Coding", coding)
        case "Coding":
            yield from [value["code"].casefold()] if value.get("code") else []
        case "boolean":
            yield str(value).lower()
        case "code" | "string":
            yield value.casefold()


def is_sorted(world: World, found: Sequence[Identity], sort: Sequence[SortBy]) -> bool:
    rows = [[key(world, identity, by) for by in sort] for identity in found]
    return all(not _is_behind(one, other, sort) for one, other in pairwise(rows))


def _is_behind(one: list[Any], other: list[Any], sort: Sequence[SortBy]) -> bool:
    for a, b, by in zip(one, other, sort, strict=True):
        if a == b:
            continue
        if a is None or b is None:
            return a is None
        return bool(a > b) is not by.descending
    return False


@dataclass(frozen=True)
class Include:
    reverse: bool
    iterate: bool
    source: str
    parameter: SearchParameter
    target: str | None  # None: of any type

    @classmethod
    def parse(cls, world: World, name: str, value: str) -> "list[Include]":
        """ "Type:parameter[:Target]"; "*" and "Type:*": every reference parameter."""
        code, _, modifier = name.partition(":")
        parts = value.split(":")
        if modifier not in ("", "iterate", "recurse") or not all(parts):
            raise Refused(value)
        if parts == ["*"] or (len(parts) == 2 and parts[1] == "*"):
            types = world.definitions.resource_types if parts == ["*"] else parts[:1]
            if not world.definitions.resource_types.issuperset(types):
                raise Refused(value)
            if parts != ["*"] and not any(
                each.type == "reference" for each in world.definitions.search_parameters(parts[0]).values()
            ):
                raise Refused(f"{parts[0]} has no reference")
            return [
                cls(code == "_revinclude", bool(modifier), type_, parameter, None)
                for type_ in sorted(types)
                for parameter in world.references(type_)
            ]
        if len(parts) not in (2, 3):
            raise Refused(value)
        if not world.definitions.resource_types.issuperset((parts[0], *parts[2:])):
            raise Refused(value)
        parameter = world.parameter(parts[0], parts[1])
        if parameter is None or parameter.type != "reference":
            raise Refused(value)
        target = parts[2] if len(parts) > 2 else None
        return [cls(code == "_revinclude", bool(modifier), parts[0], parameter, target)]

    def follow(self, world: World, found: set[Identity]) -> Iterator[Identity]:
        if self.reverse:
            wanted = {each for each in found if self.target in (None, each[0])}
            for source in world.of_types((self.source,)):
                if not wanted.isdisjoint(self._targets(world, source)):
                    yield source
            return
        for source in found:
            if source[0] == self.source:
                yield from (each for each in self._targets(world, source) if self.target in (None, each[0]))

    def _targets(self, world: World, source: Identity) -> Iterator[Identity]:
        yield from (each for each in world.referred(source, self.parameter) if each in world.resources)
        urls = {
            typed[1].partition("|")[0]
            for typed in world.values(source, self.parameter)
            if typed[0] in references.CANONICALS
        }
        for identity in world.of_types(world.targets(self.parameter, self.source)) if urls else ():
            if world.resources[identity].get("url") in urls:
                yield identity


def included(world: World, hits: Sequence[Identity], includes: Sequence[Include]) -> set[Identity]:
    """What comes with a page: of the hits, and of what came "iteratively" where :iterate is asked for."""
    seen, frontier = set(hits), set(hits)
    for _ in range(ROUNDS):
        frontier = {each for include in includes for each in include.follow(world, frontier)} - seen
        seen |= frontier
        includes = [each for each in includes if each.iterate]
    return seen - set(hits)

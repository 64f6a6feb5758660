"""A code system whose concepts stand in its resource, read into memory.

https://hl7.org/fhir/R4/codesystem.html; supplements: https://hl7.org/fhir/R4/codesystem.html#supplements
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from fhir_server.fhirpath.regex import PatternError, matcher
from fhir_server.outcome import bad_value
from fhir_server.resource import Resource
from fhir_server.terminology.concepts import About, Concept, Content, Designation, Filter, Property, Selection
from fhir_server.terminology.hierarchy import DOWNWARD, UPWARD, Hierarchy
from fhir_server.terminology.words import matches, tokens

Item = dict[str, Any]
"""A concept as the resource has it."""

_INACTIVE = frozenset(("inactive", "retired"))
_CONTENTS: dict[str | None, Content] = {"complete": "complete", "fragment": "fragment", "example": "example"}


def about(resource: Resource) -> About:
    url, _, version = resource["url"].partition("|")
    return About(
        url=url,
        version=version or resource.get("version"),
        name=resource.get("name") or resource.get("title"),
        language=resource.get("language"),
        content=_CONTENTS.get(resource.get("content"), "fragment"),
        case_sensitive=resource.get("caseSensitive") is True,
        properties={each["code"]: each.get("description", "") for each in resource.get("property", ())},
    )


def designations_of(item: dict[str, Any]) -> tuple[Designation, ...]:
    return tuple(
        Designation(each["value"], each.get("language"), each.get("use"))
        for each in item.get("designation", ())
        if "value" in each
    )


def properties_of(item: dict[str, Any]) -> tuple[Property, ...]:
    return tuple(
        Property(each["code"], name, value)
        for each in item.get("property", ())
        for name, value in each.items()
        if name.startswith("value")
    )


def is_inactive(properties: Iterable[Property]) -> bool:
    return any(
        each.value is True if each.code == "inactive" else each.code == "status" and each.value in _INACTIVE
        for each in properties
    )


def is_abstract(properties: Iterable[Property]) -> bool:
    return any(each.code in ("notSelectable", "abstract") and each.value is True for each in properties)


def walk(items: Iterable[Item]) -> Iterator[tuple[Item, str | None]]:
    """Every concept with the code that it is nested in, parents first."""
    pending: list[Iterator[tuple[Item, str | None]]] = [iter([(item, None) for item in items])]
    while pending:
        for item, above in pending[-1]:
            yield item, above
            if nested := item.get("concept"):
                pending.append(iter([(each, item["code"]) for each in nested]))
                break
        else:
            pending.pop()


class InlineCodeSystem:
    """`supplements`: CodeSystems that add designations and properties to this one."""

    def __init__(self, resource: Resource, supplements: Sequence[Resource] = ()) -> None:
        self.about = about(resource)
        self._concepts: dict[str, Concept] = {}
        self._nested_in: dict[str, list[str]] = {}
        for item, parent in walk(resource.get("concept", ())):
            code = item["code"]
            self._concepts.setdefault(code, concept_of(item))
            above = self._nested_in.setdefault(code, [])
            if parent is not None:
                above.append(parent)
        self._folded = (
            {} if self.about.case_sensitive else {code.casefold(): code for code in reversed(self._concepts)}
        )
        for supplement in supplements:
            self._add(supplement)

    def __len__(self) -> int:
        return len(self._concepts)

    def _add(self, supplement: Resource) -> None:
        for item, _ in walk(supplement.get("concept", ())):
            code = self.code(item["code"])
            if code is None:
                continue
            found = self._concepts[code]
            properties = found.properties + properties_of(item)
            self._concepts[code] = replace(
                found,
                designations=found.designations + designations_of(item),
                properties=properties,
                inactive=is_inactive(properties),
                abstract=is_abstract(properties),
            )

    def code(self, code: str) -> str | None:
        """The code as it is defined, by the case that counts; None: there is none."""
        if code in self._concepts:
            return code
        return self._folded.get(code.casefold()) if self._folded else None

    async def concept(self, code: str) -> Concept | None:
        found = self._concepts.get(code)
        if found is None and self._folded and (code_ := self._folded.get(code.casefold())) is not None:
            return self._concepts[code_]
        return found

    async def concepts(self, codes: Collection[str]) -> dict[str, Concept]:
        found = {}
        for code in codes:
            concept = await self.concept(code)
            if concept is not None:
                found[code] = concept
        return found

    async def parents(self, code: str) -> Sequence[str]:
        return self._hierarchy.parents.get(self.code(code) or "", ())

    async def children(self, code: str) -> Sequence[str]:
        return self._hierarchy.children.get(self.code(code) or "", ())

    async def above(self, code: str) -> frozenset[str]:
        return self._hierarchy.above(self.code(code) or "")

    async def below(self, code: str) -> frozenset[str]:
        return self._hierarchy.below(self.code(code) or "")

    async def subsumes(self, above: str, below: str) -> bool:
        return (self.code(above) or "") in self._hierarchy.above(self.code(below) or "")

    async def select(self, filters: tuple[Filter, ...]) -> Selection:
        if not filters:
            return _Selected(self, self._concepts)
        tests = [self._test(filter_) for filter_ in filters]
        return _Selected(
            self,
            {
                code: concept
                for code, concept in self._concepts.items()
                if all(test(code, concept) for test in tests)
            },
        )

    @cached_property
    def _hierarchy(self) -> Hierarchy:
        parents = {code: [*above] for code, above in self._nested_in.items()}
        for code, concept in self._concepts.items():
            for each in concept.properties:
                if each.type != "valueCode" or each.value == code:
                    continue
                if each.code in UPWARD:
                    parents[code].append(each.value)
                elif each.code == DOWNWARD and each.value in parents:
                    parents[each.value].append(code)
        return Hierarchy(self.about.canonical, parents)

    @cached_property
    def texts(self) -> dict[str, str]:
        """Of each code what a filter looks through."""
        return {code: text_of(concept) for code, concept in self._concepts.items()}

    def _test(self, filter_: Filter) -> "Callable[[str, Concept], bool]":
        name, op, value = filter_
        match op:
            case "is-a":
                below = self._hierarchy.below(self.code(value) or "") | {self.code(value)}
                return lambda code, _: code in below
            case "descendent-of":
                below = self._hierarchy.below(self.code(value) or "")
                return lambda code, _: code in below
            case "is-not-a":
                below = self._hierarchy.below(self.code(value) or "") | {self.code(value)}
                return lambda code, _: code not in below
            case "generalizes":
                above = self._hierarchy.above(self.code(value) or "") | {self.code(value)}
                return lambda code, _: code in above
            case _:
                test = value_test(op, value)
                return lambda _, concept: test(self.values(concept, name))

    def values(self, concept: Concept, name: str) -> list[str]:
        """Of a property, as text; those that every code system has are among them.

        https://hl7.org/fhir/R4/codesystem.html#defined-props
        """
        match name:
            case "code" | "concept":
                return [concept.code]
            case "display":
                return [] if concept.display is None else [concept.display]
            case "definition":
                return [] if concept.definition is None else [concept.definition]
            case "parent":
                return [*self._hierarchy.parents.get(concept.code, ())]
            case "child":
                return [*self._hierarchy.children.get(concept.code, ())]
            case "inactive":
                return [str(concept.inactive).lower()]
            case "notSelectable":
                return [str(concept.abstract).lower()]
            case _:
                return [as_text(each.value) for each in concept.properties if each.code == name]


def value_test(op: str, value: str) -> Callable[[list[str]], bool]:
    """Whether the values of a property fit; for the operators that are not about the hierarchy."""
    match op:
        case "=":
            return lambda values: value in values
        case "in" | "not-in":
            wanted = frozenset(part.strip() for part in value.split(","))
            return lambda values: wanted.isdisjoint(values) is (op == "not-in")
        case "exists":
            if value not in ("true", "false"):
                raise bad_value(f"the filter exists takes true or false, not {value!r}")
            return lambda values: bool(values) is (value == "true")
        case "regex":
            try:
                fits = matcher(f"^(?:{value})$")  # the whole value, as in the examples of R4
            except PatternError as error:
                raise bad_value(f"the filter regex {value!r}: {error}") from None
            return lambda values: any(map(fits, values))
        case _:
            raise bad_value(f"{op!r} is not an operator of a filter")


def as_text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("code", ""))  # a Coding
    return str(value).lower() if isinstance(value, bool) else str(value)


def text_of(concept: Concept) -> str:
    texts = [concept.code, concept.display or "", *(each.value for each in concept.designations)]
    return "".join(tokens(text) for text in dict.fromkeys(texts))


def concept_of(item: dict[str, Any]) -> Concept:
    properties = properties_of(item)
    return Concept(
        code=item["code"],
        display=item.get("display"),
        definition=item.get("definition"),
        designations=designations_of(item),
        properties=properties,
        inactive=is_inactive(properties),
        abstract=is_abstract(properties),
    )


class _Selected:
    def __init__(self, system: InlineCodeSystem, found: dict[str, Concept]) -> None:
        self._system = system
        self._found = found
        self._in_order = [*found.values()]

    async def page(
        self, phrases: tuple[str, ...], after: int, limit: int, skip: int = 0
    ) -> list[tuple[int, Concept]]:
        start = after + 1
        if not phrases:
            start += skip
            return [*enumerate(self._in_order[start : start + limit], start)]
        texts, found = self._system.texts, []
        for place in range(start, len(self._in_order)):
            concept = self._in_order[place]
            if matches(texts[concept.code], phrases):
                if skip:
                    skip -= 1
                    continue
                found.append((place, concept))
                if len(found) == limit:
                    break
        return found

    async def having(self, codes: Collection[str]) -> dict[str, Concept]:
        found = {}
        for code in codes:
            concept = self._found.get(code) or self._found.get(self._system.code(code) or "")
            if concept is not None:
                found[code] = concept
        return found

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        if not phrases:
            return len(self._found)
        texts = self._system.texts
        return sum(matches(texts[code], phrases) for code in self._found)

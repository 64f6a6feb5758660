"""A code system whose concepts are rows of the store: nothing of it is held in memory."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from fhir_server.outcome import not_supported, too_costly
from fhir_server.resource import Resource
from fhir_server.store.concepts import (
    Below,
    ConceptReader,
    ConceptTable,
    Condition,
    NumberIn,
    PropertyIn,
    Span,
    StoredConcept,
    StrictlyBelow,
    Without,
)
from fhir_server.terminology.concepts import About, Concept, Filter, Selection
from fhir_server.terminology.detail import from_row, parents_of
from fhir_server.terminology.hierarchy import DOWNWARD, UPWARD
from fhir_server.terminology.inline import (
    about,
    as_text,
    designations_of,
    is_abstract,
    is_inactive,
    properties_of,
    value_test,
    walk,
)
from fhir_server.terminology.words import asked, matches, tokens

BELOW_LIMIT = 100_000  # codes that are named at once as those below another one
_CHUNK = 1000

Test = Callable[[Concept], bool]


class StoredCodeSystem:
    """`supplements`: CodeSystems that add designations and properties to this one."""

    def __init__(
        self, resource: Resource, table: ConceptTable, reader: ConceptReader, supplements: Sequence[Resource]
    ) -> None:
        self.about: About = replace(about(resource), content="complete")
        self.table = table
        self.reader = reader
        self.supplemented = {
            item["code"]: item
            for supplement in supplements
            for item, _ in walk(supplement.get("concept", ()))
        }

    def __len__(self) -> int:
        return self.table.concepts

    def concept_of(self, row: StoredConcept) -> Concept:
        found = from_row(row)
        item = self.supplemented.get(row.code) if self.supplemented else None
        if item is None:
            return found
        properties = found.properties + properties_of(item)
        return replace(
            found,
            designations=found.designations + designations_of(item),
            properties=properties,
            inactive=is_inactive(properties),
            abstract=is_abstract(properties),
        )

    async def row(self, code: str) -> StoredConcept | None:
        return (await self.rows((code,))).get(code)

    async def rows(self, codes: Collection[str]) -> dict[str, StoredConcept]:
        """By the codes that were given; one in another case only where the case does not count."""
        found: dict[str, StoredConcept] = {}
        by_folded: dict[str, list[StoredConcept]] = {}
        for row in await self.reader.concepts(self.table.id, codes):
            by_folded.setdefault(row.code.lower(), []).append(row)
        for code in codes:
            rows = by_folded.get(code.lower(), ())
            exact = next((row for row in rows if row.code == code), None)
            if exact is not None:
                found[code] = exact
            elif rows and not self.about.case_sensitive:
                found[code] = rows[0]
        return found

    async def concept(self, code: str) -> Concept | None:
        row = await self.row(code)
        return None if row is None else self.concept_of(row)

    async def concepts(self, codes: Collection[str]) -> dict[str, Concept]:
        return {code: self.concept_of(row) for code, row in (await self.rows(codes)).items()}

    async def parents(self, code: str) -> Sequence[str]:
        row = await self.row(code)
        return () if row is None else parents_of(row)

    async def children(self, code: str) -> Sequence[str]:
        row = await self.row(code)
        return () if row is None else await self.reader.children(self.table.id, row.number)

    async def above(self, code: str) -> frozenset[str]:
        found: set[str] = set()
        pending = {*await self.parents(code)}
        while pending:
            found |= pending
            rows = await self.rows(pending)
            pending = {above for row in rows.values() for above in parents_of(row)} - found
        return frozenset(found)

    async def below(self, code: str) -> frozenset[str]:
        row = await self.row(code)
        if row is None:
            return frozenset()
        found = await self.reader.below(self.table.id, row.number, BELOW_LIMIT + 2)
        if len(found) > BELOW_LIMIT + 1:
            raise too_costly(f"more than {BELOW_LIMIT} codes of {self.about.canonical} are below {code}")
        return frozenset(found) - {row.code}

    async def subsumes(self, above: str, below: str) -> bool:
        rows = await self.rows((above, below))
        if len(rows) < 2 or rows[above].number == rows[below].number:
            return False
        return await self.reader.is_below(self.table.id, rows[below].number, rows[above].number)

    async def select(self, filters: tuple[Filter, ...]) -> Selection:
        conditions: list[Condition] = []
        tests: list[Test] = []
        for each in filters:
            found = await self._condition(each)
            if callable(found):
                tests.append(found)
            else:
                conditions.append(found)
        return _Selected(self, tuple(conditions), tuple(tests))

    async def _condition(self, filter_: Filter) -> Condition | Test:
        name, op, value = filter_
        if op in ("is-a", "descendent-of", "is-not-a", "generalizes"):
            return await self._by_hierarchy(op, value)
        if name in ("code", "concept") and op in ("=", "in"):
            codes = [part.strip() for part in value.split(",")] if op == "in" else [value]
            return NumberIn(tuple(row.number for row in (await self.rows(codes)).values()))
        test = value_test(op, value)  # also refuses what makes no sense
        related = name in (*UPWARD, DOWNWARD)
        if related and op == "regex":
            raise not_supported(f"a filter by regex on {name}, in a code system as large as {self.about.url}")
        if name in _COMPUTED or op == "regex" or (self.supplemented and not related):
            return lambda concept: test(_values(concept, name))
        match op:
            case "=":
                return PropertyIn(name, (value,))
            case "in" | "not-in":
                found = PropertyIn(name, tuple(part.strip() for part in value.split(",")))
                return found if op == "in" else Without(found)
            case _:
                there = PropertyIn(name, None)
                return there if value == "true" else Without(there)

    async def _by_hierarchy(self, op: str, value: str) -> Condition | Test:
        row = await self.row(value)
        if row is None:
            nothing = NumberIn(())
            return Without(nothing) if op == "is-not-a" else nothing
        match op:
            case "is-a":
                return Below(row.number)
            case "is-not-a":
                return Without(Below(row.number))
            case "descendent-of":
                return StrictlyBelow(row.number)
            case _:
                above = {row.code, *await self.above(row.code)}
                return NumberIn(tuple(each.number for each in (await self.rows(above)).values()))


_COMPUTED = frozenset(("code", "concept", "display", "definition", "inactive", "notSelectable"))
"""Properties that are no rows of the index of properties."""


def _values(concept: Concept, name: str) -> list[str]:
    match name:
        case "code" | "concept":
            return [concept.code]
        case "display":
            return [] if concept.display is None else [concept.display]
        case "definition":
            return [] if concept.definition is None else [concept.definition]
        case "inactive":
            return [str(concept.inactive).lower()]
        case "notSelectable":
            return [str(concept.abstract).lower()]
        case _:
            return [as_text(each.value) for each in concept.properties if each.code == name]


@dataclass(frozen=True, slots=True)
class _Selected:
    system: StoredCodeSystem
    conditions: tuple[Condition, ...]
    tests: tuple[Test, ...]

    async def page(
        self, phrases: tuple[str, ...], after: int, limit: int, skip: int = 0
    ) -> list[tuple[int, Concept]]:
        also = await self._also(phrases)
        if self.tests:
            return await self._tested(phrases, also, after, limit, skip)
        system = self.system
        rows = await system.reader.page(
            system.table.id, self.conditions, asked(phrases), also, Span(after, limit, skip)
        )
        return [(row.number, system.concept_of(row)) for row in rows]

    async def _tested(
        self, phrases: tuple[str, ...], also: Sequence[int], after: int, limit: int, skip: int
    ) -> list[tuple[int, Concept]]:
        """Concepts are tested one by one where the store has no index to tell."""
        system, found = self.system, list[tuple[int, Concept]]()
        while rows := await system.reader.page(
            system.table.id, self.conditions, asked(phrases), also, Span(after, _CHUNK)
        ):
            for row in rows:
                concept = system.concept_of(row)
                if all(test(concept) for test in self.tests):
                    found.append((row.number, concept))
                    if len(found) == limit + skip:
                        return found[skip:]
            after = rows[-1].number
        return found[skip:]

    async def having(self, codes: Collection[str]) -> dict[str, Concept]:
        rows = await self.system.rows(codes)
        if self.conditions and rows:
            numbers = NumberIn(tuple(row.number for row in rows.values()))
            fitting = await self.system.reader.page(
                self.system.table.id, (numbers, *self.conditions), (), (), Span(-1, len(rows))
            )
            kept = {row.number for row in fitting}
            rows = {code: row for code, row in rows.items() if row.number in kept}
        concepts = {code: self.system.concept_of(row) for code, row in rows.items()}
        if not self.tests:
            return concepts
        return {code: each for code, each in concepts.items() if all(test(each) for test in self.tests)}

    async def count(self, phrases: tuple[str, ...]) -> int | None:
        if self.tests:
            return None
        if not self.conditions and not phrases:
            return self.system.table.concepts
        also = await self._also(phrases)
        return await self.system.reader.count(self.system.table.id, self.conditions, asked(phrases), also)

    async def _also(self, phrases: tuple[str, ...]) -> list[int]:
        """Concepts that have the phrases in what supplements say of them."""
        if not phrases or not self.system.supplemented:
            return []
        codes = [code for code, item in self.system.supplemented.items() if matches(_text(item), phrases)]
        return [row.number for row in (await self.system.rows(codes)).values()]


def _text(item: dict[str, object]) -> str:
    return "".join(tokens(each.value) for each in designations_of(item))

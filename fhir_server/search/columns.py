"""Search parameters as columns of the index: which there are, and how each is filled.

A parameter is the union of the branches of its expression that concern a resource type; each branch is a
column, shared by all parameters that have it: `subject` and `patient` of Observation, `code` and
`combo-code`. What is the same for the whole server (`_id`, `_lastUpdated`) has no column.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from msgspec import structs

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import SearchParameter
from fhir_server.outcome import DefinitionError
from fhir_server.search.column import Column, Indexing
from fhir_server.search.path import Branch, Child, Step, Walk, branches, walks
from fhir_server.search.rules import NO_RULES, Rules
from fhir_server.search.special import EXPRESSIONS, SPECIAL
from fhir_server.search.string import NAMES
from fhir_server.search.token import BOOLEAN_SYSTEMS, MIME_TYPE_SYSTEM, MIME_TYPES
from fhir_server.search.types import TYPES

# of an expression that FHIRPath evaluates nothing is known but what the parameter type can index
_COMPUTED_TYPES: dict[str, tuple[str, ...]] = {
    "string": ("string", "HumanName"),
    "token": ("CodeableConcept", "Identifier", "ContactPoint", "code", "uri"),
    "reference": ("Reference", "canonical"),
    "date": ("dateTime", "Period"),
    "number": ("decimal", "Range"),
    "quantity": ("Quantity", "Range"),
    "uri": ("uri",),
    "special": ("Location.position",),
}
_WITHOUT_COLUMN = frozenset(("id", "meta.lastUpdated"))
_ANY_TARGET = 100  # that many target types mean: any


@dataclass(frozen=True, slots=True)
class Source:
    """Where the values of a column come from."""

    column: Column
    walks: tuple[Walk, ...]
    expression: str | None = None  # None: the walks; else FHIRPath on the resource


@dataclass(frozen=True, slots=True)
class Component:
    sources: tuple[Source, ...]
    of_resource: bool  # the value stands in the resource, not in the item

    @property
    def columns(self) -> tuple[Column, ...]:
        return tuple(source.column for source in self.sources)


@dataclass(frozen=True, slots=True)
class Composite:
    """One branch of a composite parameter."""

    items: tuple[Walk, ...]  # to the elements whose values belong together; (): the resource itself
    text: str
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter as it is for one resource type."""

    definition: SearchParameter
    resource_type: str
    sources: tuple[Source, ...] = ()
    composites: tuple[Composite, ...] = ()
    not_indexed: str = ""  # why there is nothing to search by; "": there is
    columns: tuple[Column, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(source.column for source in self.sources))

    @property
    def code(self) -> str:
        return self.definition.code

    @property
    def column_names(self) -> frozenset[str]:
        """Of all columns that it compares, those of composites too."""
        of_components = (
            column.name
            for composite in self.composites
            for component in composite.components
            for column in component.columns
        )
        return frozenset((*(column.name for column in self.columns), *of_components))

    @property
    def type(self) -> str:
        return self.definition.type


class Columns:
    """The parameters of every resource type, worked out when they are first asked for."""

    def __init__(self, definitions: Definitions, rules: Rules = NO_RULES) -> None:
        self.definitions = definitions
        self._rules = rules
        self._parameters: dict[tuple[str, str], Parameter | None] = {}

    def parameter(self, resource_type: str, code: str) -> Parameter | None:
        """None: the type has no parameter with this code."""
        key = resource_type, code
        if key not in self._parameters:
            self._parameters[key] = self._find(resource_type, code)
        return self._parameters[key]

    def _find(self, resource_type: str, code: str) -> Parameter | None:
        definition = self.definitions.search_parameters(resource_type).get(code)
        core = self.definitions.core
        if core is not self.definitions and core.search_parameters(resource_type).get(code) is definition:
            return columns_of(core).parameter(resource_type, code)
        return None if definition is None else self.compile(definition, resource_type)

    def job_of(self, parameter: Parameter) -> str | None:
        """The job that fills columns of the parameter; None: all that there is is found by it."""
        if not self._rules.building:
            return None
        jobs = (self._rules.job_of(name) for name in parameter.column_names)
        return next((job for job in jobs if job is not None), None)

    def parameters(self, resource_type: str) -> Iterator[Parameter]:
        for code in self.definitions.search_parameters(resource_type):
            found = self.parameter(resource_type, code)
            assert found is not None
            yield found

    def compile(self, definition: SearchParameter, resource_type: str) -> Parameter:
        """Raises DefinitionError when the definition contradicts itself."""
        if definition.code in SPECIAL or definition.code in EXPRESSIONS:
            return Parameter(definition, resource_type)
        if definition.expression is None:
            return Parameter(definition, resource_type, not_indexed="its definition has no expression")
        found = list(branches(definition.expression, resource_type, self.definitions))
        if any(branch.text in _WITHOUT_COLUMN for branch in found):
            return Parameter(definition, resource_type)
        if definition.type == "composite":
            return self._composite(definition, resource_type, found)
        sources: dict[str, Source] = {}
        for branch in found:
            # what FHIRPath evaluates is printed with the type that it starts at
            name = f"{resource_type}.{branch.text.removeprefix(f'{resource_type}.')}"
            source = self._source(definition, resource_type, branch, name)
            if source is not None:
                sources[source.column.name] = source
        reason = "" if sources else f"no type that it selects is one that {definition.type} compares"
        return Parameter(definition, resource_type, tuple(sources.values()), not_indexed=reason)

    def _source(self, definition: SearchParameter, start: str, branch: Branch, name: str) -> Source | None:
        """None: the parameter type cannot index anything that the branch selects."""
        column = Column(
            f"{name}[{definition.type}]",
            definition.type,
            _COMPUTED_TYPES[definition.type],
            targets=(branch.target,) if branch.target else _targets(definition, ()),
            narrowed=branch.target is not None,
        )
        if branch.steps is None:
            return Source(column, (), branch.text)
        ways = tuple(self._walks(start, branch.steps, definition.type))
        if not ways:
            return None
        if not branch.target:
            column = replace(column, targets=_targets(definition, ways))
        column = replace(
            column,
            value_types=tuple(dict.fromkeys(way.type_name for way in ways)),
            systems=frozenset(system for way in ways for system in self._systems(way)),
            single=not any(way.repeats for way in ways),
            by_sound=definition.code == "phonetic",
        )
        return Source(column, ways)

    def _walks(self, start: str, steps: tuple[Step, ...], parameter_type: str) -> Iterator[Walk]:
        """The ways that end at something that the parameter type can index."""
        for way in walks(start, steps, self.definitions):
            if way.type_name == "Extension":  # the definitions mean the value of the extension
                yield from self._walks(start, (*steps, Child("value")), parameter_type)
                continue
            if parameter_type == "string" and (way.owner, way.element) in NAMES:
                way = replace(way, type_name=NAMES[way.owner, way.element])
            if _can_index(parameter_type, way.type_name):
                yield way

    def _systems(self, way: Walk) -> frozenset[str]:
        if way.type_name == "boolean":
            return BOOLEAN_SYSTEMS
        if way.value_set == MIME_TYPES:
            return frozenset((MIME_TYPE_SYSTEM,))
        codes = self.definitions.codes(way.value_set) if way.type_name == "code" and way.value_set else None
        return frozenset(system for system, _ in codes or ())

    def _composite(self, definition: SearchParameter, resource_type: str, found: list[Branch]) -> Parameter:
        composites = []
        for branch in found:
            if branch.steps is None:
                raise DefinitionError(f"{definition.url}: {branch.text} is not a path")
            items = walks(resource_type, branch.steps, self.definitions) if branch.steps else []
            start = items[0].type_name if items else resource_type
            place = _Place(resource_type, branch.text, start)
            components = tuple(self._component(definition, part, place) for part in definition.components)
            composites.append(Composite(tuple(items), branch.text, components))
        return Parameter(definition, resource_type, composites=tuple(composites))

    def _component(self, composite: SearchParameter, part: tuple[str, str], place: "_Place") -> Component:
        url, expression = part
        definition = self.definitions.search_parameter_by_url(url)
        if definition is None:
            raise DefinitionError(f"{composite.url}: there is no search parameter {url}")
        # DocumentReference-relationship names the parameters of its components the wrong way round
        for type_name in (definition.type, "token", "reference"):
            found = self._component_of_type(structs.replace(definition, type=type_name), expression, place)
            if found is not None:
                return found
        raise DefinitionError(f"{composite.url}: nothing can be indexed of {expression}")

    def _component_of_type(
        self, definition: SearchParameter, expression: str, place: "_Place"
    ) -> Component | None:
        sources = []
        of_resource = False
        for branch in branches(expression, place.start, self.definitions):
            if branch.steps is None:
                raise DefinitionError(f"{definition.url}: {branch.text} is not a path")
            of_resource = of_resource or branch.of_resource
            start = place.resource_type if branch.of_resource else place.start
            source = self._source(definition, start, branch, place.name(branch.text))
            if source is not None:
                sources.append(source)
        return Component(tuple(sources), of_resource) if sources else None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the components of a composite stand."""

    resource_type: str
    text: str  # path of the element; "": the resource itself
    start: str  # type of the element

    def name(self, component: str) -> str:
        # the components of a resource are columns of it like any other; those of an element are apart
        return (
            f"{self.resource_type}.{self.text}{{{component}}}"
            if self.text
            else f"{self.resource_type}.{component}"
        )


def _targets(definition: SearchParameter, ways: tuple[Walk, ...]) -> tuple[str, ...]:
    """The resource types that a parameter may refer to; (): any."""
    named = definition.targets if len(definition.targets) < _ANY_TARGET else ()
    allowed: set[str] = set()
    for way in ways:
        if not way.targets or way.targets == ("Resource",):
            return named
        allowed |= set(way.targets)
    if not named or not allowed:
        return named or tuple(sorted(allowed))
    return tuple(name for name in named if name in allowed) or named


@cache
def _can_index(parameter_type: str, type_name: str) -> bool:
    from datetime import UTC

    return TYPES[parameter_type].emitter("", type_name, Indexing(UTC)) is not None


_COLUMNS = "columns"


def columns_of(definitions: Definitions) -> Columns:
    """The columns of `definitions`, the same object for the same definitions."""
    found = definitions.derived.get(_COLUMNS)
    if found is None:
        found = use(definitions, NO_RULES)
    assert isinstance(found, Columns)
    return found


def use(definitions: Definitions, rules: Rules) -> Columns:
    """Let `columns_of(definitions)` know which columns are not built yet; before it is first asked for."""
    found = definitions.derived[_COLUMNS] = Columns(definitions, rules)
    return found

"""Index rows of resources: one walk over the JSON of a resource fills all columns of its type.

What the parameters of a type select is merged into one tree of JSON properties and compiled to closures when
the first resource of the type comes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.fhirpath import FhirPathError, compile_expression
from fhir_server.resource import Resource, decode
from fhir_server.search import contained
from fhir_server.search.column import Column, Emit, Indexing
from fhir_server.search.columns import Composite, Parameter, Source, columns_of
from fhir_server.search.options import DEFAULT_ZONE
from fhir_server.search.path import Having, Item, Move, Property, Walk
from fhir_server.search.types import TYPES
from fhir_server.store.rows import Rows

_NO_ROWS = Rows()


class Indexer:
    """`extract` is the function that a store is opened with."""

    def __init__(
        self, definitions: Definitions, *, zone: tzinfo = DEFAULT_ZONE, bases: Iterable[str] = ()
    ) -> None:
        """bases: URLs of this server; an absolute reference below one of them is a reference to it."""
        self.definitions = definitions
        self.indexing = Indexing(zone, tuple(base.rstrip("/") for base in bases))
        self._columns = columns_of(definitions)
        self._core: Indexer | None = None  # compiles the types that are the same there; None: this one
        self._types: dict[str, Emit] = {}

    def rows(self, resource: Resource) -> Rows:
        resource_type = resource["resourceType"]
        emit = self._types.get(resource_type) or self._emit_of(resource_type)
        rows = Rows()
        emit(resource, rows)
        if "contained" in resource:
            self._contained(resource, rows)
        return rows

    def _contained(self, resource: Resource, rows: Rows) -> None:
        """Contained resources are indexed by the search parameters of the core."""
        core = self._core or self
        referring = core._fragments(resource)
        for each in resource["contained"]:
            resource_type = each["resourceType"]
            if resource_type in self.definitions.resource_types:
                made = Rows()
                core._emit_of(resource_type)(each, made)
                instance = contained.instance(each, made, referring.get(each.get("id"), ()))
                rows.lexicon |= instance.lexicon
                instance.lexicon = set()
                rows.instances.append(instance)

    def _fragments(self, resource: Resource) -> dict[str, list[str]]:
        """By id of a contained resource, the columns that refer to it."""
        key = f"{resource['resourceType']} #"
        emit = self._types.get(key)
        if emit is None:
            tree = _Tree()
            for parameter in self._columns.parameters(resource["resourceType"]):
                for source in parameter.sources if parameter.type == "reference" else ():
                    for walk in source.walks:
                        found = contained.fragments(source.column.name, walk.type_name)
                        if found is not None:
                            tree.add(walk.moves, found)
            emit = self._types[key] = tree.compile()
        rows = Rows()
        emit(resource, rows)
        referring: dict[str, list[str]] = {}
        for column, id_ in rows.texts:
            referring.setdefault(id_, []).append(column)
        return referring

    def with_definitions(self, definitions: Definitions) -> "Indexer":
        """One for other search parameters over the same core."""
        core = self._core or self
        found = Indexer(definitions, zone=self.indexing.zone, bases=self.indexing.bases)
        found._core = core
        return found

    def extract(self, resource_type: str, body: bytes, columns: tuple[str, ...] = ()) -> Rows:
        resource = decode(body)
        return self.of_columns(resource, columns) if columns else self.rows(resource)

    def of_columns(self, resource: Resource, names: tuple[str, ...]) -> Rows:
        """The rows of some columns alone, as far as the type of the resource has them."""
        key = f"{resource['resourceType']} {' '.join(names)}"
        emit = self._types.get(key)
        if emit is None:
            sources = {
                source.column.name: source
                for parameter in self._columns.parameters(resource["resourceType"])
                for source in parameter.sources
                if source.column.name in names
            }
            emit = self._types[key] = self._emit_all(list(sources.values()), resource["resourceType"])
        rows = Rows()
        emit(resource, rows)
        return rows

    def parameter(self, resource_type: str, code: str) -> Parameter | None:
        return self._columns.parameter(resource_type, code)

    def _emit_of(self, resource_type: str) -> Emit:
        found = self._types.get(resource_type)
        if found is None:
            parameters = self.definitions.search_parameters(resource_type)
            core = self._core
            if core is not None and core.definitions.search_parameters(resource_type) is parameters:
                found = core._emit_of(resource_type)
            else:
                found = self._compile(resource_type)
            self._types[resource_type] = found
        return found

    def _compile(self, resource_type: str) -> Emit:
        sources: dict[str, Source] = {}
        composites: dict[str, list[Composite]] = {}
        for parameter in self._columns.parameters(resource_type):
            sources |= {source.column.name: source for source in parameter.sources}
            for composite in parameter.composites:
                if composite.items:
                    composites.setdefault(composite.text, []).append(composite)
                else:
                    sources |= {
                        source.column.name: source
                        for component in composite.components
                        for source in component.sources
                    }
        emits = [self._emit_all(list(sources.values()), resource_type)]
        emits += [self._instances(group) for group in composites.values()]
        return _all(emits)

    def _emit_all(self, sources: Sequence[Source], resource_type: str) -> Emit:
        emits = [self._computed(source, resource_type) for source in sources if source.expression]
        return _all([self._walked([source for source in sources if not source.expression]), *emits])

    def _walked(self, sources: Iterable[Source], *, plain: bool = False) -> Emit:
        tree, indexing = _Tree(), replace(self.indexing, plain=plain)
        for source in sources:
            for walk in source.walks:
                emit = _emitter(source.column, walk.type_name, indexing)
                assert emit is not None  # columns.py keeps no walk to a type that cannot be indexed
                tree.add(walk.moves, emit)
        return tree.compile()

    def _computed(self, source: Source, resource_type: str) -> Emit:
        assert source.expression is not None
        expression = compile_expression(source.expression, self.definitions.core, resource_type)
        emitters: dict[str, Emit | None] = {}

        def emit(resource: Any, rows: Rows) -> None:
            try:
                selected = expression.typed(resource)
            except FhirPathError:
                return  # two items where it means one, say: the resource has no value then
            for type_name, value in selected:
                if type_name not in emitters:
                    emitters[type_name] = _emitter(source.column, type_name, self.indexing)
                found = emitters[type_name]
                if found is not None:
                    found(value, rows)

        return emit

    def _instances(self, composites: Sequence[Composite]) -> Emit:
        """Rows that belong together, for each of the elements that the composites are about."""
        within: dict[str, Source] = {}
        of_resource: dict[str, Source] = {}
        for composite in composites:
            for component in composite.components:
                group = of_resource if component.of_resource else within
                group |= {source.column.name: source for source in component.sources}
        emit_item = self._walked(within.values(), plain=True)
        emit_resource = self._walked(of_resource.values(), plain=True)
        items = [_items(walk) for walk in composites[0].items]

        def emit(resource: Any, rows: Rows) -> None:
            for find in items:
                for item in find(resource):
                    instance = Rows()
                    emit_item(item, instance)
                    emit_resource(resource, instance)
                    rows.lexicon |= instance.lexicon
                    instance.lexicon = set()
                    if instance != _NO_ROWS:
                        rows.instances.append(instance)

        return emit


def _emitter(column: Column, type_name: str, indexing: Indexing) -> Emit | None:
    return TYPES[column.type].emitter(column.name, type_name, indexing)


def _items(walk: Walk) -> Callable[[Any], list[Any]]:
    """The elements at the end of a walk."""

    def find(resource: Any) -> list[Any]:
        found = [resource]
        for move in walk.moves:
            found = [each for item in found for each in _moved(item, move)]
        return found

    return find


def _moved(item: Any, move: Move) -> list[Any]:
    match move:
        case Property(name, many):
            value = item.get(name)
            if value is None:
                return []
            return value if many else [value]
        case Having(name, value):
            return [item] if item.get(name) == value else []
        case _:
            raise AssertionError(f"a composite over {move}")


@dataclass(slots=True)
class _Tree:
    """What to do with one value: emit rows of it, and go on to its properties."""

    emits: list[Emit] = field(default_factory=list)
    properties: dict[Property, "_Tree"] = field(default_factory=dict)
    having: dict[Having, "_Tree"] = field(default_factory=dict)
    items: dict[Item, "_Tree"] = field(default_factory=dict)  # of the list that a property holds

    def add(self, moves: tuple[Move, ...], emit: Emit) -> None:
        if not moves:
            self.emits.append(emit)
            return
        match moves[0]:
            case Property() as move:
                below = self.properties.setdefault(move, _Tree())
            case Having() as move:
                below = self.having.setdefault(move, _Tree())
            case Item() as move:
                below = self.items.setdefault(move, _Tree())
        below.add(moves[1:], emit)

    def compile(self) -> Emit:
        emits = list(self.emits)
        emits += [_if(move, tree.compile()) for move, tree in self.having.items()]
        if self.properties:
            emits.append(_object({move.name: tree._values(move) for move, tree in self.properties.items()}))
        return _all(emits)

    def _values(self, move: Property) -> Emit:
        emits = [_at(item, tree.compile()) for item, tree in self.items.items()]
        if self.emits or self.having or self.properties:
            emits.append(_each(self.compile()) if move.many else self.compile())
        return _all(emits)


_FEW = 3


def _object(properties: dict[str, Emit]) -> Emit:
    if len(properties) <= _FEW:
        pairs = tuple(properties.items())

        def emit_few(value: Any, rows: Rows) -> None:
            for name, emit in pairs:
                if name in value:
                    emit(value[name], rows)

        return emit_few
    get = properties.get

    def emit_many(value: Any, rows: Rows) -> None:
        for name in value:
            emit = get(name)
            if emit is not None:
                emit(value[name], rows)

    return emit_many


def _each(emit: Emit) -> Emit:
    def emit_each(values: Any, rows: Rows) -> None:
        for value in values:
            if value is not None:  # a primitive that has extensions only
                emit(value, rows)

    return emit_each


def _at(item: Item, emit: Emit) -> Emit:
    def emit_at(values: Any, rows: Rows) -> None:
        if item.index < len(values):
            emit(values[item.index], rows)

    return emit_at


def _if(having: Having, emit: Emit) -> Emit:
    name, wanted = having.name, having.value

    def emit_if(value: Any, rows: Rows) -> None:
        if value.get(name) == wanted:
            emit(value, rows)

    return emit_if


def _all(emits: Sequence[Emit]) -> Emit:
    if len(emits) == 1:
        return emits[0]
    several = tuple(emits)

    def emit_all(value: Any, rows: Rows) -> None:
        for emit in several:
            emit(value, rows)

    return emit_all

"""The definitions of one release, read from its tables when they are first asked for.

https://hl7.org/fhir/R4/conformance-module.html

A release is the file of tables that is loaded; no code asks which one it is.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path

from fhir_server.definitions.tables import Tables, TypeRecord, read_tables
from fhir_server.definitions.types import Constraint, Element, Operation, SearchParameter, TypeDefinition
from fhir_server.outcome import DefinitionError

CORE_TABLES = Path(__file__).parent / "data" / "r4.tables"


class Definitions:
    def __init__(self, tables: Tables) -> None:
        self.core = self  # without search parameters that were added
        self._tables = tables
        self._entries = tables.header.types
        self._records: dict[str, dict[str, TypeRecord]] = {}
        self._types: dict[str, TypeDefinition] = {}
        self._by_type: dict[str, Mapping[str, SearchParameter]] = {}
        self._codes: dict[str, frozenset[tuple[str, str]] | None] = {}
        self.added_parameters: tuple[SearchParameter, ...] = ()
        self.derived: dict[str, object] = {}  # what others make of these definitions and keep with them

    def with_parameters(self, added: Sequence[SearchParameter]) -> "Definitions":
        """The core's definitions with these search parameters beside its own; what they share is shared."""
        found = copy(self.core)
        found._by_type, found.derived = {}, {}
        found._search_parameters = (*self.core._search_parameters, *added)
        for name in ("_by_base", "_by_url"):
            found.__dict__.pop(name, None)
        found.added_parameters = tuple(added)
        return found

    @property
    def release(self) -> str:
        return self._tables.header.release

    @cached_property
    def resource_types(self) -> frozenset[str]:
        """Types of which there can be instances."""
        return frozenset(
            name for name, entry in self._entries.items() if entry.kind == "resource" and not entry.abstract
        )

    def has_type(self, name: str) -> bool:
        if name in self._entries:
            return True
        root = name.partition(".")[0]
        return root != name and root in self._entries and name in self._of_root(root)

    def type(self, name: str) -> TypeDefinition:
        """The type with this name; raises DefinitionError when there is none."""
        found = self._types.get(name)
        if found is None:
            if not self.has_type(name):
                raise DefinitionError(f"{name} is not a type of FHIR {self.release}")
            record = self._of_root(name.partition(".")[0])[name]
            found = self._types[name] = _definition(record, self._constraints)
        return found

    def is_a(self, name: str, ancestor: str) -> bool:
        """Whether `name` is `ancestor` or specialises it: Patient is a DomainResource is a Resource."""
        while name != ancestor:
            base = self._base(name)
            if base is None:
                return False
            name = base
        return True

    def _base(self, name: str) -> str | None:
        entry = self._entries.get(name)
        return entry.base if entry else self.type(name).base

    def search_parameters(self, resource_type: str) -> Mapping[str, SearchParameter]:
        """By code, the parameters of the type and of those that it specialises."""
        found = self._by_type.get(resource_type)
        if found is None:
            found = self._by_type[resource_type] = self._merged(resource_type)
        return found

    def _merged(self, resource_type: str) -> Mapping[str, SearchParameter]:
        base = self._base(resource_type)
        inherited = self.search_parameters(base) if base else {}
        own = self._by_base.get(resource_type, {})
        if self is not self.core:
            core = self.core.search_parameters(resource_type)
            # a type that has no more than in the core has the very same mapping: what is made of it is shared
            if len(core) == len(inherited.keys() | own.keys()):
                return core
        return {**inherited, **own}

    def search_parameter_by_url(self, url: str) -> SearchParameter | None:
        return self._by_url.get(url)

    def codes(self, value_set: str) -> frozenset[tuple[str, str]] | None:
        """(system, code) of all codes in a value set that some element requires.

        None: they cannot be listed (MIME types, languages), or no element requires the value set.
        """
        url = value_set.partition("|")[0]
        if url not in self._codes:
            span = self._tables.header.codes.get(url)
            systems = self._tables.decode(span, list[tuple[str, list[str]]]) if span else None
            self._codes[url] = (
                None
                if systems is None
                else frozenset((system, code) for system, codes in systems for code in codes)
            )
        return self._codes[url]

    def compartment(self, code: str) -> Mapping[str, tuple[str, ...]]:
        """By resource type, the parameters that put a resource into the compartment of a `code`.

        `{def}` among them stands for the resource itself. Empty: there is no such compartment.
        """
        return self._compartments.get(code, {})

    @property
    def compartments(self) -> tuple[str, ...]:
        return tuple(self._compartments)

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        return self._tables.decode(self._tables.header.operations, tuple[Operation, ...])

    @cached_property
    def _constraints(self) -> tuple[Constraint, ...]:
        return self._tables.decode(self._tables.header.constraints, tuple[Constraint, ...])

    @cached_property
    def _search_parameters(self) -> tuple[SearchParameter, ...]:
        return self._tables.decode(self._tables.header.search_parameters, tuple[SearchParameter, ...])

    @cached_property
    def _by_base(self) -> dict[str, dict[str, SearchParameter]]:
        found: dict[str, dict[str, SearchParameter]] = {}
        for parameter in self._search_parameters:
            for base in parameter.base:
                found.setdefault(base, {})[parameter.code] = parameter
        return found

    @cached_property
    def _by_url(self) -> dict[str, SearchParameter]:
        return {parameter.url: parameter for parameter in self._search_parameters}

    @cached_property
    def _compartments(self) -> dict[str, dict[str, tuple[str, ...]]]:
        return self._tables.decode(self._tables.header.compartments, dict[str, dict[str, tuple[str, ...]]])

    def _of_root(self, root: str) -> dict[str, TypeRecord]:
        """The type and its backbone types, which stand together."""
        found = self._records.get(root)
        if found is None:
            records = self._tables.decode(self._entries[root].span, tuple[TypeRecord, ...])
            found = self._records[root] = {record.name: record for record in records}
        return found


def _definition(record: TypeRecord, constraints: tuple[Constraint, ...]) -> TypeDefinition:
    properties: dict[str, tuple[Element, str]] = {}
    for element in record.elements:
        for type_name in element.types:
            suffix = type_name[0].upper() + type_name[1:] if element.choice else ""
            properties[element.name + suffix] = element, type_name
    return TypeDefinition(
        name=record.name,
        kind=record.kind,
        base=record.base,
        abstract=record.abstract,
        elements={element.name: element for element in record.elements},
        properties=properties,
        constraints=tuple(constraints[number] for number in record.constraints),
        pattern=record.pattern,
    )


def load(path: Path | None = None) -> Definitions:
    """The definitions in a file of tables, by default those of the core."""
    return Definitions(read_tables(path or CORE_TABLES))

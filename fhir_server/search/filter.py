"""One search parameter of a request as a node of the algebra: modifiers, chains, `_has`.

https://hl7.org/fhir/R4/search.html#modifiers, https://hl7.org/fhir/R4/search.html#chaining
"""

from collections.abc import Callable, Iterator, Sequence

from fhir_server.definitions.registry import Definitions
from fhir_server.outcome import FhirError, bad_value, not_supported, too_costly
from fhir_server.search import composite, contained, hierarchy, reference, uri
from fhir_server.search.column import Column, Scope
from fhir_server.search.columns import Parameter, columns_of
from fhir_server.search.combine import all_of, any_of, none_of
from fhir_server.search.filter_comparison import Comparisons
from fhir_server.search.local import ID
from fhir_server.search.options import Options
from fhir_server.search.rules import BuildingError
from fhir_server.search.special import SPECIAL, TEXTS, UNDECLARED
from fhir_server.search.terms import Terms
from fhir_server.search.types import TYPES
from fhir_server.search.values import alternatives, split, unescape
from fhir_server.store.algebra import Backward, Everything, Forward, IdIn, Node, Nothing
from fhir_server.suggestion import choices

HAS = "_has"
LIST = "_list"
FILTER = "_filter"
_NEGATED = frozenset(("not", "not-in"))


class Filters:
    """Compiles `name=value`; one for a request."""

    def __init__(self, definitions: Definitions, scope: Scope, options: Options) -> None:
        self._definitions = definitions
        self._columns = columns_of(definitions)
        self._scope = scope
        self._options = options
        # a chain to any type comes to one `_has` for each of them, all with one and the same inner part
        self._reversed: dict[tuple[str, str, str, int], Node] = {}

    @property
    def terms(self) -> Terms | None:
        return self._scope.terms

    def known(self, resource_types: Sequence[str], name: str) -> bool:
        """Whether `name` begins with a parameter that all of the types have; of texts: that any has."""
        code = code_of(name)
        if code in (HAS, LIST, FILTER) or code in UNDECLARED:
            return True
        have = (code in self._definitions.search_parameters(each) for each in resource_types)
        return any(have) if code in TEXTS else all(have)

    def unknown(self, resource_types: Sequence[str], name: str) -> FhirError:
        """The error for a parameter that is not `known`."""
        code = code_of(name)
        shared = self._shared(resource_types)
        of = " and ".join(resource_types) if len(resource_types) < 4 else "these resource types"
        return not_supported(f"{code!r} is not a search parameter of {of}{choices(code, shared)}")

    def node(self, resource_types: Sequence[str], name: str, value: str, steps: int = 0) -> Node:
        """What fits `name=value` among resources of `resource_types`, all of which have the parameter.

        steps: so many resources lie between those that are searched and these
        """
        if name.startswith(f"{HAS}:"):
            return self._has(resource_types, name, value, steps)
        head, dot, rest = name.partition(".")
        code, colon, modifier = head.partition(":")
        if colon and not modifier:
            raise not_supported(f"{name!r} ends in a colon without a modifier")
        if code in UNDECLARED or code == HAS:
            raise self._later(code)
        if code == LIST:
            return self._listed(name, value)
        if code == FILTER:
            return self._filtered(resource_types, name, value, steps)
        if code in TEXTS and not dot:
            return self._text(name, value)
        parameters = [self.parameter(each, code) for each in resource_types]
        if dot:
            return any_of(self._chain(each, modifier, rest, value, steps) for each in parameters)
        return self._compare(parameters, modifier, value)

    def parameter(self, resource_type: str, code: str) -> Parameter:
        found = self._columns.parameter(resource_type, code)
        if found is None:
            raise self.unknown((resource_type,), code)
        if found.not_indexed:
            raise self._later(code)
        job = self._columns.job_of(found)
        if job is not None:
            raise BuildingError(f"{resource_type}?{code}", job)
        return found

    def references(self, resource_type: str) -> tuple[Parameter, ...]:
        """The reference parameters of a type."""
        codes = [
            code
            for code, found in self._definitions.search_parameters(resource_type).items()
            if found.type == "reference"
        ]
        return tuple(self.parameter(resource_type, code) for code in codes)

    def _shared(self, resource_types: Sequence[str]) -> set[str]:
        """Codes of the parameters that all of the types have and that can be searched by."""
        codes = [set(self._definitions.search_parameters(each)) for each in resource_types]
        return ((set.intersection(*codes) if codes else set()) | {LIST}) - UNDECLARED

    def _later(self, code: str) -> FhirError:
        if code == HAS:
            return not_supported("_has is written _has:Type:reference:parameter=value")
        if code in UNDECLARED:
            return not_supported(f"{code} is a parameter of a search, not of criteria, chains and the like")
        return not_supported(f"the search parameter {code!r} is not supported by this server")

    def _compare(self, parameters: Sequence[Parameter], modifier: str, value: str) -> Node:
        if modifier == "missing":
            return self.missing(parameters, value)
        values = alternatives(value)
        if len(values) > self._options.or_values:
            raise too_costly(f"{len(values)} values in one parameter, at most {self._options.or_values} are")
        special = SPECIAL.get(parameters[0].code)
        if special is not None and (not modifier or (modifier == "not" and parameters[0].type == "token")):
            found = special(values, self._scope)
        else:
            found = any_of(self.values(parameter, modifier, values) for parameter in parameters)
        return none_of(found) if modifier in _NEGATED else found

    def values(self, parameter: Parameter, modifier: str, values: list[str]) -> Node:
        self._require_modifier(parameter, modifier)
        if parameter.composites:
            return composite.where(parameter, values, self._scope)
        modifier = "" if modifier == "not" else modifier
        return any_of(
            self._in_column(parameter, column, modifier, values)
            for column in parameter.columns
            if not modifier or modifier in self._modifiers(parameter, column)
        )

    def _in_column(self, parameter: Parameter, column: Column, modifier: str, values: list[str]) -> Node:
        if modifier in hierarchy.MODIFIERS and modifier in hierarchy.modifiers(self._columns, column):
            return hierarchy.where(self._columns, column, values, modifier, self._scope)
        found = TYPES[parameter.type].where(column, values, modifier, self._scope)
        if parameter.code == "url" and parameter.type == "uri" and not modifier:
            return any_of((found, *self._of_versions(parameter, column, values)))
        return found

    def _of_versions(self, parameter: Parameter, column: Column, values: list[str]) -> Iterator[Node]:
        """`url|version`: "servers SHOULD support automatically detecting a |[version] portion".

        https://hl7.org/fhir/R4/search.html#uri
        """
        version = self._columns.parameter(parameter.resource_type, "version")
        for value in values:
            match split(value, "|"):
                case [url, number] if url and number and version is not None:
                    named = uri.where(column, [url], "", self._scope)
                    yield all_of((named, self.values(version, "", [number])))

    def _modifiers(self, parameter: Parameter, column: Column) -> frozenset[str]:
        """The modifiers that go with a column, beside :missing."""
        found = TYPES[column.type].fitting(column)
        if parameter.type != "reference":
            return found
        types = frozenset(column.targets or self._definitions.resource_types)
        return found | types | hierarchy.modifiers(self._columns, column)

    def _require_modifier(self, parameter: Parameter, modifier: str) -> None:
        if not modifier:
            return
        if parameter.type == "reference" and modifier in self._definitions.resource_types:
            self._targets(parameter, modifier)
            return
        known = {"missing"}.union(*(self._modifiers(parameter, column) for column in parameter.columns))
        if modifier not in known:
            of = f"{parameter.code}, a {parameter.type} parameter"
            raise not_supported(f":{modifier} is not a modifier of {of}{choices(modifier, known)}")

    def missing(self, parameters: Sequence[Parameter], value: str) -> Node:
        if value not in ("true", "false"):
            raise bad_value(f"{value!r} is neither true nor false, the values of :missing")
        found = any_of(self._present(parameter) for parameter in parameters)
        return none_of(found) if value == "true" else found

    def _present(self, parameter: Parameter) -> Node:
        if parameter.code in SPECIAL:
            return Everything()
        if parameter.composites:
            raise not_supported(":missing is not a modifier of composite parameters")
        return any_of(TYPES[column.type].present(column) for column in parameter.columns)

    def _chain(self, parameter: Parameter, modifier: str, rest: str, value: str, steps: int) -> Node:
        """`subject:Patient.name=…`: the target fits the rest."""
        if parameter.type != "reference":
            raise not_supported(f"{parameter.code} is a {parameter.type} parameter, only references chain")
        if not rest:
            raise not_supported(f"{parameter.code}. names no parameter of what is referred to")
        return self.chain(
            parameter, modifier, rest, lambda target: self.node((target,), rest, value, steps + 1), steps
        )

    def chain(
        self, parameter: Parameter, modifier: str, rest: str, of: Callable[[str], Node], steps: int
    ) -> Node:
        """References to what fits the node that `of` has for its type; those types that know `rest`."""
        if parameter.type != "reference":
            raise not_supported(f"{parameter.code} is a {parameter.type} parameter, only references chain")
        self._require_steps(steps + 1)
        targets = self._targets(parameter, modifier)
        fitting = [each for each in targets if self.known((each,), rest)]
        if not fitting:
            raise self.unknown(targets[:1] if len(targets) == 1 else targets, rest)
        return any_of(
            node
            for target in fitting
            if (where := of(target)) != Nothing()
            for column in parameter.columns
            if not column.targets or target in column.targets
            for node in (Forward(column.name, target, where), self._in_contained(column, target, rest, where))
        )

    def _in_contained(self, column: Column, target: str, rest: str, where: Node) -> Node:
        if not self.is_of_core((target,), rest):
            return Nothing()
        return contained.referred(column.name, target, where)

    def require_core(self, resource_types: Sequence[str], name: str) -> None:
        """Raises 400 for what contained resources are not indexed by."""
        if not self.is_of_core(resource_types, name):
            raise not_supported(
                f"{name} cannot be combined with _contained, contained resources have no index of it"
            )

    def is_of_core(self, resource_types: Sequence[str], name: str) -> bool:
        """Whether `name` begins with a parameter that contained resources are indexed by."""
        core = self._definitions.core
        return all(code_of(name) in core.search_parameters(each) for each in resource_types)

    def _targets(self, parameter: Parameter, modifier: str) -> list[str]:
        """The resource types that a chain goes on to."""
        found: dict[str, None] = {}
        for column in parameter.columns:
            found |= dict.fromkeys(column.targets or sorted(self._definitions.resource_types))
        if not modifier:
            return list(found)
        if modifier not in self._definitions.resource_types:
            known = choices(modifier, found)
            raise not_supported(f":{modifier} is not a resource type that {parameter.code} refers to{known}")
        if modifier not in found:
            raise not_supported(f"{parameter.code} refers to {', '.join(found)}, not to {modifier}")
        return [modifier]

    def _has(self, resource_types: Sequence[str], name: str, value: str, steps: int) -> Node:
        """`_has:Observation:patient:code=…`: an Observation that fits refers here by `patient`.

        https://hl7.org/fhir/R4/search.html#has
        """
        parts = name.split(":", 3)
        if len(parts) != 4 or not all(parts):
            raise not_supported(f"{name!r} is not written _has:Type:reference:parameter")
        _, source, code, rest = parts
        self._require_steps(steps + 1)
        if source not in self._definitions.resource_types:
            known = choices(source, self._definitions.resource_types)
            raise not_supported(f"{source!r} is not a resource type{known}")
        parameter = self.parameter(source, code)
        if parameter.type != "reference":
            raise not_supported(f"{code} of {source} is a {parameter.type} parameter, not a reference")
        columns = [column for column in parameter.columns if _refers_to(column.targets, resource_types)]
        if not columns:
            raise not_supported(f"{code} of {source} does not refer to {' or '.join(resource_types)}")
        if not self.known((source,), rest):
            raise self.unknown((source,), rest)
        made = source, rest, value, steps
        if made not in self._reversed:
            self._reversed[made] = self.node((source,), rest, value, steps + 1)
        where = self._reversed[made]
        return any_of(Backward(column.name, source, where) for column in columns)

    def _require_steps(self, steps: int) -> None:
        if steps > self._options.chain_depth:
            raise too_costly(
                f"chains and _has may go {self._options.chain_depth} steps from resource to resource"
            )

    def _text(self, name: str, value: str) -> Node:
        """`_text=bone`, `_content=bone`: https://hl7.org/fhir/R4/search.html#text"""
        if name not in TEXTS:
            raise not_supported(f"{name!r}: {code_of(name)} has no modifiers")
        return SPECIAL[name](alternatives(value), self._scope)

    def _filtered(self, resource_types: Sequence[str], name: str, value: str, steps: int) -> Node:
        """https://hl7.org/fhir/R4/search_filter.html"""
        if name != FILTER:
            raise not_supported(f"{name!r}: {FILTER} has no modifiers and no chains")
        return Comparisons(self, self._scope, value).node(resource_types, steps)

    def _listed(self, name: str, value: str) -> Node:
        """`_list=42`: what the entries of List/42 refer to.

        https://hl7.org/fhir/R4/search.html#list
        """
        if name != LIST:
            raise not_supported(f"{name!r}: {LIST} has no modifiers and no chains")
        ids = [unescape(each) for each in alternatives(value)]
        for id_ in ids:
            if id_.startswith("$"):
                raise not_supported(f"the functional list {id_!r} is not supported, ids of Lists are")
            if ID.fullmatch(id_) is None:
                raise bad_value(f"{id_!r} is not the id of a List")
        columns = self.parameter("List", "item").columns
        return any_of(Backward(column.name, "List", IdIn(tuple(ids))) for column in columns)

    def in_compartment(self, code: str, id_: str, resource_type: str) -> Node:
        """Resources of a type that are in the compartment of `code`/`id_`.

        https://hl7.org/fhir/R4/compartmentdefinition.html
        """
        found: list[Node] = []
        for name in self._definitions.compartment(code).get(resource_type, ()):
            if name != "{def}":
                parameter = self.parameter(resource_type, name)
                found += [
                    reference.where(column, [f"{code}/{id_}"], "", self._scope)
                    for column in parameter.columns
                ]
        return any_of(found)


def code_of(name: str) -> str:
    return name.partition(".")[0].partition(":")[0]


def _refers_to(targets: tuple[str, ...], resource_types: Sequence[str]) -> bool:
    return not targets or not resource_types or not set(targets).isdisjoint(resource_types)

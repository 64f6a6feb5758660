"""`_query`: a search that an OperationDefinition has a name for.

https://hl7.org/fhir/R4/search.html#query, https://hl7.org/fhir/R4/operationdefinition.html

An OperationDefinition of the kind `query` has a name (`code`), types and parameters; how it finds what it
finds R4 leaves open. Here an extension of it says so: criteria as they stand in the URL of a search,
`owner={owner}&status=ready`, in which the names in braces stand for the values of its parameters.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from fhir_server.outcome import bad_value, missing, not_supported
from fhir_server.resource import Resource

QUERY = "_query"
CRITERIA = "https://alliance-fhir.example/fhir/StructureDefinition/query-criteria"
"""The extension of an OperationDefinition; its value is a string."""

_PLACE = re.compile(r"\{([^{}]*)\}")
_ANY_TYPE = frozenset(("Resource", "DomainResource"))

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class QueryParameter:
    name: str
    required: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class NamedQuery:
    code: str
    resource_types: frozenset[str] = frozenset()  # empty: every type
    over_all: bool = False  # whether it can be asked without a type
    parameters: tuple[QueryParameter, ...] = ()
    criteria: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(each.name for each in self.parameters)

    def is_for(self, resource_types: Sequence[str]) -> bool:
        """Whether it can be asked of these types; of all types: ()."""
        if not resource_types:
            return self.over_all
        return not self.resource_types or self.resource_types.issuperset(resource_types)

    def expanded(self, given: Pairs) -> list[tuple[str, str]]:
        """The criteria with the values of parameters in their places.

        Values are put in as they were written: a comma in them means OR. Criteria of parameters that were not
        given say nothing; a parameter given twice makes its criteria twice. Raises 400 for what lacks.
        """
        counts = Counter(name for name, _ in given)
        for each in self.parameters:
            if each.required and not counts[each.name]:
                raise missing(f"the query {self.code!r} needs the parameter {each.name!r}")
            if counts[each.name] > 1 and not each.repeats:
                raise bad_value(f"the parameter {each.name!r} of the query {self.code!r} cannot be repeated")
        return [pair for name, template in self.criteria for pair in _filled(name, template, given)]


def _filled(name: str, template: str, given: Pairs) -> Iterator[tuple[str, str]]:
    values = {
        place: [value for other, value in given if other == place] for place in _PLACE.findall(template)
    }
    if any(not found for found in values.values()):
        return
    for number in range(max((len(found) for found in values.values()), default=1)):
        # of several parameters in one criterion, one that is not repeated keeps its value
        chosen = {place: found[min(number, len(found) - 1)] for place, found in values.items()}
        yield name, _put_in(template, chosen)


def _put_in(template: str, chosen: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: chosen[place[1]], template)


def named_query(definition: Resource) -> NamedQuery | None:
    """What an OperationDefinition defines; None when it is no query, or a retired one.

    Raises 400 when it does not say how it is run, or says it wrongly.
    """
    if definition.get("kind") != "query" or definition.get("status") == "retired":
        return None
    code = definition.get("code", "")
    parameters = tuple(
        QueryParameter(each["name"], each.get("min", 0) > 0, each.get("max") != "1")
        for each in definition.get("parameter", ())
        if each.get("use") == "in"
    )
    types = frozenset(definition.get("resource", ())) if definition.get("type") else frozenset()
    found = NamedQuery(
        code,
        frozenset() if types & _ANY_TYPE else types,
        bool(definition.get("system")),
        parameters,
        tuple(_criteria(definition, code)),
    )
    for name, template in found.criteria:
        for place in _PLACE.findall(template):
            if place not in found.names:
                raise not_supported(f"the query {code!r} has no parameter {place!r}, which its {name} names")
    return found


def _criteria(definition: Resource, code: str) -> Iterator[tuple[str, str]]:
    texts = [
        each.get("valueString") for each in definition.get("extension", ()) if each.get("url") == CRITERIA
    ]
    if len(texts) != 1 or not texts[0]:
        raise not_supported(
            f"the OperationDefinition of the query {code!r} does not say how it is run: its extension"
            f" {CRITERIA} would have the criteria"
        )
    for part in str(texts[0]).split("&"):
        name, equals, template = part.partition("=")
        if not name or not equals or name.startswith(QUERY):
            raise not_supported(f"the criteria of the query {code!r} have {part!r}, which is no criterion")
        yield unquote_plus(name), unquote_plus(template)

"""Search parameters that clients and packages define: what can be used of them.

https://hl7.org/fhir/R4/searchparameter.html

A definition is refused when it is written, with the element and the reason; none is ever half in use.
"""

import re
from collections.abc import Iterable, Iterator

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.search_parameters import search_parameter
from fhir_server.definitions.types import SearchParameter
from fhir_server.fhirpath import FhirPathError, compile_expression, parse
from fhir_server.outcome import DefinitionError, Issue
from fhir_server.resource import Resource
from fhir_server.search.columns import Columns, Parameter, columns_of
from fhir_server.search.path import branches
from fhir_server.search.types import TYPES

RESOURCE_TYPE = "SearchParameter"
IN_USE = frozenset(("active", "draft"))
"""https://hl7.org/fhir/R4/valueset-publication-status.html; the others are kept and not searched by."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_EXPRESSION_LENGTH = 4000
_ABSTRACT = ("Resource", "DomainResource")


def is_in_use(resource: Resource) -> bool:
    return resource.get("status") in IN_USE


def concrete(definition: SearchParameter, definitions: Definitions) -> list[str]:
    """The resource types that have the parameter."""
    if definitions.resource_types.issuperset(definition.base):
        return sorted(set(definition.base))  # nothing is derived from what is not abstract
    return sorted(
        name
        for name in definitions.resource_types
        if any(definitions.has_type(base) and definitions.is_a(name, base) for base in definition.base)
    )


def issues(
    resource: Resource, definitions: Definitions, at: str = RESOURCE_TYPE, *, early: bool = False
) -> list[Issue]:
    """Why a SearchParameter, which keeps the base specification, cannot be used; empty: it can.

    definitions: with the parameters that are there already. at: the FHIRPath of the resource. early: what a
    composite is made of may still come, in the same transaction.
    """
    if not is_in_use(resource):
        return []
    definition = search_parameter(resource)
    there = definitions.core.search_parameter_by_url(definition.url)
    if there is not None:
        return _of_the_core(definition, there, definitions, at)
    found = list(_form(definition, definitions, at))
    unknown = [each for each in _unknown_parts(definition, definitions, at) if not early]
    if found or unknown:
        return found + unknown
    if all(definitions.search_parameter_by_url(url) for url, _ in definition.components):
        found = list(_meaning(definition, definitions, at)) or list(_clashes(definition, definitions, at))
    return found


def _problem(at: str, element: str, text: str) -> Issue:
    return Issue("error", "business-rule", f"{at}.{element}: {text}", f"{at}.{element}")


def _of_the_core(
    definition: SearchParameter, there: SearchParameter, definitions: Definitions, at: str
) -> list[Issue]:
    if definition.code == there.code and says_the_same(definition, there, definitions):
        return []
    release = definitions.release
    text = f"{definition.url} is a search parameter of FHIR {release}, give yours a url of its own"
    return [_problem(at, "url", text)]


def _form(definition: SearchParameter, definitions: Definitions, at: str) -> Iterator[Issue]:
    for number, base in enumerate(definition.base):
        known = base in definitions.resource_types or base in _ABSTRACT
        if not known:
            yield _problem(at, f"base[{number}]", f"{base!r} is not a resource type")
    if not _CODE.fullmatch(definition.code) and not _is_known(definition, definitions):
        text = f"{definition.code!r} cannot stand in a search: letters, digits, _ and -, a letter first"
        yield _problem(at, "code", text)
    if definition.type == "special":
        yield _problem(at, "type", "a special parameter means what no expression says: it cannot be added")
    elif definition.expression is None:
        yield _problem(at, "expression", "is missing: nothing says what is searched")
    else:
        yield from _expression(definition.expression, f"{at}.expression")
    for number, (_, expression) in enumerate(definition.components):
        yield from _expression(expression, f"{at}.component[{number}].expression")
    if (definition.type == "composite") != bool(definition.components):
        text = "a composite has components" if definition.type == "composite" else "only a composite has any"
        yield _problem(at, "component", text)


def _unknown_parts(definition: SearchParameter, definitions: Definitions, at: str) -> Iterator[Issue]:
    for number, (url, _) in enumerate(definition.components):
        part = definitions.search_parameter_by_url(url)
        if part is None or part.type == "composite":
            what = "no search parameter here" if part is None else "a composite itself"
            yield _problem(at, f"component[{number}].definition", f"{url} is {what}")


def _expression(text: str, at: str) -> Iterator[Issue]:
    if len(text) > _EXPRESSION_LENGTH:
        text = f"{at}: {len(text)} characters, at most {_EXPRESSION_LENGTH} can be"
        yield Issue("error", "business-rule", text, at)
        return
    try:
        parse(text)
    except FhirPathError as error:
        yield Issue("error", "business-rule", f"{at}: {error}", at)


def _is_known(definition: SearchParameter, definitions: Definitions) -> bool:
    types = concrete(definition, definitions)
    return bool(types) and all(definition.code in definitions.search_parameters(name) for name in types)


def _meaning(definition: SearchParameter, definitions: Definitions, at: str) -> Iterator[Issue]:
    """Whether every base has something that can be compared."""
    columns = columns_of(definitions)
    for base in definition.base:
        types = [name for name in sorted(definitions.resource_types) if definitions.is_a(name, base)]
        try:
            compiled = [columns.compile(definition, name) for name in types]
            _require_compiled(compiled, definitions)
        except (DefinitionError, FhirPathError) as error:
            yield _problem(at, "expression", str(error))
            return
        if any(each.sources or each.composites for each in compiled):
            continue
        if all(not each.not_indexed for each in compiled):
            if not _is_known(definition, definitions):
                yield _problem(at, "expression", "_id and _lastUpdated are the parameters of this")
            continue
        allowed = definition.type if definition.type in TYPES else "composite"
        text = f"selects nothing of {base} that a {allowed} parameter compares"
        yield _problem(at, "expression", text)


def _require_compiled(compiled: Iterable[Parameter], definitions: Definitions) -> None:
    """What FHIRPath evaluates is compiled when the first resource comes: too late to refuse it."""
    for parameter in compiled:
        for source in parameter.sources:
            if source.expression is not None:
                compile_expression(source.expression, definitions.core, parameter.resource_type)


def _clashes(definition: SearchParameter, definitions: Definitions, at: str) -> Iterator[Issue]:
    for name in concrete(definition, definitions):
        there = definitions.search_parameters(name).get(definition.code)
        if there is None or there.url == definition.url or _same_of(definition, there, name, definitions):
            continue
        text = f"{name} has a search parameter {definition.code!r} already, {there.url}, which means another"
        yield _problem(at, "code", text)
        return


def says_the_same(one: SearchParameter, other: SearchParameter, definitions: Definitions) -> bool:
    return set(one.base) == set(other.base) and all(
        _same_of(one, other, name, definitions) for name in concrete(one, definitions)
    )


def _same_of(one: SearchParameter, other: SearchParameter, name: str, definitions: Definitions) -> bool:
    """Whether both find the same resources of a type."""
    if one.type != other.type or set(one.components) != set(other.components):
        return False
    if one.expression is None or other.expression is None:
        return one.expression is other.expression

    def selected(expression: str) -> set[tuple[str, str | None]]:
        return {(branch.text, branch.target) for branch in branches(expression, name, definitions)}

    try:
        return selected(one.expression) == selected(other.expression)
    except FhirPathError:
        return False


def in_force(resources: Iterable[Resource], definitions: Definitions) -> tuple[Definitions, dict[str, str]]:
    """The core with the parameters that `resources` define, and why others of them are left out.

    Of several for one code, the first has it. Those that composites are made of come before these.
    """
    waiting = [each for each in resources if is_in_use(each)]
    waiting.sort(key=lambda each: each.get("type") == "composite")
    found, left_out = definitions.core, {}
    for resource in waiting:
        reason = _reason(resource, found)
        if reason:
            left_out[name_of(resource)] = reason
        elif _is_new(search_parameter(resource), found):
            found = found.with_parameters((*found.added_parameters, search_parameter(resource)))
    return found, left_out


def name_of(resource: Resource) -> str:
    return f"{resource['url']} ({RESOURCE_TYPE}/{resource.get('id')})"


def _reason(resource: Resource, definitions: Definitions) -> str:
    """Why the resource cannot be used beside those that are there; "": it can."""
    wrong = issues(resource, definitions)
    if wrong:
        return wrong[0].diagnostics
    definition = search_parameter(resource)
    there = definitions.search_parameter_by_url(definition.url)
    if there is None or (there.code == definition.code and says_the_same(definition, there, definitions)):
        return ""
    return f"{RESOURCE_TYPE}.url: another resource defines {definition.url}, and otherwise"


def _is_new(definition: SearchParameter, definitions: Definitions) -> bool:
    """Whether it is a parameter that is not there, and not one more definition of the same."""
    if definitions.search_parameter_by_url(definition.url) is not None:
        return False
    return not _is_known(definition, definitions)


def being_built(definitions: Definitions) -> frozenset[str]:
    """URLs of the added parameters that cannot be searched by yet."""
    columns = columns_of(definitions)

    def is_built(definition: SearchParameter) -> bool:
        found = (columns.parameter(name, definition.code) for name in concrete(definition, definitions))
        return all(columns.job_of(each) is None for each in found if each is not None)

    return frozenset(each.url for each in definitions.added_parameters if not is_built(each))


def columns_by_type(definitions: Definitions, columns: Columns) -> dict[str, set[str]]:
    """The columns that only added parameters need, by resource type."""
    found: dict[str, set[str]] = {}
    core = columns_of(definitions.core)
    for definition in definitions.added_parameters:
        for name in concrete(definition, definitions):
            parameter = columns.parameter(name, definition.code)
            if parameter is not None:
                known = {each for other in core.parameters(name) for each in other.column_names}
                if more := parameter.column_names - known:
                    found.setdefault(name, set()).update(more)
    return found

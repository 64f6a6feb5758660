"""What the definitions alone say of the values of a search parameter: types, targets, code systems."""

import re
from functools import cache

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Element, SearchParameter

_SPECIAL_VALUES = frozenset(
    ("http://hl7.org/fhir/special-values", "http://terminology.hl7.org/CodeSystem/special-values")
)
_ANY = 100  # that many target types mean: any
_STEP = re.compile(r"\.([A-Za-z]\w*)(\((?:[^()]|\([^()]*\))*\))?|\[\d+\]")


@cache
def targets(definitions: Definitions, parameter: SearchParameter, resource_type: str) -> tuple[str, ...]:
    """The types that a reference parameter of a type may refer to: its own, of those the element may."""
    named = parameter.targets if len(parameter.targets) < _ANY else ()
    found: set[str] = set()
    for branch in _branches(parameter.expression or "", resource_type):
        allowed = _resolved(branch) or _allowed(definitions, branch, resource_type)
        meant = {each for each in allowed or named if not named or each in named}
        found |= meant or set(named or definitions.resource_types)
    return tuple(sorted(found))


@cache
def types(definitions: Definitions, parameter: SearchParameter, resource_type: str) -> frozenset[str] | None:
    """The FHIR types that a parameter of a resource type selects; None: the definitions do not say."""
    found: set[str] = set()
    for branch in _branches(parameter.expression or "", resource_type):
        ends = _ends(definitions, branch, resource_type)
        if ends is None:
            return None
        found |= {type_name for _, type_name in ends}
    return frozenset(found)


@cache
def implied_systems(definitions: Definitions, expression: str, resource_type: str) -> frozenset[str]:
    """The code systems of required bindings; booleans have one too."""
    found: set[str] = set()
    for branch in _branches(expression, resource_type):
        for element, type_name in _ends(definitions, branch, resource_type) or ():
            if type_name == "boolean":
                found |= _SPECIAL_VALUES
            if type_name == "code" and element.binding and element.binding.strength == "required":
                value_set = element.binding.value_set
                found |= {system for system, _ in definitions.codes(value_set or "") or ()}
    return frozenset(found)


def _branches(expression: str, resource_type: str) -> list[str]:
    """The operands of a union that concern a resource type."""
    found = [each for each in expression.split(" | ") if re.match(rf"\(*{resource_type}\b", each)]
    return found or expression.split(" | ")


def _resolved(branch: str) -> set[str]:
    """`subject.where(resolve() is Patient)` means Patients alone."""
    found = re.search(r"where\(resolve\(\) is (\w+)\)$", branch)
    return {found[1]} if found else set()


def _allowed(definitions: Definitions, branch: str, resource_type: str) -> set[str]:
    """The types that the definition of the element lets it refer to; none: any."""
    elements = [element for element, _ in _ends(definitions, branch, resource_type) or ()]
    if any(not element.targets or element.targets == ("Resource",) for element in elements):
        return set()
    return {each for element in elements for each in element.targets}


def _ends(definitions: Definitions, branch: str, resource_type: str) -> list[tuple[Element, str]] | None:
    """(element, type) at the end of a path; None: it is more than a path."""
    path = re.sub(r"^\((.*) as (\w+)\)$", r"\1.as(\2)", branch)
    begins = re.match(r"\w+", path)
    if begins is None or _STEP.sub("", path) != begins[0]:
        return None
    here, ends = [resource_type], list[tuple[Element, str]]()
    for step in _STEP.finditer(path):
        name, arguments = step[1], step[2]
        if name in ("as", "ofType") and arguments:
            ends = [end for end in ends if end[1] == arguments[1:-1]]
        elif arguments and name != "where":
            return None
        elif name and not arguments:
            ends = [
                (element, type_name)
                for each in here
                if (element := definitions.type(each).elements.get(name))
                for type_name in element.types
            ]
        here = [type_name for _, type_name in ends] or here
    return ends

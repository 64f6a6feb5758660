"""What `_filter` compares: each comparison becomes what a search by the same parameter would be.

https://hl7.org/fhir/R4/search_filter.html
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from fhir_server.outcome import FhirError, bad_value, not_supported
from fhir_server.search import date
from fhir_server.search.column import Column, Scope
from fhir_server.search.columns import Parameter
from fhir_server.search.combine import all_of, any_of, none_of
from fhir_server.search.filter_expression import (
    Comparison,
    Expression,
    Logical,
    Negation,
    Step,
    parse,
)
from fhir_server.search.special import EXPRESSIONS, SPECIAL, TEXTS, UNDECLARED
from fhir_server.search.text import normalise
from fhir_server.store.algebra import Between, Node, StringEnds, StringIs
from fhir_server.suggestion import choices

if TYPE_CHECKING:
    from fhir_server.search.filter import Filters

_NO_VALUES = EXPRESSIONS | UNDECLARED | {"_has", "_list"}  # parameters that compare no value
_ORDERED = ("eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb")
# what a search without `_filter` says by a modifier
_MODIFIERS = {"in": "in", "ss": "below", "sb": "above"}

OPERATORS_OF: dict[str, tuple[str, ...]] = {
    "string": ("eq", "ne", "co", "sw", "ew", "pr"),
    "token": ("eq", "ne", "in", "ss", "sb", "pr"),
    "reference": ("eq", "ne", "re", "pr"),
    "uri": ("eq", "ne", "ss", "sb", "pr"),
    "date": (*_ORDERED, "po", "pr"),
    "number": (*_ORDERED, "pr"),
    "quantity": (*_ORDERED, "pr"),
    "composite": ("eq",),
}
"""By the type of a parameter."""


class Comparisons:
    """Compiles one `_filter`."""

    def __init__(self, filters: "Filters", scope: Scope, text: str) -> None:
        self._filters = filters
        self._scope = scope
        self._text = text

    def node(self, resource_types: Sequence[str], steps: int) -> Node:
        """What fits it among resources of `resource_types`; steps: as `Filters.node` has them."""
        return self._node(parse(self._text), resource_types, steps)

    def _node(self, found: Expression, resource_types: Sequence[str], steps: int) -> Node:
        match found:
            case Logical(operator, terms):
                nodes = [self._node(term, resource_types, steps) for term in terms]
                return all_of(nodes) if operator == "and" else any_of(nodes)
            case Negation(term):
                return none_of(self._node(term, resource_types, steps))
            case Comparison():
                return self._path(found, found.path, resource_types, steps)

    def _path(
        self, found: Comparison, path: tuple[Step, ...], resource_types: Sequence[str], steps: int
    ) -> Node:
        first, *rest = path
        if not self._filters.known(resource_types, first.name) or first.name in _NO_VALUES:
            raise self._located(self._filters.unknown(resource_types, first.name), first.at)
        try:
            if not rest:
                return self._compare(found, first, resource_types)
            parameters = [self._filters.parameter(each, first.name) for each in resource_types]
            return any_of(self._chain(found, each, path, steps) for each in parameters)
        except FhirError as refused:
            raise self._located(refused, first.at if rest else found.at) from None

    def _chain(self, found: Comparison, parameter: Parameter, path: tuple[Step, ...], steps: int) -> Node:
        first, *rest = path

        def fitting(target: str) -> Node:
            then = self._path(found, tuple(rest), (target,), steps + 1)
            if first.where is None:
                return then
            return all_of((self._node(first.where, (target,), steps + 1), then))

        return self._filters.chain(parameter, "", rest[0].name, fitting, steps)

    def _located(self, refused: FhirError, at: int) -> FhirError:
        """The same error with its place. A bad value cannot be left out like that of a parameter."""
        if isinstance(refused, _LocatedError) or type(refused) is not FhirError:
            return refused
        issues = [
            issue._replace(
                code="invalid" if issue.code == "value" else issue.code,
                diagnostics=f"_filter={self._text}: {issue.diagnostics}, at {at}",
            )
            for issue in refused.issues
        ]
        return _LocatedError(refused.status, *issues, headers=refused.headers)

    def _compare(self, found: Comparison, step: Step, resource_types: Sequence[str]) -> Node:
        code, operator = step.name, found.operator
        if code in TEXTS:
            _require(operator, ("co",), code)
            return SPECIAL[code]([_escaped(found.value)], self._scope)
        parameters = [self._filters.parameter(each, code) for each in resource_types]
        for parameter in parameters:
            kind = parameter.type
            _require(operator, OPERATORS_OF.get(kind, ()), f"{code}, a {kind} parameter")
        if operator == "pr":
            if found.value not in ("true", "false"):
                raise bad_value(f"{found.value!r} is neither true nor false, the values of pr")
            return self._filters.missing(parameters, "false" if found.value == "true" else "true")
        if code in SPECIAL:
            return self._special(code, parameters[0].type, found)
        return any_of(self._of(parameter, found) for parameter in parameters)

    def _special(self, code: str, kind: str, found: Comparison) -> Node:
        if kind == "date":
            # what overlaps reaches the beginning of the other or above, and its end or below
            operators = ("ge", "le") if found.operator == "po" else (found.operator,)
            asked = [_prefixed(replace(found, operator=each)) for each in operators]
            return all_of(SPECIAL[code]([each], self._scope) for each in asked)
        node = SPECIAL[code]([_escaped(found.value)], self._scope)
        return none_of(node) if found.operator == "ne" else node

    def _of(self, parameter: Parameter, found: Comparison) -> Node:
        operator, value = found.operator, _escaped(found.value)
        if parameter.type in ("date", "number", "quantity"):
            if operator == "po":
                return any_of(_overlapping(column, value, self._scope) for column in parameter.columns)
            return self._filters.values(parameter, "", [_prefixed(found)])
        if parameter.type == "string" and operator in _TEXTS:
            return self._string(parameter, _TEXTS[operator], found.value)
        if operator == "ne":
            equal = self._of(parameter, Comparison(found.path, "eq", found.value, found.at))
            return all_of((self._filters.missing([parameter], "false"), none_of(equal)))
        modifier = {"co": "contains"}.get(operator) or _MODIFIERS.get(operator, "")
        return self._filters.values(parameter, modifier, [value])

    def _string(self, parameter: Parameter, compare: Callable[[str, str], Node], value: str) -> Node:
        text = normalise(value)
        if not text:
            raise bad_value(f"{value!r} has no character that a search could compare")
        return any_of(compare(column.name, text) for column in parameter.columns)


_TEXTS: dict[str, Callable[[str, str], Node]] = {"eq": StringIs, "ew": StringEnds}


class _LocatedError(FhirError):
    """Says where in the filter already."""


def _require(operator: str, allowed: Sequence[str], of: str) -> None:
    if operator not in allowed:
        raise not_supported(f"{operator} does not compare {of}{choices(operator, allowed)}")


def _prefixed(found: Comparison) -> str:
    """`ge2014-10-10`: operators are called like prefixes."""
    return f"{found.operator}{_escaped(_without_prefix(found.value))}"


def _without_prefix(value: str) -> str:
    if value[:1].isalpha():
        raise bad_value(f"{value!r} begins with letters; the operator stands before the value")
    return value


def _overlapping(column: Column, value: str, scope: Scope) -> Node:
    _, first, last = date.parse_value(_without_prefix(value), scope)
    return Between("date", column.name, low_to=last, high_from=first)


def _escaped(value: str) -> str:
    r"""As it would stand in a search; `|` divides values there and here."""
    return value.replace("\\", "\\\\").replace(",", "\\,")

"""Constraints of the base specification: what must be true of an element, as FHIRPath.

https://hl7.org/fhir/R4/conformance-rules.html#constraints

Those that the rules of structure imply are not evaluated again. A few that stand on most resources have
a shape of their own that says "surely true" without FHIRPath; where it does not, FHIRPath decides.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.types import Constraint
from fhir_server.fhirpath import Expression, FhirPathError, compile_expression
from fhir_server.fhirpath.html import NO_CONTENT, narrative_problem
from fhir_server.outcome import Issue
from fhir_server.validation.scope import Scope

Holds = Callable[[Any, Scope], bool]
Surely = Callable[[Any], bool]
Warning = Callable[[Any, str, Scope], Issue | None]
"""For a value, its path and its scope: what is worth a warning; None: nothing."""

_NARRATIVE = "htmlChecks()"
# the type of the element is `boolean`, and R5 says so: https://hl7.org/fhir/R5/questionnaire.html#que-7
_CORRECTED = {
    "operator = 'exists' implies (answer is Boolean)": "operator = 'exists' implies (answer is boolean)",
    # eld-3: "Max SHALL be a number or *"; what is no number gives {}, which breaks nothing
    "empty() or ($this = '*') or (toInteger() >= 0)": (
        "empty() or ($this = '*') or iif(toInteger().exists(), toInteger() >= 0, false)"
    ),
}

IMPLIED = frozenset(("ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "ref-1"))
"""Keys of constraints that other files check: explain.py, extension.py, contained.py."""


def rules(definitions: Definitions, constraints: Iterable[Constraint], type_name: str) -> list[Holds]:
    """Whether each constraint that has to be evaluated holds for values of a type; False: perhaps not."""
    found: dict[str, Holds] = {}  # by expression: several keys may share one
    for constraint in constraints:
        if constraint.key not in IMPLIED and constraint.severity == "error":
            text = constraint.expression
            if text == _NARRATIVE:
                found[text] = _is_narrative
                continue
            found[text] = _holds(compiled(constraint, definitions, type_name), _SURELY.get(text))
    return list(found.values())


def warnings(
    definitions: Definitions, constraints: Iterable[Constraint], type_name: str
) -> tuple[Warning, ...]:
    """Those that are warnings."""
    return tuple(
        _warning(one, compiled(one, definitions, type_name), _SURELY.get(one.expression))
        for one in constraints
        if one.severity == "warning" and one.key not in IMPLIED
    )


def _warning(constraint: Constraint, expression: Expression, surely: Surely | None) -> Warning:
    def warning(value: Any, at: str, scope: Scope) -> Issue | None:
        if surely is not None and surely(value):
            return None
        return _issue(constraint, expression, value, at, scope)

    return warning


def compiled(constraint: Constraint, definitions: Definitions, type_name: str) -> Expression:
    text = constraint.expression
    return compile_expression(_CORRECTED.get(text, text), definitions, type_name)


def _is_narrative(value: Any, scope: Scope) -> bool:
    return scope.narrative is value or narrative_problem(value) is None


def together(holds: list[Holds]) -> Holds | None:
    """None: there are none."""
    if len(holds) < 2:
        return holds[0] if holds else None

    def all_hold(value: Any, scope: Scope) -> bool:
        for one in holds:  # noqa: SIM110
            if not one(value, scope):
                return False
        return True

    return all_hold


def _holds(expression: Expression, surely: Surely | None) -> Holds:
    truth = expression.truth

    def holds(value: Any, scope: Scope) -> bool:
        try:
            return truth(value, scope.evaluation) is not False
        except FhirPathError:
            return False

    if surely is None:
        return holds
    return lambda value, scope: surely(value) or holds(value, scope)


def issues(
    definitions: Definitions,
    constraints: Iterable[Constraint],
    type_name: str,
    value: Any,
    at: str,
    scope: Scope,
) -> Iterator[Issue]:
    """What a value of a type breaks; errors and warnings."""
    for constraint in constraints:
        if constraint.key in IMPLIED:
            continue
        found = _issue(constraint, compiled(constraint, definitions, type_name), value, at, scope)
        if found is not None:
            yield found


def _issue(constraint: Constraint, expression: Expression, value: Any, at: str, scope: Scope) -> Issue | None:
    problem = _problem(constraint, expression, value, scope)
    if problem is None:
        return None
    text = f"{at}: {problem} ({constraint.key})"
    return Issue(constraint.severity, "invariant", text, at, f"constraint-{constraint.key}")


def _problem(constraint: Constraint, expression: Expression, value: Any, scope: Scope) -> str | None:
    """None: the constraint holds, or says nothing."""
    if constraint.expression == _NARRATIVE:
        found = narrative_problem(value)
        # one expression for both: that it is empty is txt-2, the rest is txt-1
        return found if found and (found == NO_CONTENT) == (constraint.key == "txt-2") else None
    try:
        return constraint.human if expression.truth(value, scope.evaluation) is False else None
    except FhirPathError as error:
        return f"{constraint.human}: {error}"


def _without(name: str, other: str | None = None) -> Surely:
    """An element that is not there, or has the other one beside it; `_x` counts as being there."""
    beside = f"_{name}"
    if other is None:
        return lambda value: name not in value and beside not in value
    return lambda value: (name not in value and beside not in value) or other in value


def _in_order(value: Any) -> bool:
    """Two moments of one precision and one offset compare as text."""
    start, end = value.get("start"), value.get("end")
    if start is None or end is None:
        return "_start" not in value and "_end" not in value
    if type(start) is not str or type(end) is not str or len(start) != len(end):
        return False
    return start[19:] == end[19:] and start <= end


def _has_narrative(value: Any) -> bool:
    return "text" in value and "div" in value["text"]


_SURELY: dict[str, Surely] = {
    # dom-6, qty-3, cpt-2, att-1, per-1, obs-6
    "text.`div`.exists()": _has_narrative,
    "code.empty() or system.exists()": _without("code", "system"),
    "value.empty() or system.exists()": _without("value", "system"),
    "data.empty() or contentType.exists()": _without("data", "contentType"),
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _in_order,
    "dataAbsentReason.empty() or value.empty()": _without("dataAbsentReason"),
    # obs-7, prr-1, cpl-3
    "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()": (
        _without("component")
    ),
    "orderDetail.empty() or code.exists()": _without("orderDetail", "code"),
    "detail.empty() or reference.empty()": _without("detail"),
    # org-1; org-2 and org-3
    "(identifier.count() + name.count()) > 0": lambda value: "identifier" in value or "name" in value,
    "where(use = 'home').empty()": lambda value: value.get("use") != "home",
}
"""By expression; each holds for any value of a type that has the constraint and the right structure."""

"""constraint: what must be true of an element, as FHIRPath.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.constraint
"""

from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.fhirpath import Expression, FhirPathError, compile_expression
from fhir_server.outcome import DefinitionError, Severity
from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, problem
from fhir_server.validation.profile.occurrence import item
from fhir_server.validation.profile.run import Run

_TEXTS_KEPT = 2048  # for each constraint
_LONGEST = 128  # characters
_BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"


def constraint(definitions: Definitions, definition: dict[str, Any], source: str, at: str) -> Rule | None:
    """None: it has no expression to evaluate. Raises DefinitionError, which starts with `at`."""
    text = definition.get("expression")
    key = str(definition["key"])
    if not isinstance(text, str):
        return None
    try:
        compile_expression(text, definitions)
    except FhirPathError as error:
        raise DefinitionError(f"{at}: constraint {key}: {error}") from None
    severity = severity_of(definition)
    human = str(definition.get("human", text))

    expressions: dict[str, Expression] = {}  # by type
    fine: set[tuple[str, str]] = set()  # (type, text) for which it holds: codes come again and again

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        is_text = type(value) is str and beside is None
        if is_text and (type_, value) in fine:
            return NOTHING
        expression = expressions.get(type_)
        if expression is None:
            expression = expressions[type_] = compile_expression(text, definitions, type_)
        broken = is_broken(expression, item(value, beside, type_), run)
        if broken is None:
            if is_text and expression.is_of_item and len(fine) < _TEXTS_KEPT and len(value) <= _LONGEST:
                fine.add((type_, value))
            return NOTHING
        return problem(severity, "invariant", f"{human} ({key} of {source}){broken}", f"constraint-{key}")

    return rule


def severity_of(definition: dict[str, Any]) -> Severity:
    """Best practice is a warning, whatever the constraint says: nobody is bound to it."""
    if any(
        extension.get("url") == _BEST_PRACTICE and extension.get("valueBoolean") is True
        for extension in definition.get("extension", ())
    ):
        return "warning"
    return "error" if definition["severity"] == "error" else "warning"


def is_broken(expression: Expression, on: Any, run: Run) -> str | None:
    """None: it holds, or says nothing. Otherwise what a message ends with."""
    try:
        return "" if expression.truth(on, run.scope) is False else None
    except FhirPathError as error:
        return f": cannot be evaluated: {error}"

"""minValue[x] and maxValue[x]: the least and the greatest value.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.minValue_x_

Compared as FHIRPath compares: dates by their precision, quantities by their unit. What cannot be compared (a
year with a day of it) is not refused.
"""

from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.fhirpath import FhirPathError, compile_expression
from fhir_server.outcome import DefinitionError
from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, problem
from fhir_server.validation.profile.occurrence import item
from fhir_server.validation.profile.run import Run
from fhir_server.validation.scope import shown


def bound(
    definitions: Definitions, word: str, operator: str, name: str, wanted: Any, place: tuple[str, str]
) -> Rule:
    """word: `minValue` or `maxValue`; name: the property, `minValueDate`; place: profile and element."""
    source, id_ = place
    type_ = name.removeprefix(word)
    text = f"$this {operator} {_literal(type_, wanted)}"
    try:
        compile_expression(text, definitions, "Quantity" if type_ == "Quantity" else None)
    except FhirPathError as error:
        raise DefinitionError(f"{source}: {id_}: {name} is {shown(wanted)}: {error}") from None
    least = "at least" if word == "minValue" else "at most"

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        if value is None:
            return NOTHING
        expression = compile_expression(text, definitions, type_)
        try:
            fits = expression.truth(item(value, beside, type_), run.scope)
        except FhirPathError:
            return NOTHING  # a value of another type than the bound
        if fits is not False:
            return NOTHING
        found = f"found {shown(value)}, {source} wants {least} {shown(wanted)}"
        return problem("error", "value", found, "min-value" if word == "minValue" else "max-value")

    return rule


def _literal(type_: str, value: Any) -> str:
    match type_:
        case "Date":
            return f"@{value}"
        case "DateTime" | "Instant":
            return f"@{value}" if "T" in str(value) else f"@{value}T"
        case "Time":
            return f"@T{value}"
        case "Quantity" if isinstance(value, dict):
            unit = value.get("code") or value.get("unit")
            return f"{value.get('value')} {_quoted(str(unit))}" if unit else str(value.get("value"))
        case _:
            return str(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

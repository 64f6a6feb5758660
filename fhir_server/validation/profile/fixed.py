"""fixed[x]: this value and no other. pattern[x]: at least this.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.fixed_x_
https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.pattern_x_
"""

from typing import Any

from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, problem
from fhir_server.validation.profile.run import Run
from fhir_server.validation.scope import shown


def value_of(properties: dict[str, Any], word: str) -> Any:
    """What stands in `fixed[x]` or `pattern[x]`; None: nothing."""
    return next((value for name, value in properties.items() if _is(name, word)), None)


def _is(name: str, word: str) -> bool:
    return name.startswith(word) and name[len(word) : len(word) + 1].isupper()


def fixed(wanted: Any, source: str) -> Rule:
    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        if equals(value, wanted):
            return NOTHING
        text = f"found {shown(value)}, {source} wants exactly {shown(wanted)}"
        return problem("error", "value", text, "fixed")

    return rule


def pattern(wanted: Any, source: str) -> Rule:
    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        if matches(value, wanted):
            return NOTHING
        text = f"found {shown(value)}, {source} wants at least {shown(wanted)}"
        return problem("error", "value", text, "pattern")

    return rule


def equals(value: Any, wanted: Any) -> bool:
    """Equal as JSON: numbers by value, `true` is no number, the order of properties is free."""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and value.keys() == wanted.keys()
            and all(equals(value[name], one) for name, one in wanted.items())
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(equals, value, wanted))
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def matches(value: Any, wanted: Any) -> bool:
    """Whether all that is in `wanted` is in `value`; of an array each entry in some entry."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(
            name in value and matches(value[name], one) for name, one in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(matches(entry, one) for entry in value) for one in wanted)
    return equals(value, wanted)

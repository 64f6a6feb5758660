"""binding: the value set that a code is from, and how much that matters.

https://hl7.org/fhir/R4/terminologies.html#strength

required: an error. extensible: a warning, for no rule can tell whether another code was necessary. preferred:
an information. example: nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fhir_server.outcome import Severity
from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, problem
from fhir_server.validation.profile.run import Run
from fhir_server.validation.scope import shown

_MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
SEVERITIES: dict[str, Severity] = {"required": "error", "extensible": "warning", "preferred": "information"}
_QUANTITIES = frozenset(("Quantity", "Age", "Count", "Distance", "Duration", "Money"))
_CODES = frozenset(("code", "string", "uri", "url", "canonical"))

Code = tuple[str | None, str]
"""(system, code); None: the value set says which system"""


def binding(definition: dict[str, Any], source: str) -> Rule | None:
    """definition: ElementDefinition.binding; None: it binds to nothing that can be checked."""
    rules = list(_rules(definition))
    if not rules:
        return None

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        codes = list(codes_of(type_, value))
        if not codes and type_ != "CodeableConcept":
            return NOTHING
        found = NOTHING
        for value_set, severity, word in rules:
            if not codes:
                if word == "required" and value is not None:
                    text = f"found no code, {source} wants one of {value_set}"
                    found = [*found, *problem("error", "code-invalid", text, "binding-required")]
            elif among(run, value_set, codes) is False:
                found = [*found, *outside(codes, value_set, severity, word, source)]
        return found

    return rule


def outside(codes: Iterable[Code], value_set: str, severity: Severity, word: str, source: str) -> Found:
    """That none of them is in the value set; word: the strength of the binding, or "maximal"."""
    shown_codes = " and ".join(shown(_text(code)) for code in codes)
    text = f"{shown_codes} is not in {value_set}, the {word} value set of {source}"
    return problem(severity, "code-invalid", text, f"binding-{word}")


def _rules(definition: dict[str, Any]) -> Iterator[tuple[str, Severity, str]]:
    """(value set, severity, word) of the binding and of the outermost value set that it allows."""
    value_set, strength = definition.get("valueSet"), str(definition.get("strength"))
    if isinstance(value_set, str) and strength in SEVERITIES:
        yield value_set, SEVERITIES[strength], strength
    for extension in definition.get("extension", ()):
        if extension.get("url") == _MAX_VALUE_SET:
            found = extension.get("valueCanonical") or extension.get("valueUri")
            if isinstance(found, str):
                yield found, "error", "maximal"


def has_maximal(definition: dict[str, Any]) -> bool:
    """Whether a binding names an outermost value set too."""
    return any(extension.get("url") == _MAX_VALUE_SET for extension in definition.get("extension", ()))


def codes_of(type_: str, value: Any) -> Iterator[Code]:
    """The codes in a value; a Quantity without a code has none."""
    if type_ in _CODES and isinstance(value, str):
        yield None, value
    elif type_ == "CodeableConcept" and isinstance(value, dict):
        for coding in value.get("coding", ()):
            yield from codes_of("Coding", coding)
    elif (type_ == "Coding" or type_ in _QUANTITIES) and isinstance(value, dict) and "code" in value:
        yield str(value.get("system", "")), str(value["code"])


def is_member(run: Run, type_: str, value: Any, value_set: str) -> bool | None:
    """memberOf(): None when it cannot be decided."""
    codes = list(codes_of(type_, value))
    return among(run, value_set, codes) if codes else False


def among(run: Run, value_set: str, codes: Sequence[Code]) -> bool | None:
    """Whether one of the codes is in the value set; None: that cannot be decided."""
    listed = run.library.codes(value_set)
    if listed is None:
        answers = [run.questions.contains(value_set, system, code) for system, code in codes]
        return True if True in answers else None if None in answers else False
    for system, code in codes:
        if code in run.library.codes_alone(value_set) if system is None else (system, code) in listed:
            return True
    return False


def _text(code: Code) -> str:
    system, text = code
    return text if system is None else f"{system}|{text}"

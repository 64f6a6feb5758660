"""Required bindings: a code from the value set and no other.

https://hl7.org/fhir/R4/terminologies.html#required

Only value sets whose codes can be listed are checked here, and currencies by their form.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from fhir_server.definitions.types import Element
from fhir_server.outcome import Issue
from fhir_server.suggestion import did_you_mean
from fhir_server.validation.scope import shown

Codes = frozenset[tuple[str, str]]
"""(system, code)"""
FindCodes = Callable[[str], Codes | None]
"""By the canonical of the value set; None: its codes cannot be listed."""
Permits = Callable[[Any], bool]

_FORMS = {"http://hl7.org/fhir/ValueSet/currencies": re.compile("[A-Z]{3}")}
"""ISO 4217 is not at hand, and grows; its alphabetic codes have three letters."""

_LISTED = 12  # codes that a message lists; more are too many to read


def required_codes(element: Element, find_codes: FindCodes) -> Codes | None:
    """The codes that the element may have; None: any."""
    binding = element.binding
    if binding is None or binding.strength != "required" or binding.value_set is None:
        return None
    return find_codes(binding.value_set)


def allowed(element: Element, type_name: str, find_codes: FindCodes) -> Permits | None:
    """Whether the binding of an element lets a well-formed value stand; None: it lets any."""
    codes = required_codes(element, find_codes)
    if codes is not None:
        return _among(type_name, codes)
    form = _FORMS.get(element.binding.value_set or "") if element.binding is not None else None
    return None if form is None or type_name != "code" else lambda value: form.fullmatch(value) is not None


def _among(type_name: str, codes: Codes) -> Permits | None:
    """Whether a well-formed value of a type is among `codes`; None: values of the type have no code."""

    def coding(value: Any) -> bool:
        return (value.get("system", ""), value.get("code")) in codes

    match type_name:
        case "code" | "string" | "uri" | "url" | "canonical":
            return frozenset(code for _, code in codes).__contains__
        case "Coding":
            return coding
        case "CodeableConcept":
            # one of the codings is enough: the others are translations
            return lambda value: any(map(coding, value.get("coding", ())))
        case "Quantity" | "Age" | "Count" | "Distance" | "Duration":
            return lambda value: "code" not in value or coding(value)
        case _:
            return None


def issues(element: Element, type_name: str, value: Any, at: str, find_codes: FindCodes) -> Iterator[Issue]:
    permits = allowed(element, type_name, find_codes)
    if permits is None or permits(value) or element.binding is None:
        return
    names = sorted({code for _, code in required_codes(element, find_codes) or ()})
    among = f", one of {', '.join(names)}" if 0 < len(names) <= _LISTED else ""
    hint = did_you_mean(value, names) if isinstance(value, str) else ""
    text = f"{at}: {_found(value)} is not a code of {element.binding.value_set}{among}{hint}"
    yield Issue("error", "code-invalid", text, at)


def _found(value: Any) -> str:
    if isinstance(value, str):
        return shown(value)
    codings = value.get("coding", ()) if "coding" in value or "text" in value else (value,)
    return " and ".join(shown(_token(coding)) for coding in codings) or "a concept without a coding"


def _token(coding: dict[str, Any]) -> str:
    return f"{coding.get('system', '')}|{coding.get('code', '')}"

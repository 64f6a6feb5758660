"""type: the types an element may have, and the profiles these conform to.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.type
"""

from collections.abc import Iterable, Iterator
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.snapshot import SYSTEM_TYPE
from fhir_server.definitions.types import Element
from fhir_server.validation.profile.finding import NOTHING, Beside, Found, Rule, problem, unknown
from fhir_server.validation.profile.reference import reference
from fhir_server.validation.profile.run import Run

_POINTERS = ("Reference", "canonical")


def types(
    definitions: Definitions, listed: list[dict[str, Any]], element: Element, source: str
) -> Iterator[Rule]:
    """The rules of ElementDefinition.type; element: what the base says."""
    codes = [str(type_.get("code")) for type_ in listed]
    if any(code.startswith(SYSTEM_TYPE) for code in codes):
        return
    if (element.choice or element.types == ("Resource",)) and not set(codes) >= set(element.types):
        yield _codes(definitions, codes, source)
    profiles = {
        str(type_["code"]): tuple(type_["profile"])
        for type_ in listed
        if type_.get("profile")
        and type_.get("code") != "Extension"  # extensions are checked by their own file
    }
    if profiles:
        yield _profiles(profiles, source)
    for type_ in listed:
        if type_.get("code") in _POINTERS and (rule := reference(definitions, listed, element, source)):
            yield rule
            return


def _codes(definitions: Definitions, codes: Iterable[str], source: str) -> Rule:
    allowed = frozenset(codes)

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        if type_ in allowed or any(definitions.is_a(type_, code) for code in allowed):
            return NOTHING
        text = f"found {_a(type_)}, {source} allows {', '.join(sorted(allowed))}"
        return problem("error", "structure", text, "type")

    return rule


def _profiles(profiles: dict[str, tuple[str, ...]], source: str) -> Rule:
    """Of several profiles one is enough."""

    def rule(value: Any, beside: Beside, type_: str, run: Run) -> Found:
        wanted = profiles.get(type_, ())
        if len(wanted) == 1:
            profile = run.library.profile(wanted[0])
            return unknown(wanted[0]) if profile is None else profile.rule(value, beside, type_, run)
        found = NOTHING
        for canonical in wanted:
            conforms, unknown_ones = run.tries(canonical, value, beside, type_)
            found = [*found, *unknown_ones]
            if conforms:
                return found
        if not wanted:
            return NOTHING
        text = f"conforms to none of {', '.join(wanted)}, {source} wants one of them"
        return [*found, *problem("error", "structure", text, "type-profile")]

    return rule


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "AEIOaeio" else f"a {name}"

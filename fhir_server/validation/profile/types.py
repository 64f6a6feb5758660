"""type: the types an element may have, and the profiles these conform to.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.type
"""

from collections.abc import Iterable, Iterator
from typing import Any

from fhir_server.definitions.registry import Definitions
from fhir_server.definitions.snapshot import SYSTEM_TYPE
from fhir_server.definitions.types import Element
from fhir_server.validation.profile.focus import Focus
from fhir_server.validation.profile.reference import reference
from fhir_server.validation.profile.run import Check, Run

_POINTERS = ("Reference", "canonical")


def types(
    definitions: Definitions, listed: list[dict[str, Any]], element: Element, source: str
) -> Iterator[Check]:
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


def _codes(definitions: Definitions, codes: Iterable[str], source: str) -> Check:
    allowed = frozenset(codes)

    def check(focus: Focus, run: Run) -> None:
        if focus.type not in allowed and not any(definitions.is_a(focus.type, code) for code in allowed):
            text = f"found {_a(focus.type)}, {source} allows {', '.join(sorted(allowed))}"
            run.report("error", "structure", text, focus.at, "type")

    return check


def _profiles(profiles: dict[str, tuple[str, ...]], source: str) -> Check:
    """Of several profiles one is enough."""

    def check(focus: Focus, run: Run) -> None:
        wanted = profiles.get(focus.type, ())
        if len(wanted) == 1:
            profile = run.library.profile(wanted[0])
            if profile is None:
                run.unknown.setdefault(wanted[0], focus.at)
            else:
                profile.check(focus, run)
        elif wanted and not any(run.conforms(focus, canonical) for canonical in wanted):
            text = f"conforms to none of {', '.join(wanted)}, {source} wants one of them"
            run.report("error", "structure", text, focus.at, "type-profile")

    return check


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "AEIOaeio" else f"a {name}"

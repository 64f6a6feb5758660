"""In-parameters of the operations on referrals, as their OperationDefinitions in profiles/ name them."""

from typing import Any

from fhir_server.alliance.referral.elements import Element
from fhir_server.outcome import bad_value

_DERIVED = ("requester", "performer", "reason", "careSetting", "priority", "placerNumber", "consent")

KNOWN: dict[str, tuple[str, ...]] = {
    "accept": ("businessStatus", "appointment", "encounter", "note"),
    "arrive": ("time", "businessStatus", "encounter"),
    "available-actions": (),
    "check-capacity": ("organization", "specialty", "serviceType", "bedType"),
    "complete": (
        "feedback", "noFeedbackReason", "downReferral", "encounter", "businessStatus", "end", "note",
    ),
    "convert-consult-to-referral": (*_DERIVED, "direction"),
    "refer-back": _DERIVED,
    "reject": ("reason", "text"),
    "request-info": ("question",),
    "submit-referral": ("resource",),
}  # fmt: skip


def concept_of(name: str, value: Any, system: str | None = None) -> Element:
    """A CodeableConcept, however it was given; a text is a code of `system`, or (None) words."""
    match value:
        case {"coding": _} | {"text": _}:
            found: Element = value
            return found
        case {"code": str()}:
            return {"coding": [value]}
        case str():
            return {"text": value} if system is None else {"coding": [{"system": system, "code": value}]}
    raise bad_value(
        f"{name} takes a CodeableConcept, a Coding or a code", f"Parameters.parameter.where(name = '{name}')"
    )


def token_of(name: str, value: Any) -> str:
    """What a token search asks for: `system|code`, or what was written."""
    if isinstance(value, str):
        return value
    coding = concept_of(name, value).get("coding", [{}])[0]
    return (
        f"{coding['system']}|{coding.get('code', '')}" if "system" in coding else str(coding.get("code", ""))
    )

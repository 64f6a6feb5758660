"""Rules of rotations: where an expert is posted, how long, and what is done there.

https://hl7.org/fhir/R4/practitionerrole.html, https://hl7.org/fhir/R4/appointment.html

A PractitionerRole is a rotation by its code of rotation-mode, an Appointment an activity by its serviceType
of rotation-activity, whatever profile they claim. What an operator loads from other systems is history: the
rules do not judge it.
"""

from collections.abc import Iterable

from fhir_server.alliance.elements import codes, end_moment, extensions, first_moment, target, value
from fhir_server.alliance.membership import institution, overlap
from fhir_server.interactions.request import OPERATOR
from fhir_server.interactions.rules import Proposal, Rules
from fhir_server.outcome import business_rule
from fhir_server.resource import Resource

MODE, ACTIVITY = "rotation-mode", "rotation-activity"
_NOT_HELD = frozenset(("cancelled", "noshow", "entered-in-error"))
_NOT_IN_FORCE = frozenset(("cancelled", "entered-in-error", "rejected", "revoked", "terminated"))
_COUNTS = ("served-count", "attendee-count", "activity-outcome")
_FOUND_AT_ONCE = 1000

Span = tuple[int | None, int | None]
"""The first microsecond, and the first one after it; None: unbounded."""


async def rotation(proposal: Proposal) -> Resource | None:
    """Raises 422 for a posting at home, outside its agreement, beside another, or without its activities."""
    after = proposal.after
    if after is None or not is_rotation(after) or _is_history(proposal):
        return after
    await _require_away(proposal, after)
    await _require_agreement(proposal, after)
    if after.get("active") is not False:
        await _require_one_place(proposal, after)
    if proposal.before is not None and proposal.before.get("period") != after.get("period"):
        await _require_activities_inside(proposal, after)
    return after


def _is_history(proposal: Proposal) -> bool:
    return proposal.request.organization == OPERATOR


def is_rotation(role: Resource) -> bool:
    return next(codes(role.get("code", ()), MODE), None) is not None


async def _require_away(proposal: Proposal, role: Resource) -> None:
    bases = _bases(proposal)
    home, there = target(value(role, "home-organization"), bases), target(role.get("organization"), bases)
    if home is None or there is None:
        return
    if home == there or await institution(proposal.unit, home, bases) == await institution(
        proposal.unit, there, bases
    ):
        text = f"a rotation leads away from home: {home} and {there} are of one institution"
        raise business_rule(text, "PractitionerRole.organization")


async def _require_agreement(proposal: Proposal, role: Resource) -> None:
    """The period lies in that of an agreement, when the rotation names any."""
    agreements = [
        target(each.get("valueReference"), _bases(proposal)) for each in extensions(role, "agreement")
    ]
    if not agreements:
        return
    reasons = []
    for name in agreements:
        contract = await proposal.unit.resource(name) if name else None
        if contract is None:
            reasons.append(f"{name or 'the agreement'} is not here")
        elif contract.get("status") in _NOT_IN_FORCE:
            reasons.append(f"{name} is {contract['status']}")
        elif not _within(_span(role.get("period", {})), contract.get("applies", {})):
            reasons.append(f"{name} applies {_shown(contract.get('applies', {}))}")
        else:
            return
    text = f"the period {_shown(role.get('period', {}))} is in no agreement: {'; '.join(reasons)}"
    raise business_rule(text, "PractitionerRole.period")


async def _require_one_place(proposal: Proposal, role: Resource) -> None:
    """Rotations of a person do not overlap, but for several sites at once when both say so."""
    bases = _bases(proposal)
    practitioner = target(role.get("practitioner"), bases)
    if practitioner is None:
        return
    for other in await proposal.unit.find("PractitionerRole", f"practitioner={practitioner}", _FOUND_AT_ONCE):
        if other["id"] == proposal.id or other.get("active") is False or not is_rotation(other):
            continue
        several = value(role, "multi-site-practice") is True and value(other, "multi-site-practice") is True
        elsewhere = target(role.get("organization"), bases) != target(other.get("organization"), bases)
        if overlap(role, other) and not (several and elsewhere):
            text = f"{practitioner} is posted by PractitionerRole/{other['id']} in the same time"
            raise business_rule(text, "PractitionerRole.period")


async def _require_activities_inside(proposal: Proposal, role: Resource) -> None:
    criteria = f"actor=PractitionerRole/{proposal.id}"
    for each in await proposal.unit.find("Appointment", criteria, _FOUND_AT_ONCE):
        held = each.get("status") not in _NOT_HELD and is_activity(each)
        if held and not _within(_times(each), role.get("period", {})):
            text = f"Appointment/{each['id']} ({each.get('start')}) would be outside of the period"
            raise business_rule(text, "PractitionerRole.period")


# ---- activities


async def activity(proposal: Proposal) -> Resource | None:
    """Raises 422 for an activity of a patient, outside of its posting, or fulfilled and not counted."""
    after = proposal.after
    if after is None or not is_activity(after) or _is_history(proposal):
        return after
    if after.get("status") in _NOT_HELD:
        return after
    bases = _bases(proposal)
    actors = [target(each.get("actor"), bases) for each in after.get("participant", ())]
    for name in actors:
        if name is not None and name.startswith("Patient/"):
            text = f"an activity is of a group, {name} takes no part in it; a visit is an Encounter"
            raise business_rule(text, "Appointment.participant")
    if after.get("status") == "fulfilled" and not _is_counted(after):
        text = f"a fulfilled activity has one of the extensions {', '.join(_COUNTS)}"
        raise business_rule(text, "Appointment.status")
    await _require_posted(proposal, after, (name for name in actors if name))
    return after


ROTATION_RULES: Rules = {"PractitionerRole": (rotation,), "Appointment": (activity,)}


def is_activity(appointment: Resource) -> bool:
    return next(codes(appointment.get("serviceType", ()), ACTIVITY), None) is not None


def _is_counted(appointment: Resource) -> bool:
    return any(next(extensions(appointment, name), None) is not None for name in _COUNTS)


async def _require_posted(proposal: Proposal, appointment: Resource, actors: Iterable[str]) -> None:
    for name in actors:
        if not name.startswith("PractitionerRole/"):
            continue
        role = await proposal.unit.resource(name)
        if (
            role is not None
            and is_rotation(role)
            and not _within(_times(appointment), role.get("period", {}))
        ):
            posted, start = _shown(role.get("period", {})), appointment.get("start")
            raise business_rule(f"{name} is posted {posted}, the activity is at {start}", "Appointment.start")


def _times(appointment: Resource) -> Span:
    return first_moment(appointment.get("start")), first_moment(appointment.get("end"))


def _span(period: Resource) -> Span:
    return first_moment(period.get("start")), end_moment(period.get("end"))


def _within(inner: Span, outer: Resource) -> bool:
    """Whether a span lies in a Period; without limits they are unbounded."""
    (start, end), (least, most) = inner, _span(outer)
    if least is not None and (start is None or start < least):
        return False
    return most is None or (end is not None and end <= most)


def _shown(period: Resource) -> str:
    return f"{period.get('start', '…')} – {period.get('end', '…')}"


def _bases(proposal: Proposal) -> tuple[str, ...]:
    return (proposal.request.base_url.rstrip("/"),)

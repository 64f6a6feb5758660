"""No time is booked twice: what an Appointment holds of a Slot.

https://hl7.org/fhir/R4/slot.html, https://hl7.org/fhir/R4/appointment.html

Of many who book one Slot at once one succeeds, and the others are told 409: an Appointment and the status of
its Slots change in one unit of work.
"""

from typing import Any

from fhir_server.interactions.request import OPERATOR, SERVER
from fhir_server.interactions.rules import Proposal, Rules, Unit, reference_parts
from fhir_server.outcome import edit_conflict
from fhir_server.resource import Resource

HOLDING = {
    "pending": "busy-tentative",
    "booked": "busy",
    "arrived": "busy",
    "checked-in": "busy",
    "fulfilled": "busy",
    "noshow": "busy",
}
"""Appointment.status → the status of its Slots; of others (proposed, cancelled …) they are not held."""

_HELD = frozenset(HOLDING.values())


async def booking(proposal: Proposal) -> Resource | None:
    """Takes the Slots that the Appointment now holds, and gives back those that it holds no more.

    A Slot that is not here is nobody's to give. Raises 409 for one that is not free. What an operator loads
    is taken as it is: its Slots say already who has them.
    """
    if proposal.request.organization in (OPERATOR, SERVER):
        return proposal.after
    before, after = _held(proposal.before), _held(proposal.after)
    for reference in before.keys() - after.keys():
        await _set(proposal.unit, reference, "free", given_back=True)
    for reference, status in after.items():
        if reference not in before:
            await _require_free(proposal, reference)
        if before.get(reference) != status:
            await _set(proposal.unit, reference, status)
    return proposal.after


BOOKING_RULES: Rules = {"Appointment": (booking,)}


def _held(appointment: Resource | None) -> dict[str, str]:
    """`Slot/1` → the status that it has to have."""
    if appointment is None:
        return {}
    status = HOLDING.get(appointment.get("status", ""))
    if status is None:
        return {}
    parts = (reference_parts(each.get("reference")) for each in appointment.get("slot", ()))
    return {f"Slot/{each[1]}": status for each in parts if each is not None and each[0] == "Slot"}


async def _require_free(proposal: Proposal, reference: str) -> None:
    slot = await proposal.unit.resource(reference)
    if slot is None:
        return
    others = await proposal.unit.find("Appointment", f"slot={reference}&status={','.join(HOLDING)}", limit=2)
    if slot["status"] != "free" or any(each["id"] != proposal.id for each in others):
        raise edit_conflict(f"{reference} is {_said(slot)}, only a Slot that is free can be booked")


def _said(slot: dict[str, Any]) -> str:
    return "booked by another Appointment" if slot["status"] in (*_HELD, "free") else slot["status"]


async def _set(unit: Unit, reference: str, status: str, *, given_back: bool = False) -> None:
    slot = await unit.resource(reference)
    if slot is None or (given_back and slot["status"] not in _HELD):
        return  # what the owner of the Slot has blocked meanwhile stays so
    if slot["status"] != status:
        await unit.put(slot | {"status": status})

"""The table of a referral's Task: from which state to which, by whom, on which conditions, with what effect.

Enforcement (`task.py`), `$available-actions`, the operations and docs/referral.md come from these rows.
The statuses are those of https://hl7.org/fhir/R4/task.html, `businessStatus` has codes of the code system
referral-business-status.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Actor = Literal["placer", "filler", "dispatch", "server"]
ACTORS: dict[Actor, str] = {
    "placer": "the organisation of Task.requester, or a department of it",
    "filler": "the organisation of Task.owner, or a department of it",
    "dispatch": "an emergency dispatch centre (120)",
    "server": "the server by itself",
}
Guard = Literal[
    "request-is-active", "same-placer", "consent", "affiliates", "coded-reason", "reason", "question",
    "arrival", "not-arrived", "feedback", "down-referral", "onward-referral", "overdue", "abort-accepted",
    "same-organization", "request-is-revoked", "request-is-in-error",
]  # fmt: skip
Effect = Literal[
    "filler-number", "deadline", "denormalise", "ask-placer", "resume-clock", "notify-placer",
    "complete-request", "alert", "provenance",
]  # fmt: skip

EFFECTS: dict[Effect, str] = {
    "filler-number": "a number of the filler (FILL) is given",
    "deadline": "`restriction.period.end` by the priority",
    "denormalise": "direction, care setting, category and green channel of the ServiceRequest are copied",
    "ask-placer": "a Communication and a Task for the placer are made; the clock of the deadline stops",
    "resume-clock": "the Task for the placer is completed; the deadline moves by the time that it took",
    "notify-placer": "a Communication to the placer",
    "complete-request": "the ServiceRequest is completed",
    "alert": "a Communication to the placer and to the coordinator of the alliance",
    "provenance": "a Provenance that names the owner before",
}


class State(NamedTuple):
    """A status, with some business statuses; (): any of them."""

    status: str
    business: tuple[str, ...] = ()

    def holds(self, status: str | None, business: str | None) -> bool:
        return status == self.status and (not self.business or business in self.business)


@dataclass(frozen=True, slots=True)
class Row:
    rule: str  # T1 … T16; S5: what follows from that rule of the ServiceRequest
    title: str
    before: tuple[State, ...]  # of the Task; `NEW`: there is none
    # the first business status is taken when the client gives none; where there is none it stays as it is
    after: State
    actors: tuple[Actor, ...]
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()

    def leads_from(self, status: str | None, business: str | None) -> bool:
        return any(each.holds(status, business) for each in self.before)

    def leads_to(self, status: str | None, business: str | None) -> bool:
        """business: None when a client leaves it to the server."""
        return self.after.status == status and (business is None or self.after.holds(status, business))


NEW = State("-")
_DRAFT, _REQUESTED, _RECEIVED = State("draft"), State("requested"), State("received")
_ACCEPTED, _IN_PROGRESS, _ON_HOLD = State("accepted"), State("in-progress"), State("on-hold")
_WAITING = State("received", ("awaiting-information",))
_HERE = ("arrived", "admitted", "visited")
_LATER = ("interim-report", "ready-for-down-referral")

ROWS: tuple[Row, ...] = (
    Row(
        "T1", "submit", (NEW, _DRAFT), State("requested", ("submitted",)), ("placer",),
        ("same-placer", "request-is-active", "consent", "affiliates"),
        ("filler-number", "denormalise", "deadline"),
    ),
    Row(
        "T2", "receive", (_REQUESTED,), State("received", ("received",)), ("filler",),
        ("request-is-active",),
    ),
    Row(
        "T3", "accept", (_REQUESTED, _RECEIVED, _ACCEPTED),
        State("accepted", ("accepted", "bed-reserved", "appointment-booked")), ("filler",),
        ("request-is-active",),
    ),
    Row(
        "T4", "reject", (_REQUESTED, _RECEIVED), State("rejected", ("declined",)), ("filler",),
        ("coded-reason",),
    ),
    Row(
        "T5", "request information", (State("received", ("received",)),), _WAITING, ("filler",),
        ("question",), ("ask-placer",),
    ),
    Row(
        "T5", "give information", (_WAITING,), State("received", ("received",)), ("placer",), (),
        ("resume-clock",),
    ),
    Row(
        "T6", "cancel", (_REQUESTED, _RECEIVED, _ACCEPTED),
        State("cancelled", ("cancelled-by-placer", "cancelled-by-patient")), ("placer",), ("reason",),
    ),
    Row(
        "T6", "cancel with its request", (_REQUESTED, _RECEIVED, _ACCEPTED),
        State("cancelled", ("cancelled-by-placer",)), ("server",), ("request-is-revoked", "reason"),
    ),
    Row(
        "T7", "depart", (_ACCEPTED,), State("in-progress", ("in-transit",)), ("placer", "dispatch"),
        ("request-is-active",),
    ),
    Row(
        "T8", "arrive", (_ACCEPTED, _IN_PROGRESS), State("in-progress", _HERE), ("filler",),
        ("request-is-active", "arrival"),
    ),
    Row("T8", "report in between", (_IN_PROGRESS,), State("in-progress", _LATER), ("filler",), ("arrival",)),
    Row(
        "T9", "miss", (_ACCEPTED, _IN_PROGRESS), State("in-progress", ("no-show", "appointment-cancelled")),
        ("filler",), ("not-arrived",), ("notify-placer",),
    ),
    Row("T10", "hold", (_IN_PROGRESS,), State("on-hold", ("on-hold",)), ("filler",), ("reason",)),
    Row(
        "T10", "go on", (_ON_HOLD,), State("in-progress", (*_HERE, *_LATER)), ("filler",), ("arrival",),
    ),
    Row(
        "T11", "complete", (_IN_PROGRESS,), State("completed", ("outcome-returned",)), ("filler",),
        ("feedback",), ("complete-request",),
    ),
    Row(
        "T11", "complete with a down-referral", (_IN_PROGRESS,), State("completed", ("down-referred",)),
        ("filler",), ("feedback", "down-referral"), ("complete-request",),
    ),
    Row(
        "T12", "fail", (_IN_PROGRESS, _ACCEPTED),
        State("failed", ("no-show-final", "died", "left", "unable")), ("filler",), ("reason",),
    ),
    Row("T13", "expire", (_REQUESTED,), State("failed", ("expired",)), ("server",), ("overdue",), ("alert",)),
    Row(
        "T14", "fail as the placer wished", (_IN_PROGRESS, _ON_HOLD),
        State("failed", ("cancelled-by-placer", "cancelled-by-patient")), ("server",), ("abort-accepted",),
    ),
    Row(
        "T14", "hold as the placer wished", (_IN_PROGRESS,), State("on-hold", ("on-hold",)), ("server",),
        ("abort-accepted",),
    ),
    Row(
        "S5", "enter in error with its request", (_REQUESTED, _RECEIVED, _ACCEPTED, _IN_PROGRESS, _ON_HOLD),
        State("entered-in-error"), ("server",), ("request-is-in-error",),
    ),
    Row(
        "T16", "hold for an onward referral", (_IN_PROGRESS,), State("on-hold", ("on-hold",)), ("filler",),
        ("onward-referral",),
    ),
    Row(
        "T16", "complete by an onward referral", (_IN_PROGRESS,), State("completed", ("outcome-returned",)),
        ("filler",), ("onward-referral", "feedback"), ("complete-request",),
    ),
)  # fmt: skip

HANDOVER = Row(
    "T15", "hand over", (_REQUESTED, _RECEIVED, _ACCEPTED, _IN_PROGRESS, _ON_HOLD), State("="), ("filler",),
    ("same-organization",), ("provenance",),
)  # fmt: skip
"""The state stays as it is, Task.owner changes."""

ABORT = Row(
    "T14", "wish to cancel", (_IN_PROGRESS,), State("="), ("placer",),
)  # fmt: skip
"""The placer makes a Task with the code abort whose focus is this one; its state stays as it is."""

TABLE = (*ROWS, HANDOVER, ABORT)


def rows_from(status: str | None, business: str | None) -> list[Row]:
    """The rows that lead on from a state; None: there is no Task."""
    return [row for row in ROWS if row.leads_from(status or NEW.status, business)]


def rows_to(status: str | None) -> list[Row]:
    return [row for row in ROWS if row.after.status == status]


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A change of ServiceRequest.status; `-`: there is none."""

    rule: str
    before: tuple[str, ...]
    after: str
    actors: tuple[Actor, ...]
    condition: str = ""
    effect: str = ""  # on its Tasks


REQUEST_ROWS: tuple[RequestRow, ...] = (
    RequestRow("S1", ("-",), "draft", ("placer",)),
    RequestRow("S1", ("-", "draft"), "active", ("placer",)),
    RequestRow("S2", ("active",), "on-hold", ("placer",)),
    RequestRow("S2", ("on-hold",), "active", ("placer",)),
    RequestRow(
        "S3", ("active", "on-hold"), "revoked", ("placer",),
        "no Task of it is beyond accepted, or the filler has accepted that it is aborted",
        "Tasks that are open are cancelled (T6), those on hold after a wish to cancel fail (T14)",
    ),
    RequestRow("S4", ("active",), "completed", ("server", "placer")),
    RequestRow(
        "S5", ("draft", "active", "on-hold", "revoked", "completed"), "entered-in-error", ("placer",),
        "no Task of it has an output",
        "Tasks that are open are entered in error too",
    ),
)  # fmt: skip
"""A filler never changes the status."""


def request_rows_from(status: str | None) -> list[RequestRow]:
    return [row for row in REQUEST_ROWS if (status or "-") in row.before]

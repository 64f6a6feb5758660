"""A referral before it is written down: who, where to, what became of it and when.

Everything hangs on the arrival: what comes before it is counted back from it, what comes after forward.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from fhir_server.alliance.sample.elements import at
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.scenarios import Diagnosis, State, deadline
from fhir_server.resource import Resource

_STAYS_OPEN = at(date(2036, 12, 31), 18)
"""What waits for an answer in the sample waits on: a server would fail it when its time is over."""

Direction = Literal["up", "down", "horizontal"]


@dataclass(frozen=True, slots=True)
class Case:
    key: str  # "up-007"
    direction: Direction
    state: State
    diagnosis: Diagnosis
    sender: Doctor
    receiver: Doctor
    patient: Resource
    authored: datetime
    arrival: datetime  # or when he was expected
    stay: timedelta
    setting: str = "I"  # v2-0284
    based_on: Resource | None = None  # the ServiceRequest of the way before; None: there was none
    test: bool = False
    handed_over: bool = False  # from the hospital to a doctor of it (T15)

    @property
    def green_channel(self) -> str | None:
        """A code of green-channel-type; None: the ordinary way."""
        return self.diagnosis.green_channel if self.direction == "up" else None

    @property
    def deadline(self) -> datetime:
        if self.state.status == "requested":
            return _STAYS_OPEN
        return deadline("stat" if self.green_channel else self.diagnosis.priority, self.authored)

    @property
    def end(self) -> datetime:
        return self.arrival + self.stay

    @property
    def milestones(self) -> list[tuple[str, datetime]]:
        """Each business status with the moment at which it was first reached, in their order."""
        return [(status, _whole(_WHEN[status](self))) for status in self.state.path]

    def before(self, part: float) -> datetime:
        """At a part of the time that there was to answer: until the deadline, but ahead of the arrival."""
        window = min(self.deadline - self.authored, (self.arrival - self.authored) * 0.7)
        return self.authored + window * part


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _in_hospital(part: float) -> Callable[[Case], datetime]:
    return lambda case: case.arrival + case.stay * part


_WHEN: dict[str, Callable[[Case], datetime]] = {
    "submitted": lambda case: case.authored,
    "received": lambda case: case.before(0.25),
    "awaiting-information": lambda case: case.before(0.4),
    "accepted": lambda case: case.before(0.7),
    "bed-reserved": lambda case: case.before(0.7),
    "appointment-booked": lambda case: case.before(0.7),
    "declined": lambda case: case.before(0.8),
    "cancelled-by-placer": lambda case: (
        case.arrival - (case.arrival - case.authored) * 0.1
        if "in-transit" in case.state.path
        else case.before(0.8)
    ),
    "cancelled-by-patient": lambda case: case.before(0.9),
    "in-transit": lambda case: case.arrival - (case.arrival - case.authored) * 0.2,
    "arrived": lambda case: case.arrival,
    "admitted": lambda case: case.arrival + timedelta(minutes=25 if "arrived" in case.state.path else 0),
    "visited": lambda case: case.arrival,
    "no-show": lambda case: case.arrival + timedelta(hours=2),
    "no-show-final": lambda case: case.arrival + timedelta(days=1),
    "interim-report": _in_hospital(0.4),
    "on-hold": _in_hospital(0.3),
    "ready-for-down-referral": _in_hospital(0.8),
    "outcome-returned": _in_hospital(1),
    "down-referred": _in_hospital(1),
    "died": _in_hospital(0.9),
    "left": _in_hospital(0.6),
    "unable": lambda case: case.end if case.state.arrived else case.before(0.95),
    "expired": lambda case: case.deadline,
}

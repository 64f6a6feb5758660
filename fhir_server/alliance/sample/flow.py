"""How referrals spread over time and over the members: the part that is the same in every network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from fhir_server.alliance.sample.cases import Case, Direction
from fhir_server.alliance.sample.patients import Register
from fhir_server.alliance.sample.practitioners import Doctor
from fhir_server.alliance.sample.scenarios import Diagnosis, State
from fhir_server.resource import Resource

# minutes from the request to the arrival
_LEADS = {"stat": (30, 120), "asap": (120, 480), "urgent": (360, 1800), "routine": (1200, 5760)}


@dataclass(frozen=True, slots=True)
class Window:
    """[start, end)"""

    start: datetime
    end: datetime

    def moment(self, chance: Random) -> datetime:
        """Any minute of it."""
        minutes = int((self.end - self.start).total_seconds()) // 60
        return self.start + timedelta(minutes=chance.randrange(minutes))


@dataclass(frozen=True, slots=True)
class Journey:
    """From whom to whom, with what."""

    direction: Direction
    sender: Doctor
    receiver: Doctor
    diagnosis: Diagnosis
    setting: str = "I"  # v2-0284
    test: bool = False


def case(
    key: str, state: State, journey: Journey, patient: Resource, arrival: datetime, chance: Random
) -> Case:
    priority = journey.diagnosis.priority
    lead = timedelta(minutes=chance.randrange(*_LEADS[priority]))
    days = 30 if state.open else chance.randrange(3, 15)
    return Case(
        key=key,
        direction=journey.direction,
        state=state,
        diagnosis=journey.diagnosis,
        sender=journey.sender,
        receiver=journey.receiver,
        patient=patient,
        authored=arrival - lead,
        arrival=arrival,
        stay=timedelta(days=days, hours=chance.randrange(-6, 7))
        if journey.setting == "I"
        else timedelta(hours=2),
        setting=journey.setting,
        test=journey.test,
    )


def way_on(key: str, before: Case, request: Resource, state: State, journey: Journey, chance: Random) -> Case:
    """Down again or further up, on the request by which he came, an hour before its last milestone."""
    authored = before.milestones[-1][1] - timedelta(hours=1)
    arrival = authored + timedelta(minutes=chance.randrange(*_LEADS[journey.diagnosis.priority]))
    found = case(key, state, journey, before.patient, arrival, chance)
    return replace(found, authored=authored, based_on=request)


class People:
    """Who the patients are: so many of each kind, in an order drawn by lot; the rest are residents."""

    def __init__(self, register: Register, chance: Random, kinds: dict[str, int], total: int) -> None:
        self._register = register
        self._chance = chance
        self._kinds = [kind for kind, number in kinds.items() for _ in range(number)]
        self._kinds += ["resident"] * (total - 1 - len(self._kinds))
        chance.shuffle(self._kinds)
        self._kinds.append("resident")  # the first one has not been here before
        self._twin: Resource | None = None
        self._known: list[Resource] = []

    def next(self, home: Doctor) -> tuple[Resource, bool]:
        """Whose turn it is, and whether he has been here before."""
        match self._kinds.pop():
            case "again":
                return self._chance.choice(self._known), True
            case "twin":
                found, self._twin = self._twin, None
                if found is None:
                    found, self._twin = self._register.twins(home)
            case "nameless":
                return self._register.nameless(home), False
            case "misnumbered":
                found = self._register.misnumbered(home)
            case _:
                found = self._register.resident(home)
        self._known.append(found)
        return found, False


def drawn(states: Sequence[tuple[State, int]], chance: Random) -> list[State]:
    """So many of each, in an order drawn by lot."""
    found = [state for state, number in states for _ in range(number)]
    chance.shuffle(found)
    return found
